"""The manifest of a run folder: every file that the run wrote, with its size and its SHA-256.

`manifest.json` is written last, before the run folder comes to its place. Who reads a run compares
what is there with what was written, so that a flipped bit, a file that is cut off or missing, and
a file of another run are noticed and named.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hbtlib.files import DamagedFile, file_checksum, read_json, write_json

FILE = "manifest.json"
"""The name of the manifest in its folder."""

PROVENANCE = ("parameters.json", "environment.json")
"""What says how a run was made. Every run has these files, and no table is read without them."""

PASSING = ("checkpoints",)
"""Folders of a run that are there for a time only; they are no part of it."""


class Entry(NamedTuple):
    """What a file was when it was written.

    Attributes:
        bytes: Its size.
        sha256: Its checksum.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a run wrote.

    The checksum of `parameters.json` among the entries ties the files to the parameters that made
    them.

    Attributes:
        run: The name of the run.
        entries: The entry of every file, by its path in the run folder.
    """

    run: str
    entries: Mapping[str, Entry]


def seal(folder: Path, run: str) -> None:
    """Writes the manifest of a run folder that holds all its files.

    Args:
        folder: The folder, in its place or still beside it.
        run: The name of the run.

    Raises:
        FileNotFoundError: The folder lacks `parameters.json` or `environment.json`.
        DamagedFile: One of the two is damaged.
    """
    for name in PROVENANCE:
        read_json(folder / name)
    entries = {path.relative_to(folder).as_posix(): entry(path) for path in _files(folder)}
    write_json(folder / FILE, {"run": run, "files": as_json(entries)})


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a run folder.

    Args:
        folder: The run folder.

    Returns:
        The manifest.

    Raises:
        DamagedFile: There is no manifest, or it is damaged, or it is that of another run.
    """
    path = folder / FILE
    if not path.exists():
        raise DamagedFile(f"{path} is missing, so what the run wrote cannot be verified")
    content = read_json(path)
    entries = from_json(content.get("files"), path)
    if content.get("run") != folder.name:
        raise DamagedFile(f"{path} is that of another run, {content.get('run')!r}")
    return Manifest(folder.name, entries)


def check_files(folder: Path, manifest: Manifest, names: Collection[str]) -> None:
    """Checks that files of a run are those that it wrote.

    Args:
        folder: The run folder.
        manifest: Its manifest.
        names: The paths of the files in the run folder.

    Raises:
        DamagedFile: One of the files is missing or is not what the run wrote.
    """
    for name in names:
        if name not in manifest.entries:
            raise DamagedFile(f"{folder / name} is not a file that the run wrote")
        found = fault(folder / name, manifest.entries[name])
        if found:
            raise DamagedFile(found)


def entry(path: Path) -> Entry:
    """Returns the entry of a file as it is now."""
    return Entry(path.stat().st_size, file_checksum(path))


def fault(
    path: Path, written: Entry, checksum: Callable[[Path], str] = file_checksum
) -> str | None:
    """Says what is wrong with a file.

    Args:
        path: The file.
        written: Its entry.
        checksum: Returns the checksum of a file.

    Returns:
        A sentence that begins with the path; None if the file is what was written.
    """
    if not path.is_file():
        return f"{path} is missing"
    size = path.stat().st_size
    if size != written.bytes:
        return f"{path} is damaged: it has {size:,} bytes, but {written.bytes:,} were written"
    if checksum(path) != written.sha256:
        return f"{path} is damaged: its checksum is not that of what was written"
    return None


def as_json(entries: Mapping[str, Entry]) -> dict[str, dict[str, Any]]:
    """Returns entries as they stand in a manifest."""
    return {name: entry._asdict() for name, entry in sorted(entries.items())}


def from_json(content: object, path: Path) -> dict[str, Entry]:
    """Returns entries from what stands in a manifest.

    Args:
        content: What `as_json` returned.
        path: The manifest, for the message.

    Returns:
        The entries.

    Raises:
        DamagedFile: The content is not that of a manifest.
    """
    try:
        entries = {name: Entry(**given) for name, given in content.items()}  # type: ignore[attr-defined]
        if all(isinstance(e.bytes, int) and isinstance(e.sha256, str) for e in entries.values()):
            return entries
    except (AttributeError, TypeError):
        pass
    raise DamagedFile(f"{path} is damaged (it does not list files with their bytes and sha256)")


def _files(folder: Path) -> Iterator[Path]:
    """Yields the files of a run that belong into its manifest."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)  # locks, files being written
        if path.is_file() and not hidden and parts[0] not in (*PASSING, FILE):
            yield path


class RememberedChecksums:
    """Checksums of files that are computed again only when a file has changed.

    A large model takes seconds to read, and `make study` asks for all models each time it starts.
    A file counts as unchanged while its size, its times and its inode are the same. (The time of
    its last change of any kind, ctime, cannot be set back by a program.)
    """

    def __init__(self, store: Path) -> None:
        """Reads what is remembered.

        Args:
            store: The JSON file that remembers; it need not exist.
        """
        self._store = store
        self._known: dict[str, Any] = {}
        with suppress(FileNotFoundError, DamagedFile):  # then all files are read again
            self._known = read_json(store)
        self._before = dict(self._known)

    def __call__(self, path: Path) -> str:
        """Returns the SHA-256 of a file."""
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(str(path))
        if isinstance(known, list) and known[:-1] == state:
            return str(known[-1])
        checksum = file_checksum(path)
        self._known[str(path)] = [*state, checksum]
        return checksum

    def save(self) -> None:
        """Writes what is remembered, if it changed. Where that fails nothing is lost but time."""
        if self._known != self._before:
            with suppress(OSError):
                self._store.parent.mkdir(parents=True, exist_ok=True)
                write_json(self._store, self._known)
