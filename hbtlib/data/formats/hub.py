"""Fetching files of datasets from the Hugging Face hub."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from hbtlib.data.formats.cache import cache_folder, cannot_keep, whole_file
from hbtlib.data.formats.checks import DataError, expect
from hbtlib.data.formats.files import read_json

BLOCK = 1 << 16
"""How many bytes a read of a remote file fetches at once.

Each read fetches a block beyond its end, once a group of rows: larger blocks would fetch what
lies between the columns that are wanted.
"""


class Hub(NamedTuple):
    """A dataset repository on the Hugging Face hub, at one commit. None of its code is ever run.

    Attributes:
        repository: its name, "owner/name".
        revision: the commit, so that the files never change.
    """

    repository: str
    revision: str

    @property
    def page(self) -> str:
        """The address of the repository's page, as the catalog shows it."""
        return f"huggingface.co/datasets/{self.repository}"

    def fetch(self, name: str, file: str) -> Path:
        """Downloads a file, unless it is in the hub's cache, and returns where it is.

        `huggingface_hub` shows progress, resumes after an interruption, and moves a file to its
        place when it is whole.

        Args:
            name: the dataset, for messages.
            file: the path in the repository.

        Raises:
            DataError: if the file is not available, with what to do.
        """
        from huggingface_hub import hf_hub_download

        try:
            found = hf_hub_download(
                self.repository,
                file,
                repo_type="dataset",
                revision=self.revision,
                endpoint=_endpoint(),
            )
        except Exception as error:
            raise DataError(_explain(self, name, file, error)) from error
        return Path(found)

    def kept(self, file: str) -> Path | None:
        """Returns where a file is in the hub's cache, None where it is to be downloaded."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(
            self.repository, file, revision=self.revision, repo_type="dataset"
        )
        return Path(found) if isinstance(found, str) else None

    def list_files(self, name: str, pattern: str) -> list[str]:
        """Returns the repository's files of a pattern, such as "de-corpus/dev-*.parquet", sorted.

        Raises:
            DataError: with what to do, if there is none, or the hub cannot be asked.
        """
        found = sorted(file for file in self._listing(name, pattern) if fnmatch(file, pattern))
        if not found:
            raise DataError(_moved(self, name, pattern))
        return found

    def _listing(self, name: str, pattern: str) -> list[str]:
        """All files of the repository.

        A commit's files never change: the list is kept, so that what was fetched once is found
        without the hub.
        """
        from huggingface_hub import HfApi

        kept = cache_folder() / name / f"{self.revision}.json"
        try:
            if not kept.exists():
                api = HfApi(endpoint=_endpoint())
                files = api.list_repo_files(
                    self.repository, repo_type="dataset", revision=self.revision
                )
                content = json.dumps(list(files))
                with whole_file(kept) as part:
                    part.write_text(content, encoding="utf-8")
        except Exception as error:
            raise DataError(_explain(self, name, pattern, error)) from error
        return expect(read_json(kept), list, str(kept), "the list of files")

    def fetch_columns(self, name: str, file: str, columns: Sequence[str]) -> Path:
        """Fetches these columns of a parquet file alone, and returns where they are kept.

        Args:
            name: the dataset, for messages and for the place in the cache.
            file: the path in the repository.
            columns: the columns to fetch.

        Raises:
            DataError: if the file is not available or lacks a column, with what to do.
        """
        kept = cache_folder() / name / self.revision / "-".join(columns) / file
        try:
            if not kept.exists():
                print(f"{name}: fetching {', '.join(columns)} of {file}", flush=True)
                self._write_columns(name, file, columns, kept)
        except DataError:
            raise
        except Exception as error:
            raise DataError(_explain(self, name, file, error)) from error
        return kept

    def _write_columns(self, name: str, file: str, columns: Sequence[str], kept: Path) -> None:
        import pyarrow.parquet as pq
        from huggingface_hub import HfFileSystem

        with whole_file(kept) as part:
            # A new instance: a kept one remembers refusals, and would refuse after a login too.
            hub = HfFileSystem(endpoint=_endpoint(), skip_instance_cache=True)
            address = f"datasets/{self.repository}@{self.revision}/{file}"
            with hub.open(address, block_size=BLOCK) as remote, pq.ParquetFile(remote) as content:
                have = content.schema_arrow.names
                missing = [column for column in columns if column not in have]
                if missing:
                    raise DataError(
                        f"{name}: {file} of {self.repository} lacks the column {missing[0]!r}; "
                        f"it has {', '.join(have)}"
                    )
                pq.write_table(content.read(columns=list(columns)), part)


def _endpoint() -> str | None:
    """The address of the hub or its mirror, None for the usual one.

    It is read here because `huggingface_hub` reads it once, and strips the slash only then.
    """
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _moved(hub: Hub, name: str, file: str) -> str:
    """The message for a file that the repository does not have."""
    return (
        f"{name}: {hub.repository} at revision {hub.revision[:8]} has no {file} any more (moved or "
        "removed); tell the maintainers of hbtlib, or give data= a folder with it"
    )


def _explain(hub: Hub, name: str, file: str, error: Exception) -> str:
    """One sentence for what kept a file of the hub away, and what to do."""
    from huggingface_hub import errors

    fetch_by_hand = (
        f"fetch it elsewhere (hf download {hub.repository} --repo-type dataset --revision "
        f"{hub.revision} --include '{file}' --local-dir FOLDER) and give data=FOLDER"
    )
    answer = _answer(error)
    status = getattr(getattr(answer, "response", None), "status_code", None)
    is_not_there = isinstance(
        answer,
        errors.EntryNotFoundError
        | errors.RevisionNotFoundError
        | errors.RepositoryNotFoundError
        | errors.DisabledRepoError,
    )
    # A gated repository's error is a kind of RepositoryNotFoundError.
    if is_not_there and not isinstance(answer, errors.GatedRepoError):
        return _moved(hub, name, file)
    if status in (401, 403):
        return (
            f"{name}: the hub asks for a token before it gives {file} of {hub.repository}: accept "
            "the terms on the dataset's page, then log in (hf auth login) or set HF_TOKEN"
        )
    if status is not None:
        return (
            f"{name}: the hub answered {status} for {file} of {hub.repository}; try again later, "
            f"or {fetch_by_hand}"
        )
    is_of_network = isinstance(error, ConnectionError | TimeoutError)
    if isinstance(error, OSError) and error.errno and not is_of_network:
        return cannot_keep(name, file, error)
    cause = type(error.__cause__ or error).__name__
    return f"{name}: the hub cannot be reached for {file} ({cause}); {fetch_by_hand}"


def _answer(error: Exception) -> BaseException | None:
    """The error that holds the hub's answer, or None.

    It may stand behind a LocalEntryNotFoundError or a FileNotFoundError.
    """
    answer: BaseException | None = error
    while answer is not None and not hasattr(answer, "response"):
        answer = answer.__cause__
    return answer
