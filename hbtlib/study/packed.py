"""Tables of all runs of a study in one file, which is committed in place of the runs' own.

The ids of the questions take most of the room of a run's `questions.parquet`, and are the same in
every run. `results/STUDY/questions.parquet` has them once. `hbtlib.study.pack_command` writes it;
`hbtlib.study.results` reads a run's own file where it is there, and else its rows of this one.
`results/STUDY/packed.json` has the file's checksum, and those of the runs' files it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.files import DamagedFile, read_json, read_table, write_json, write_table
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


def packed_file(run: Run, what: str) -> Path:
    """Returns the file that has a table of all runs of a run's study.

    Args:
        run: The run.
        what: The table, one of `TABLES`.

    Returns:
        `results/STUDY/WHAT.parquet`, which may be missing.
    """
    return run.folder.parent / f"{what}.parquet"


def is_packed(run: Run, what: str) -> bool:
    """Tells whether its study's file has the table of a run.

    Args:
        run: The run.
        what: The table.

    Returns:
        True if the record names the run, whichever making of it.

    Raises:
        DamagedFile: The record cannot be read.
    """
    return what in TABLES and run.name in _record(run).get(what, {}).get("runs", {})


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
    file, record = packed_file(run, what), _record(run)[what]
    written = manifest.read_manifest(run.folder).entries.get(f"{what}.parquet")
    if written is None or record["runs"][run.name] != written.sha256:
        raise DamagedFile(f"{file} has another {what} of {run.name} than the run wrote")
    own_entry = manifest.Entry(record["bytes"], record["sha256"])
    together = _together(file, own_entry, file.stat().st_mtime_ns if file.exists() else 0)
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
    """
    parts = [table.assign(run=run.name) for run, table in zip(runs, tables, strict=True)]
    checksums = {
        run.name: manifest.read_manifest(run.folder).entries[f"{what}.parquet"].sha256
        for run in runs
    }
    file = packed_file(runs[0], what)
    write_table(pd.concat(parts, ignore_index=True), file, **WRITTEN)
    entry = manifest.entry(file)._asdict()
    write_json(file.with_name(RECORD), {**_record(runs[0]), what: {**entry, "runs": checksums}})
    return file


def _record(run: Run) -> dict[str, Any]:
    """Reads what the packed files of a run's study have: table → bytes, sha256 and runs."""
    file = run.folder.parent / RECORD
    return read_json(file) if file.exists() else {}


@lru_cache(maxsize=2)
def _together(file: Path, written: manifest.Entry, changed: int) -> pd.DataFrame:
    """Reads a file once for all its runs, and again when it has `changed`."""
    del changed  # it is part of the cache's key
    found = manifest.fault(file, written)
    if found:
        raise DamagedFile(found)
    return read_table(file)
