"""Where a data set's files are: a folder of one's own, the folder `HBT_DATA` names, or the place they are published."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from hbtlib.data.formats.files import DataError, expect, read_json


class Hub(NamedTuple):
    """A data set repository on the Hugging Face hub, pinned to a commit. None of its code is ever run."""

    repository: str
    revision: str


class Web(NamedTuple):
    """Files under an address that never changes, with the SHA-256 of those whose content is known."""

    address: str
    hashes: dict[str, str]


def cache_folder() -> Path:
    """Where made and downloaded data are kept: `HBT_CACHE`, or `~/.cache/hbtlib` (the hub's own cache is `HF_HOME`)."""
    return Path(os.environ.get("HBT_CACHE") or Path.home() / ".cache" / "hbtlib")


def local_folder(name: str, data: str | Path | None, folders: Sequence[str]) -> Path | None:
    """The folder with the data set's files on this machine, or None: `data`, or one of `folders` in `HBT_DATA`.

    Raises DataError where `data` is given and is no folder.
    """
    if data is not None:
        try:
            folder = Path(data).expanduser()
            if str(data) and folder.is_dir():
                return folder
        except (OSError, RuntimeError):  # a name that is too long, a user that is not there
            pass
        raise DataError(
            f"{name}: {str(data)[:300]!r} is not a folder; give data= the folder with its files"
        )
    root = os.environ.get("HBT_DATA")
    if root and not Path(root).is_dir():
        raise DataError(
            f"HBT_DATA is {root!r}, which is not a folder; set it to the one that holds {' or '.join(folders)}"
        )
    places = [Path(root) / folder for folder in folders] if root else []
    return next((place for place in places if place.is_dir()), None)


def chosen(name: str, languages: Sequence[str] | None, have: Sequence[str]) -> tuple[str, ...]:
    """The languages asked for, or all there are. Raises DataError for one the data set lacks."""
    for language in languages or ():
        if language not in have:
            raise DataError(f"{name} has no language {language!r}; it has {' '.join(have)}")
    return tuple(languages or have)


class Source:
    """A data set's files by their published paths, in a folder or, without one, downloaded when they are asked for."""

    def __init__(self, name: str, folder: Path | None, published: Hub | Web) -> None:
        self.name, self.folder, self.published = name, folder, published

    def path(self, file: str) -> Path:
        """The file on this machine. Raises DataError with what to do where it cannot be had."""
        if self.folder is None:
            if isinstance(self.published, Web):
                return _from_web(self.name, self.published, file)
            return _from_hub(self.name, self.published, file)
        if not (self.folder / file).is_file():
            have = sorted(p.name for p in self.folder.iterdir())[:6]
            raise DataError(
                f"{self.name}: {self.folder} has no {file} (it has {', '.join(have) or 'nothing'}…); give data= "
                "the folder that holds it, or the languages whose files are there"
            )
        return self.folder / file

    def has(self, file: str) -> bool:
        """Is the file in the folder? (No question to the hub.)"""
        return self.folder is not None and (self.folder / file).is_file()

    def paths(self, pattern: str) -> list[Path]:
        """All files of that pattern ("de-corpus/dev-*.parquet"), in the order of their names."""
        if self.folder is None:
            return [self.path(file) for file in self._published(pattern)]
        found = sorted(self.folder.glob(pattern))
        if not found:
            raise DataError(
                f"{self.name}: {self.folder} has no file {pattern}; give data= the folder that holds such files"
            )
        whole = re.search(r"-of-(\d+)\.", found[0].name)
        if whole and len(found) != int(whole[1]):
            raise DataError(
                f"{self.name}: {self.folder} has {len(found)} of the {int(whole[1])} files {pattern}; fetch the "
                "others"
            )
        return found

    def _published(self, pattern: str) -> list[str]:
        assert isinstance(self.published, Hub)
        found = sorted(
            f for f in _listing(self.name, self.published, pattern) if fnmatch(f, pattern)
        )
        if not found:
            raise DataError(_why(self.name, self.published, pattern))
        return found

    def columns(self, pattern: str, names: Sequence[str]) -> list[Path]:
        """All parquet files of that pattern; from the hub these columns of them alone, kept in the cache."""
        if self.folder is not None:
            return self.paths(pattern)
        assert isinstance(self.published, Hub)
        return [
            _columns(self.name, self.published, file, names) for file in self._published(pattern)
        ]


def _columns(name: str, hub: Hub, file: str, names: Sequence[str]) -> Path:
    import pyarrow.parquet as pq
    from huggingface_hub import HfFileSystem

    place = cache_folder() / name / hub.revision / "-".join(names) / file
    try:
        if not place.exists():
            print(f"{name}: fetching {', '.join(names)} of {file}", flush=True)
            with _whole(place) as part:
                # A new instance: a kept one remembers refusals, and would refuse after a login too. Each read fetches a
                # block beyond its end, once a group of rows: large blocks would fetch what stands between the columns.
                remote = HfFileSystem(endpoint=_endpoint(), skip_instance_cache=True).open(
                    f"datasets/{hub.repository}@{hub.revision}/{file}", block_size=1 << 16
                )
                with remote, pq.ParquetFile(remote) as content:
                    missing = [n for n in names if n not in content.schema_arrow.names]
                    if missing:
                        raise DataError(
                            f"{name}: {file} of {hub.repository} lacks the column {missing[0]!r}; it has "
                            f"{', '.join(content.schema_arrow.names)}"
                        )
                    pq.write_table(content.read(columns=list(names)), part)
    except DataError:
        raise
    except Exception as error:
        raise DataError(_why(name, hub, file, error)) from error
    return place


@contextmanager
def _whole(place: Path) -> Iterator[Path]:
    """A file to write to that comes to its place when it is whole; otherwise nothing is left of it."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _endpoint() -> str | None:
    """The hub or its mirror; read here because huggingface_hub reads it once, and strips the slash only then."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _from_hub(name: str, hub: Hub, file: str) -> Path:
    """huggingface_hub shows progress, goes on where a connection broke, and moves a file to its place when whole."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(
            hf_hub_download(
                hub.repository,
                file,
                repo_type="dataset",
                revision=hub.revision,
                endpoint=_endpoint(),
            )
        )
    except Exception as error:
        raise DataError(_why(name, hub, file, error)) from error


def _listing(name: str, hub: Hub, pattern: str) -> list[str]:
    """The repository's files. A commit's never change: they are kept, so that what was fetched is found without the hub."""
    from huggingface_hub import HfApi

    place = cache_folder() / name / f"{hub.revision}.json"
    try:
        if not place.exists():
            api = HfApi(endpoint=_endpoint())
            files = list(
                api.list_repo_files(hub.repository, repo_type="dataset", revision=hub.revision)
            )
            with _whole(place) as part:
                part.write_text(json.dumps(files), encoding="utf-8")
    except Exception as error:
        raise DataError(_why(name, hub, pattern, error)) from error
    return expect(read_json(place), list, str(place), "the list of files")


def _why(name: str, hub: Hub, file: str, error: Exception | None = None) -> str:
    """One sentence for what kept a file of the hub away, and what to do; without an error: it is not there."""
    from huggingface_hub import errors

    moved = (
        f"{name}: {hub.repository} at revision {hub.revision[:8]} has no {file} any more (moved or removed); "
        "tell the maintainers of hbtlib, or give data= a folder with it"
    )
    if error is None:
        return moved

    by_hand = (
        f"fetch it elsewhere (hf download {hub.repository} --repo-type dataset --revision {hub.revision} --include "
        f"'{file}' --local-dir FOLDER) and give data=FOLDER"
    )
    # The hub's answer may stand behind a LocalEntryNotFoundError or a FileNotFoundError.
    answer: BaseException | None = error
    while answer is not None and not hasattr(answer, "response"):
        answer = answer.__cause__
    status = getattr(getattr(answer, "response", None), "status_code", None)
    if not isinstance(answer, errors.GatedRepoError) and isinstance(
        answer,
        errors.EntryNotFoundError
        | errors.RevisionNotFoundError
        | errors.RepositoryNotFoundError
        | errors.DisabledRepoError,
    ):
        return moved
    if status in (401, 403):
        return (
            f"{name}: the hub asks for a token before it gives {file} of {hub.repository}: accept the terms on the data "
            "set's page, then log in (hf auth login) or set HF_TOKEN"
        )
    if status is not None:
        return f"{name}: the hub answered {status} for {file} of {hub.repository}; try again later, or {by_hand}"
    if (
        isinstance(error, OSError)
        and error.errno
        and not isinstance(error, ConnectionError | TimeoutError)
    ):
        return _no_room(name, file, error)
    return f"{name}: the hub is not in reach for {file} ({type(error.__cause__ or error).__name__}); {by_hand}"


def _no_room(name: str, file: str, error: OSError) -> str:
    return f"{name}: {file} cannot be kept ({error}); make room, or set HBT_CACHE and HF_HOME to folders that can be written"


def _from_web(name: str, web: Web, file: str) -> Path:
    """pooch shows progress, checks the hash, and moves a file to its place when it is whole."""
    import pooch
    import requests

    place = cache_folder() / name / file
    known = web.hashes.get(file)
    try:
        return Path(
            pooch.retrieve(
                f"{web.address}/{file}",
                known,
                fname=place.name,
                path=place.parent,
                progressbar=True,
            )
        )
    except requests.HTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status not in (404, 410):
            raise DataError(
                f"{name}: the server answered {status} for {web.address}/{file}; try again later, or fetch it "
                "elsewhere and give data= the folder with it"
            ) from error
        raise DataError(
            f"{name}: {web.address}/{file} is not there any more ({error}); give data= a folder with "
            "it"
        ) from error
    except requests.RequestException as error:
        raise DataError(
            f"{name}: {web.address}/{file} is not in reach ({type(error).__name__}); fetch it elsewhere and "
            "give data= the folder with it"
        ) from error
    except OSError as error:
        raise DataError(_no_room(name, file, error)) from error
    except ValueError as error:
        raise DataError(
            f"{name}: {web.address}/{file} came with another content than it had ({error}); try again, or give "
            "data= a folder with the right one"
        ) from error
