"""Tables of all runs of a study in one file, which is committed in place of the runs' own.

The ids of the questions take most of the room of a run's `questions.parquet`, and are the same in
every run. `results/STUDY/questions-CHECKSUM.parquet` has them once. `hbtlib.study.pack_command`
writes it; `hbtlib.study.results` reads a run's own file where it is there, else its rows of this
one. `results/STUDY/packed.json` names the file, with its checksum and those of the runs' files that
it was made of. It is written last, so that the two agree whenever the command was stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hbtlib.files import DamagedFile, move, read_json, read_table, write_json, write_table
from hbtlib.study import manifest
from hbtlib.study.runs import Run

TABLES = ("questions", "mapped_questions")
"""The tables that are put together."""

LARGE = 1 << 26
"""Bytes and rows of a page: so large that the ids of one run are seen to repeat another's."""

WRITTEN: dict[str, Any] = {
    "index": False,
    "compression": "zstd",
    "compression_level": 19,
    "dictionary_pagesize_limit": LARGE,
    "data_page_size": LARGE,
    "row_group_size": LARGE,
    "max_rows_per_page": LARGE,
}
"""How the file is written."""

RECORD = "packed.json"
"""The name of the record, in the folder of the study's results."""


class Packed(NamedTuple):
    """What the record says of one table.

    Attributes:
        file: Where the table of all runs is.
        written: Its size and checksum.
        runs: Run → the checksum of the run's own file, as its manifest has it.
    """

    file: Path
    written: manifest.Entry
    runs: Mapping[str, str]


def is_packed(run: Run, what: str) -> bool:
    """Tells whether the table of a run is in a file of its study.

    Args:
        run: The run.
        what: The table.

    Returns:
        True if the record names the run, whichever making of it, and the file is there.

    Raises:
        DamagedFile: The record cannot be read.
    """
    packed = _record(run.folder.parent).get(what)
    return packed is not None and run.name in packed.runs and packed.file.exists()


def packed_table(run: Run, what: str) -> pd.DataFrame:
    """Reads the table of one run from its study's file.

    Args:
        run: The run, whose folder has its manifest.
        what: The table, which is packed.

    Returns:
        The table as the run wrote it.

    Raises:
        DamagedFile: The file is damaged, or has what another making of the run wrote.
    """
    packed = _record(run.folder.parent)[what]
    written = manifest.read_manifest(run.folder).entries.get(f"{what}.parquet")
    if written is None or packed.runs[run.name] != written.sha256:
        raise DamagedFile(f"{packed.file} has another {what} of {run.name} than the run wrote")
    together = _together(packed.file, packed.written, packed.file.stat().st_mtime_ns)
    own = together[together["run"] == run.name]
    return own.drop(columns="run").reset_index(drop=True)


def write_packed(runs: Sequence[Run], tables: Sequence[pd.DataFrame], what: str) -> Path:
    """Writes a table of several runs of one study into one file.

    Args:
        runs: The runs, whose folders have their manifests.
        tables: The table of each.
        what: Which table it is.

    Returns:
        The file.

    Raises:
        ValueError: The tables differ in their columns or types, which one file cannot keep.
    """
    of_first = tables[0].dtypes.astype("str").to_dict()
    for run, table in zip(runs, tables, strict=True):
        if table.dtypes.astype("str").to_dict() != of_first:
            raise ValueError(
                f"{what} of {run.name} have other columns or types than those of {runs[0].name}: "
                "they cannot be put together"
            )
    folder = runs[0].folder.parent
    parts = [table.assign(run=run.name) for run, table in zip(runs, tables, strict=True)]
    checksums = {
        run.name: manifest.read_manifest(run.folder).entries[f"{what}.parquet"].sha256
        for run in runs
    }
    new = folder / f".{what}.parquet"
    write_table(pd.concat(parts, ignore_index=True), new, **WRITTEN)
    entry = manifest.entry(new)
    file = folder / f"{what}-{entry.sha256[:8]}.parquet"
    move(new, file)
    _write_record(folder, {**_record(folder), what: Packed(file, entry, checksums)})
    for old in folder.glob(f"{what}-????????.parquet"):
        if old != file:
            old.unlink()
    return file


def _record(folder: Path) -> dict[str, Packed]:
    """Reads the record of a study's folder: table → what is said of it."""
    path = folder / RECORD
    if not path.exists():
        return {}
    content = read_json(path)
    entries = manifest.from_json(content.get("files"), path)
    try:
        tables = [
            (what, str(of["file"]), dict(of["runs"])) for what, of in content["tables"].items()
        ]
        return {what: Packed(folder / name, entries[name], runs) for what, name, runs in tables}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DamagedFile(f"{path} is damaged (it does not list tables with their runs)") from None


def _write_record(folder: Path, tables: Mapping[str, Packed]) -> None:
    """Writes the record of a study's folder."""
    files = {packed.file.name: packed.written for packed in tables.values()}
    content = {
        "files": manifest.as_json(files),
        "tables": {
            what: {"file": packed.file.name, "runs": dict(packed.runs)}
            for what, packed in tables.items()
        },
    }
    write_json(folder / RECORD, content)


@lru_cache(maxsize=2)
def _together(file: Path, written: manifest.Entry, changed: int) -> pd.DataFrame:
    """Reads a file once for all its runs, and again when it has `changed`."""
    del changed  # it is part of the cache's key
    found = manifest.fault(file, written)
    if found:
        raise DamagedFile(found)
    return read_table(file)
