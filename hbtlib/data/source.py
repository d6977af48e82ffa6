"""Where a data set's files are: a folder of one's own, the folder `HBT_DATA` names, or the place they are published."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from hbtlib.data.read import DataError, short


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
        raise DataError(f"{name}: {short(str(data))} is not a folder; give data= the folder with its files")
    root = os.environ.get("HBT_DATA")
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
            raise DataError(f"{self.name}: {self.folder} has no {file} (it has {', '.join(have) or 'nothing'}…); give data= "
                            "the folder that holds it, or the languages whose files are there")
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
            raise DataError(f"{self.name}: {self.folder} has no file {pattern}; give data= the folder that holds such files")
        whole = re.search(r"-of-(\d+)\.", found[0].name)
        if whole and len(found) != int(whole[1]):
            raise DataError(f"{self.name}: {self.folder} has {len(found)} of the {int(whole[1])} files {pattern}; fetch the "
                            f"others")
        return found

    def _published(self, pattern: str) -> list[str]:
        assert isinstance(self.published, Hub)
        found = sorted(f for f in _listing(self.name, self.published) if fnmatch(f, pattern))
        if not found:
            raise DataError(_why(self.name, self.published, pattern))
        return found

    def columns(self, pattern: str, names: Sequence[str]) -> list[Path]:
        """All parquet files of that pattern; from the hub these columns of them alone, kept in the cache."""
        if self.folder is not None:
            return self.paths(pattern)
        assert isinstance(self.published, Hub)
        return [_columns(self.name, self.published, file, names) for file in self._published(pattern)]


def _columns(name: str, hub: Hub, file: str, names: Sequence[str]) -> Path:
    import pyarrow.parquet as pq
    from huggingface_hub import HfFileSystem

    place = cache_folder() / name / hub.revision / file
    if not place.exists():
        part = place.with_name(f".{place.name}.{os.getpid()}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            print(f"{name}: fetching {', '.join(names)} of {file}", flush=True)
            remote = HfFileSystem(endpoint=os.environ.get("HF_ENDPOINT")).open(
                f"datasets/{hub.repository}@{hub.revision}/{file}", block_size=1 << 20)
            with remote, pq.ParquetFile(remote) as content:
                missing = [n for n in names if n not in content.schema_arrow.names]
                if missing:
                    raise DataError(f"{name}: {file} of {hub.repository} lacks the column {missing[0]!r}; it has "
                                    f"{', '.join(content.schema_arrow.names)}")
                pq.write_table(content.read(columns=list(names)), part)
            part.rename(place)
        except DataError:
            raise
        except Exception as error:
            raise DataError(_why(name, hub, file, error)) from error
        finally:
            part.unlink(missing_ok=True)
    return place


def _from_hub(name: str, hub: Hub, file: str) -> Path:
    """huggingface_hub shows progress, resumes, and moves a file to its place when it is whole."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(hub.repository, file, repo_type="dataset", revision=hub.revision,
                                    endpoint=os.environ.get("HF_ENDPOINT")))
    except Exception as error:
        raise DataError(_why(name, hub, file, error)) from error


def _listing(name: str, hub: Hub) -> list[str]:
    from huggingface_hub import HfApi

    try:
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        return list(api.list_repo_files(hub.repository, repo_type="dataset", revision=hub.revision))
    except Exception as error:
        raise DataError(_why(name, hub, "its list of files", error)) from error


def _why(name: str, hub: Hub, file: str, error: Exception | None = None) -> str:
    """One sentence for what kept a file of the hub away, and what to do; without an error: it is not there."""
    from huggingface_hub import errors

    moved = (f"{name}: {hub.repository} at revision {hub.revision[:8]} has no {file} any more (moved or removed); "
             "tell the maintainers of hbtlib, or give data= a folder with it")
    if error is None:
        return moved

    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    by_hand = (f"fetch it elsewhere (hf download {hub.repository} --repo-type dataset --revision {hub.revision} --local-dir "
               "FOLDER) and give data=FOLDER")
    if isinstance(error, errors.GatedRepoError) or status in (401, 403):
        return (f"{name}: the hub asks for a token before it gives {file} of {hub.repository}: accept the terms on the data "
                "set's page, then log in (hf auth login) or set HF_TOKEN")
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled) or status is None:
        return f"{name}: the hub is not in reach for {file} ({type(error).__name__}); {by_hand}"
    if isinstance(error, errors.EntryNotFoundError | errors.RevisionNotFoundError | errors.RepositoryNotFoundError):
        return moved
    return f"{name}: the hub answered {status} for {file} of {hub.repository}; try again later, or {by_hand}"


def _from_web(name: str, web: Web, file: str) -> Path:
    """pooch shows progress, checks the hash, and moves a file to its place when it is whole."""
    import pooch
    import requests

    place = cache_folder() / name / file
    known = web.hashes.get(file)
    try:
        return Path(pooch.retrieve(f"{web.address}/{file}", known, fname=place.name, path=place.parent, progressbar=True))
    except requests.HTTPError as error:
        raise DataError(f"{name}: {web.address}/{file} is not there any more ({error}); give data= a folder with "
                        f"it") from error
    except (requests.RequestException, OSError) as error:
        raise DataError(f"{name}: {web.address}/{file} is not in reach ({type(error).__name__}); fetch it elsewhere and "
                        "give data= the folder with it") from error
    except ValueError as error:
        raise DataError(f"{name}: {web.address}/{file} came with another content than it had ({error}); try again, or give "
                        "data= a folder with the right one") from error
