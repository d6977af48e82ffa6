"""Passages by the million: streamed from their files into Arrow on disk, and read from there through memory maps."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hbtlib.data.benchmark import id_print
from hbtlib.data.formats.files import DataError

Row = dict[str, str]
Rows = Callable[..., Iterator[tuple[str, Row]]]
FORMAT = 1  # another number wherever what is made of the files changes: the cache knows the files, not our code
COLUMNS = ("passage_id", "language", "text", "title")


def on_disk(files: Sequence[Path], rows: Rows, **options: Any) -> Any:
    """An Arrow table of COLUMNS whose texts lie in memory maps, from the rows that `rows(file, **options)` gives with
    their places.

    Made once, whole or not at all, in the cache of `datasets` (`HF_DATASETS_CACHE`); made anew when a file changes.
    Raises DataError for a passage id that stands twice, and what `rows` raises.
    """
    from datasets import Dataset, Features, Value
    from datasets.exceptions import DatasetGenerationError

    try:
        stamps = [
            (str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files
        ]
    except OSError as error:  # a link into a cache that has moved
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}); fetch it again"
        ) from None
    features = Features({name: Value("large_string") for name in COLUMNS})
    try:
        made = Dataset.from_generator(
            _passages,
            features=features,
            gen_kwargs={"stamps": stamps, "rows": rows, "options": options, "version": FORMAT},
        )
    except DatasetGenerationError as error:
        raise (error.__cause__ if isinstance(error.__cause__, DataError) else error) from None
    return made.data.table


def _passages(
    stamps: Sequence[tuple[str, int, int]],
    rows: Rows,
    options: dict[str, Any],
    version: int = FORMAT,
) -> Iterator[Row]:
    prints = array("Q")  # 8 bytes an id, not a hundred
    for name, _, _ in stamps:
        for _, row in rows(Path(name), **options):
            prints.append(id_print(row["passage_id"]))
            yield row
    if not prints:
        raise DataError(
            f"{', '.join(name for name, *_ in stamps)}: no passage in it; fetch it again"
        )
    values, counts = np.unique(np.frombuffer(prints, np.uint64), return_counts=True)
    again, seen = set(values[counts > 1].tolist()), set[str]()
    for place, row in (
        found for name, *_ in stamps if again for found in rows(Path(name), **options)
    ):
        if id_print(row["passage_id"]) in again:
            if row["passage_id"] in seen:
                raise DataError(
                    f"{place}: the passage id {row['passage_id']!r} stands twice; give each passage an id of "
                    "its own"
                )
            seen.add(row["passage_id"])


def frame(tables: Sequence[Any]) -> pd.DataFrame:
    """Arrow tables as one DataFrame, without reading the texts: pandas' string type takes Arrow columns as they lie."""
    import pyarrow as pa

    kind = {pa.large_string(): pd.StringDtype("pyarrow", na_value=np.nan)}
    return pa.concat_tables(tables).to_pandas(types_mapper=kind.get)
