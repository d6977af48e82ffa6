"""Passages by the million: streamed from their files into Arrow on disk, read through memory maps.

The Arrow files are made once and kept in the cache of `datasets`, so that a benchmark of a hundred
million passages needs memory for its ids alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.data.benchmark import id_hash
from hbtlib.data.formats.checks import DataError

Row = dict[str, str]
"""One passage: a text for each of COLUMNS."""

ReadRows = Callable[..., Iterator[tuple[str, Row]]]
"""A function from a file (and options) to its passages, each with its place."""

COLUMNS = ("passage_id", "language", "text", "title")

FORMAT = 1
"""Raise this number when other rows are made of the same files.

The cache of `datasets` knows the files and the function that reads them, but not the functions
that this one calls.
"""

FileStamp = tuple[str, int, int]  # path, size in bytes, time of the last change in nanoseconds


def on_disk(files: Sequence[Path], rows: ReadRows, **options: Any) -> Any:
    """Makes an Arrow table of passages whose texts lie in memory maps.

    The table is made once, whole or not at all, in the cache of `datasets`
    (`HF_DATASETS_CACHE`); it is made again when a file changes.

    Args:
        files: the files with the passages.
        rows: the function that reads one of them: `rows(file, **options)`.
        **options: passed on to `rows`.

    Returns:
        The table (of `datasets`, with the columns COLUMNS).

    Raises:
        DataError: for a passage id that occurs twice, for files without a passage, and whatever
            `rows` raises.
    """
    from datasets import Dataset, Features, Value
    from datasets.exceptions import DatasetGenerationError

    arguments = {
        "stamps": stamps(files),
        "rows": rows,
        "options": options,
        "version": FORMAT,
    }
    features = Features({name: Value("large_string") for name in COLUMNS})
    try:
        made = Dataset.from_generator(passages, features=features, gen_kwargs=arguments)
    except DatasetGenerationError as error:
        raise (error.__cause__ if isinstance(error.__cause__, DataError) else error) from None
    return made.data.table


def stamps(files: Sequence[Path]) -> list[FileStamp]:
    """Path, size and time of change of each file: the cache is keyed by them."""
    try:
        return [
            (str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files
        ]
    except OSError as error:  # a link into a cache that has moved
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}); download it again"
        ) from None


def passages(
    stamps: Sequence[FileStamp], rows: ReadRows, options: dict[str, Any], version: int = FORMAT
) -> Iterator[Row]:
    """Yields the passages of all files, and refuses an id that occurs twice.

    Args:
        stamps: the files; the sizes and times are read by the cache alone.
        rows: the function that reads one file.
        options: its options.
        version: read by the cache alone.

    Raises:
        DataError: if there is no passage, or an id occurs twice.
    """
    files = [Path(name) for name, _, _ in stamps]
    hashes = array("Q")  # hashes of ids: 8 bytes each instead of a hundred
    for file in files:
        for _, row in rows(file, **options):
            hashes.append(id_hash(row["passage_id"]))
            yield row
    if not hashes:
        raise DataError(f"{', '.join(map(str, files))}: no passage in it; download it again")
    values, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    repeated = set(values[counts > 1].tolist())
    if repeated:
        _refuse_repeated_ids(files, rows, options, repeated)


def _refuse_repeated_ids(
    files: Sequence[Path], rows: ReadRows, options: dict[str, Any], repeated: set[int]
) -> None:
    """Reads the files again, to tell ids that occur twice from different ids with the same hash."""
    seen: set[str] = set()
    for file in files:
        for place, row in rows(file, **options):
            id_ = row["passage_id"]
            if id_hash(id_) not in repeated:
                continue
            if id_ in seen:
                raise DataError(
                    f"{place}: the passage id {id_!r} stands twice; give each passage an id of its "
                    "own"
                )
            seen.add(id_)


def frame(tables: Sequence[Any]) -> pd.DataFrame:
    """Returns Arrow tables as one DataFrame, without reading the texts.

    pandas' string type takes Arrow's columns as they lie on disk.

    Args:
        tables: tables of one schema, such as those of `on_disk`.
    """
    import pyarrow as pa

    text_type = {pa.large_string(): pd.StringDtype("pyarrow", na_value=np.nan)}
    return pa.concat_tables(tables).to_pandas(types_mapper=text_type.get)
