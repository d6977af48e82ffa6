"""Texts by whole-numbered ids, as MS MARCO has them: `id⇥text` a line, kept in Arrow on disk.

A table of nine million passages takes no memory to speak of: its texts, and its ids where they are
not simply counted through, are read through memory maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from hbtlib.data.formats.checks import DataError
from hbtlib.data.formats.files import read_json, read_tsv
from hbtlib.data.formats.kept import kept_folder, kept_place
from hbtlib.data.given import INVISIBLE
from hbtlib.files import write_json

FORMAT = 1
"""Raise this number when other tables are made of the same files."""

RECIPE = {"what": "texts by id", "format": FORMAT}
LARGEST_ID = 2**31 - 1
_BLOCK = 1 << 24  # bytes of a file that are read at once
_SCHEMA = pa.schema([("text", pa.string())])


class TextTable:
    """Texts by id, on disk.

    Attributes:
        file: the file that the table was made of.
        empty: (E,) the ids whose text is empty, sorted; they count as lacking.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        """Opens a table.

        Args:
            file: the file that it was made of, for messages.
            folder: where `text_table` keeps it.
        """
        from datasets import Dataset

        self.file = file
        known = read_json(folder / "table.json")
        self.empty = np.array(known["empty"], np.int64)
        self._first: int | None = known["first"]
        self._count: int = known["count"]
        self._texts: Any = Dataset.from_file(str(folder / "texts.arrow"))
        if self._first is None:
            self._ids = np.load(folder / "ids.npy", mmap_mode="r")
            self._rows = np.load(folder / "rows.npy", mmap_mode="r")

    def __len__(self) -> int:
        """The number of lines of the file."""
        return self._count

    def has(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Says for each id whether it has a text.

        Args:
            ids: (n,) ids.

        Returns:
            (n,) bool.
        """
        if self._first is not None:
            there = (ids >= self._first) & (ids < self._first + self._count)
        else:
            there = self._ids[self._places(ids)] == ids
        return np.asarray(there & ~np.isin(ids, self.empty) if self.empty.size else there)

    def texts(self, ids: NDArray[np.integer]) -> list[str | None]:
        """Returns the text of each id, None where it has none.

        Args:
            ids: (n,) ids.
        """
        known = self.has(ids)
        if self._first is not None:
            rows = ids.astype(np.int64) - self._first
        else:
            rows = self._rows[self._places(ids)].astype(np.int64)
        found = self._texts[np.where(known, rows, 0)]["text"]
        return [text if has else None for text, has in zip(found, known.tolist(), strict=True)]

    def _places(self, ids: NDArray[np.integer]) -> NDArray[np.int64]:
        """Where each id stands among the sorted ids, or would stand."""
        return np.minimum(np.searchsorted(self._ids, ids), self._count - 1)


def text_table(name: str, file: Path) -> TextTable:
    """Opens the table of a file; it is made when first asked for, whole or not at all.

    Args:
        name: what the file holds, such as "mmarco-de-passages".
        file: `id⇥text` a line, without a line of names.

    Raises:
        DataError: naming the line, for what is no such line and an id that occurs twice; and for a
            file without a line.
    """

    def make(folder: Path) -> None:
        print(f"{name}: making Arrow of {file}", flush=True)
        write_texts(file, folder)

    return TextTable(file, kept_folder(name, [file], RECIPE, make))


def is_made(name: str, file: Path) -> bool:
    """Says whether `text_table` would find its table made."""
    return kept_place(name, [file], RECIPE).is_dir()


def write_texts(file: Path, folder: Path) -> None:
    """Writes a file's texts to `texts.arrow`, and what is to be known of their ids beside it.

    Args:
        file: the file.
        folder: where to.

    Raises:
        DataError: as `text_table` does.
    """
    ids = []
    empty = []
    types = {"id": pa.int32(), "text": pa.string()}
    with (
        pa.OSFile(str(folder / "texts.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, _SCHEMA) as out,
    ):
        for batch in read_columns(file, types):
            texts = _trimmed(batch.column("text"))
            ids.append(batch.column("id").to_numpy())
            empty.append(ids[-1][texts.is_null().to_numpy(zero_copy_only=False)])
            out.write_batch(pa.record_batch([texts], schema=_SCHEMA))
    if not ids:
        raise DataError(f"{file}: no text in it; download it again")
    _write_ids(file, folder, np.concatenate(ids), np.concatenate(empty))


def read_columns(file: Path, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Reads a tab-separated file without a line of names, by blocks.

    Args:
        file: the file.
        types: the columns in their order, with their types.

    Raises:
        DataError: naming the line, for a line with other columns.
    """
    try:
        reader = pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(column_names=list(types), block_size=_BLOCK),
            pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=types, null_values=[]),
        )
        numbers = [name for name, kind in types.items() if pa.types.is_integer(kind)]
        for batch in reader:
            if any(batch.num_rows and pc.min(batch.column(name)).as_py() < 0 for name in numbers):
                raise pa.ArrowInvalid("a number is below 0")
            yield batch
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        _find_fault(file, types)  # Arrow's own message does not name the line
        if file.stat().st_size == 0:
            return
        raise DataError(
            f"{file} cannot be read ({str(error).splitlines()[0]}); download it again"
        ) from None


def _find_fault(file: Path, types: dict[str, pa.DataType]) -> None:
    """Raises DataError for the first line that is not as it should be."""
    numbers = [name for name, kind in types.items() if pa.types.is_integer(kind)]
    for place, row in read_tsv(file, list(types)):
        for name in numbers:
            value = row[name]
            if not (value.isascii() and value.isdecimal() and int(value) <= LARGEST_ID):
                raise DataError(
                    f"{place}: the {name} is {value[:60]!r}, where a whole number up to "
                    f"{LARGEST_ID:,} belongs; download the file again"
                )


def _trimmed(texts: pa.Array) -> pa.Array:
    """The texts without the blanks around them; null for those that show nothing."""
    seen = pc.utf8_length(pc.utf8_trim(texts, characters=INVISIBLE))
    return pc.if_else(pc.greater(seen, 0), pc.utf8_trim_whitespace(texts), None)


def _write_ids(file: Path, folder: Path, ids: NDArray[np.int32], empty: NDArray[np.int32]) -> None:
    """Writes where each id's text stands, unless the ids are simply counted through."""
    is_counted = bool((ids == ids[0] + np.arange(len(ids), dtype=np.int64)).all())
    if not is_counted:
        rows = np.argsort(ids, kind="stable").astype(np.int32)
        in_order = ids[rows]
        again = np.flatnonzero(in_order[1:] == in_order[:-1])
        if again.size:
            first, second = sorted(rows[again[0] : again[0] + 2].tolist())
            raise DataError(
                f"{file}: the id {in_order[again[0]]} stands twice, as text {first + 1} and text "
                f"{second + 1}; give each text an id of its own, or download the file again"
            )
        np.save(folder / "ids.npy", in_order)
        np.save(folder / "rows.npy", rows)
    known = {
        "count": len(ids),
        "first": int(ids[0]) if is_counted else None,
        "empty": sorted(empty.tolist()),
    }
    write_json(folder / "table.json", known)
