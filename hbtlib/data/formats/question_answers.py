"""Questions with their answers in one language, by the million: streamed into Arrow on disk once.

A dataset's module says how a file's rows become questions and answers, and which rows it leaves out
and why; all else is done here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from hbtlib.data.benchmark import id_hash
from hbtlib.data.formats.checks import DataError, expect
from hbtlib.data.formats.files import Record, read_json
from hbtlib.data.formats.kept import check_room, kept_folder, kept_place
from hbtlib.data.given import is_empty, is_unicode
from hbtlib.data.pairs import Pairs
from hbtlib.files import write_json

FORMAT = 1
"""Raise this number when other pairs are made of the same files."""

_ROWS = 10_000  # written at once


class Answered(NamedTuple):
    """A question with its answer.

    Attributes:
        id: what the dataset calls the question.
        question: the question.
        passage: what answers it.
        negatives: passages that do not.
    """

    id: str
    question: str
    passage: str
    negatives: tuple[str, ...] = ()


class LeftOut(NamedTuple):
    """A row that is no pair.

    Attributes:
        reason: why, as the message says it: "12 without an answer".
    """

    reason: str


ReadRows = Callable[[Path], Iterator[Answered | LeftOut]]
"""A function from a file to its rows. It raises DataError, with the place, for what is none."""


def answered_pairs(
    name: str,
    files: Sequence[Path],
    read: ReadRows,
    *,
    language: str = "en",
    negatives: int = 0,
    recipe: Sequence[str] = (),
) -> Pairs:
    """Makes pairs of questions and answers; from the second time on they are opened in seconds.

    Ids with the same question (passage) get one `query_key` (`passage_key`): a hash of it. A
    question or passage that is empty is left out, as are the questions that have fewer negatives
    than are asked for. What was left out is printed in one line, and is in `Pairs.left_out`.

    Args:
        name: the dataset.
        files: its files.
        read: the function that reads one of them.
        language: the language of all texts.
        negatives: how many hard negatives each id gets, the first that it has.
        recipe: what else decides what `read` gives, such as the split.

    Raises:
        DataError: if no pair is left, for too little room on the disk, and what `read` raises.
    """
    from datasets import Dataset

    key = {"what": "answers", "format": FORMAT, "negatives": negatives, "recipe": list(recipe)}
    columns = _schema(language, negatives)
    if not kept_place(name, files, key).is_dir():
        # Parquet and .gz hold the texts compressed, to a quarter or so.
        check_room(name, 0, sum(_unpacked(file) for file in files))

    def make(folder: Path) -> None:
        left_out: Counter[str] = Counter()
        rows = (row for file in files for row in read(file))
        kept = _kept(rows, negatives, left_out)
        with (
            pa.OSFile(str(folder / "pairs.arrow"), "wb") as sink,
            pa.ipc.new_stream(sink, columns) as out,
        ):
            while part := list(islice(kept, _ROWS)):
                out.write_batch(_batch(part, columns, negatives))
        write_json(folder / "left_out.json", dict(left_out))

    folder = kept_folder(name, files, key, make)
    dataset = Dataset.from_file(str(folder / "pairs.arrow"))
    left_out = read_json(folder / "left_out.json")
    said = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    if not len(dataset):
        raise DataError(f"{name}: no pair is left (left out: {said or 'nothing'}); another split?")
    pairs = Pairs(name, dataset)
    pairs.left_out = left_out
    if said:
        print(f"{name}: {len(pairs):,} ids; left out: {said}", flush=True)
    return pairs


def one_of(name: str, options: Sequence[str], given: str, what: str = "split") -> str:
    """Returns an option if the dataset has it.

    Raises:
        DataError: naming those that it has.
    """
    if given not in options:
        raise DataError(f"{name} has no {what} {given!r}; it has {', '.join(options)}")
    return given


def words(record: Record, name: str, place: str) -> str:
    """Returns a field that holds a text, or "" where it is null or shows nothing.

    Raises:
        DataError: if the field is missing, no text, or not writable as UTF-8.
    """
    value = _value(record, name, place)
    if value is None:
        return ""
    text = expect(value, str, place, f"the field {name!r}")
    if not is_unicode(text):
        raise DataError(
            f"{place}: the field {name!r} holds half of a character; the file was converted wrongly"
        )
    return "" if is_empty(text) else text.strip()


def listed(record: Record, name: str, place: str) -> list[Any]:
    """Returns a field that holds a list; null is an empty one.

    Raises:
        DataError: if the field is missing or no list.
    """
    value = _value(record, name, place)
    return [] if value is None else expect(value, list, place, f"the field {name!r}")


def _value(record: Record, name: str, place: str) -> Any:
    """A field's value."""
    if name not in record:
        have = ", ".join(map(repr, record)) or "none"
        raise DataError(f"{place}: the field {name!r} is missing; the fields are {have}")
    return record[name]


def _kept(
    rows: Iterator[Answered | LeftOut], negatives: int, left_out: Counter[str]
) -> Iterator[Answered]:
    """The rows that are pairs; the others are counted."""
    for row in rows:
        if isinstance(row, LeftOut):
            left_out[row.reason] += 1
        elif not row.question:
            left_out["without a question"] += 1
        elif not row.passage:
            left_out["without a passage"] += 1
        elif len(row.negatives) < negatives:
            left_out[f"with fewer than {negatives} negatives"] += 1
        else:
            yield row


def _schema(language: str, negatives: int) -> pa.Schema:
    columns = {
        "id": pa.string(),
        f"query_{language}": pa.string(),
        f"passage_{language}": pa.string(),
        "query_key": pa.int64(),
        "passage_key": pa.int64(),
    }
    if negatives:
        columns[f"negatives_{language}"] = pa.list_(pa.string())
    return pa.schema(columns)


def _batch(rows: Sequence[Answered], schema: pa.Schema, negatives: int) -> pa.RecordBatch:
    values: list[list[Any]] = [
        [row.id for row in rows],
        [row.question for row in rows],
        [row.passage for row in rows],
        [_key(row.question) for row in rows],
        [_key(row.passage) for row in rows],
    ]
    if negatives:
        values.append([list(row.negatives[:negatives]) for row in rows])
    return pa.record_batch(
        [pa.array(column, kind) for column, kind in zip(values, schema.types, strict=True)],
        schema=schema,
    )


def _key(text: str) -> int:
    """A hash of a text, as a whole number of 64 bits with its sign."""
    return id_hash(text) - (1 << 63)


def _unpacked(file: Path) -> int:
    """About how many bytes a file's texts take in Arrow."""
    size = file.stat().st_size
    return 4 * size if file.suffix in (".gz", ".parquet") else size
