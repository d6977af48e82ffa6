"""Where a dataset's files are: a folder that is given, one in `HBT_DATA`, or on the web."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.hub import Hub
from hbtlib.data.formats.web import Web
from hbtlib.data.given import check_languages


def local_folder(name: str, data: str | Path | None, folders: Sequence[str]) -> Path | None:
    """Returns the folder with a dataset's files on this machine, or None.

    Args:
        name: the dataset, for messages.
        data: the folder; None to look for one in the folder that `HBT_DATA` names.
        folders: the names it may have there; the first that exists is taken.

    Raises:
        DataError: if `data` or `HBT_DATA` is given and is no folder.
    """
    if data is not None:
        return _given_folder(name, data)
    root = os.environ.get("HBT_DATA")
    if not root:
        return None
    if not Path(root).is_dir():
        raise DataError(
            f"HBT_DATA is {root!r}, which is not a folder; set it to the one that holds "
            f"{' or '.join(folders)}"
        )
    for folder in folders:
        if (Path(root) / folder).is_dir():
            return Path(root) / folder
    return None


def _given_folder(name: str, data: str | Path) -> Path:
    try:
        folder = Path(data).expanduser()
        if str(data) and folder.is_dir():
            return folder
    except (OSError, RuntimeError, TypeError, ValueError):
        pass  # a name that is too long or has a NUL, a user that does not exist, no text at all
    raise DataError(
        f"{name}: {str(data)[:300]!r} is not a folder; give data= the folder with its files"
    )


def choose_languages(
    name: str, languages: Sequence[str] | None, have: Sequence[str]
) -> tuple[str, ...]:
    """Returns the languages asked for, or all there are.

    Raises:
        ValueError: for no language, or one that is named twice.
        DataError: for a language that the dataset lacks.
    """
    wanted = check_languages(name, languages)
    for language in wanted or ():
        if language not in have:
            raise DataError(f"{name} has no language {language!r}; it has {' '.join(have)}")
    return wanted or tuple(have)


class Source:
    """A dataset's files by their published paths.

    The files are those of a folder or, without one, downloaded when they are asked for.
    """

    def __init__(self, name: str, folder: Path | None, published: Hub | Web) -> None:
        """Makes a source.

        Args:
            name: the dataset, for messages.
            folder: the folder with its files; None to download them.
            published: where they are published.
        """
        self.name = name
        self.folder = folder
        self.published = published

    def path(self, file: str) -> Path:
        """Returns a file on this machine.

        Raises:
            DataError: if the file is not available, with what to do.
        """
        if self.folder is None:
            return self.published.fetch(self.name, file)
        if not (self.folder / file).is_file():
            have = ", ".join(sorted(p.name for p in self.folder.iterdir())[:6])
            raise DataError(
                f"{self.name}: {self.folder} has no {file} (it has {have or 'nothing'}…); give "
                "data= the folder that holds it, or the languages whose files are there"
            )
        return self.folder / file

    def has(self, file: str) -> bool:
        """Says whether the file is in the folder. The hub is not asked."""
        return self.folder is not None and (self.folder / file).is_file()

    def paths(self, pattern: str) -> list[Path]:
        """Returns all files of a pattern, sorted by name.

        Args:
            pattern: such as "de-corpus/dev-*.parquet".

        Raises:
            DataError: if there is none, or fewer than the files' names say ("-of-00003").
        """
        if self.folder is None:
            return [self.path(file) for file in self._hub().list_files(self.name, pattern)]
        found = sorted(self.folder.glob(pattern))
        if not found:
            raise DataError(
                f"{self.name}: {self.folder} has no file {pattern}; give data= the folder that "
                "holds such files"
            )
        parts = re.search(r"-of-(\d+)\.", found[0].name)
        if parts and len(found) != int(parts[1]):
            raise DataError(
                f"{self.name}: {self.folder} has {len(found)} of the {int(parts[1])} files "
                f"{pattern}; fetch the others"
            )
        return found

    def columns(self, pattern: str, names: Sequence[str]) -> list[Path]:
        """Returns all parquet files of a pattern; from the hub these columns of them alone.

        Args:
            pattern: such as "data/de-*.parquet".
            names: the columns that are read.

        Raises:
            DataError: as `paths` does, and for a column that a file of the hub lacks.
        """
        if self.folder is not None:
            return self.paths(pattern)
        hub = self._hub()
        files = hub.list_files(self.name, pattern)
        return [hub.fetch_columns(self.name, file, names) for file in files]

    def _hub(self) -> Hub:
        assert isinstance(self.published, Hub), "a web server has no list of its files"
        return self.published
