"""Training triples by ids, as MS MARCO has them, kept as columns of integers in Arrow on disk.

A line is `query⇥relevant passage⇥other passage`, each a whole number. Judgements in TREC's form
(`query⇥0⇥passage⇥grade`) become pairs without the third column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.kept import kept_folder, kept_place
from hbtlib.data.formats.text_table import read_columns

FORMAT = 1
"""Raise this number when other columns are made of the same files."""

Ids = NDArray[np.int32]

_ID = pa.int32()
FORMS: dict[str, dict[str, pa.DataType]] = {
    "triples": {"query_key": _ID, "passage_key": _ID, "negative_key": _ID},
    "judgements": {"query_key": _ID, "iteration": pa.string(), "passage_key": _ID, "grade": _ID},
}
"""What a line of a file may be: its columns with their types."""


class Triples(NamedTuple):
    """Triples by ids.

    Attributes:
        dataset: a table of `datasets` with query_key, passage_key and, of triples, negative_key.
        queries: the ids of the queries, each once, sorted.
        passages: the ids of the passages, relevant or not, each once, sorted.
    """

    dataset: Any
    queries: Ids
    passages: Ids


def read_triples(name: str, file: Path, form: str = "triples") -> Triples:
    """Opens the table of a file; it is made when first asked for, whole or not at all.

    Args:
        name: what the file holds, such as "mmarco-triples".
        file: the file.
        form: one of FORMS; of judgements those with a grade above 0 are kept.

    Raises:
        DataError: naming the line, for what is no such line; and for a file without one.
    """
    from datasets import Dataset

    def make(folder: Path) -> None:
        print(f"{name}: making Arrow of {file}", flush=True)
        _write(file, form, folder)

    folder = kept_folder(name, [file], _recipe(form), make)
    return Triples(
        Dataset.from_file(str(folder / "triples.arrow")),
        np.load(folder / "queries.npy", mmap_mode="r"),
        np.load(folder / "passages.npy", mmap_mode="r"),
    )


def is_made(name: str, file: Path, form: str = "triples") -> bool:
    """Says whether `read_triples` would find its table made."""
    return kept_place(name, [file], _recipe(form)).is_dir()


def _recipe(form: str) -> dict[str, Any]:
    return {"what": form, "format": FORMAT}


def _write(file: Path, form: str, folder: Path) -> None:
    """Writes the columns of ids, and which ids there are."""
    names = [name for name in FORMS[form] if name.endswith("_key")]
    schema = pa.schema([(name, _ID) for name in names])
    queries, passages = _Seen(), _Seen()
    with (
        pa.OSFile(str(folder / "triples.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, schema) as out,
    ):
        for batch in read_columns(file, FORMS[form]):
            if form == "judgements":
                batch = batch.filter(pc.greater(batch.column("grade"), 0))
            kept = batch.select(names)
            queries.add(kept.column("query_key").to_numpy())
            for column in names[1:]:
                passages.add(kept.column(column).to_numpy())
            out.write_batch(kept)
    if not queries.ids().size:
        raise DataError(f"{file}: no {form} in it; download it again")
    np.save(folder / "queries.npy", queries.ids())
    np.save(folder / "passages.npy", passages.ids())


class _Seen:
    """Which ids were seen: a byte for each id there may be."""

    def __init__(self) -> None:
        self._is_seen = np.zeros(1 << 16, np.bool_)

    def add(self, ids: Ids) -> None:
        """Notes some ids."""
        if not ids.size:
            return
        needed = int(ids.max()) + 1
        if needed > len(self._is_seen):
            larger = np.zeros(max(needed, 2 * len(self._is_seen)), np.bool_)
            larger[: len(self._is_seen)] = self._is_seen
            self._is_seen = larger
        self._is_seen[ids] = True

    def ids(self) -> Ids:
        """The ids that were seen, sorted."""
        return np.flatnonzero(self._is_seen).astype(np.int32)
