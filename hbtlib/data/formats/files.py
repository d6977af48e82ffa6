"""Reading lines, JSON, tab-separated columns and parquet.

Every row comes with its place ("FILE, line N"), so that whatever is wrong with it can be told with
its place. A damaged file raises `DataError`: nothing is read half.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hbtlib.data.formats.checks import DataError, expect

Record = dict[str, Any]


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Reads the lines of a UTF-8 file, with or without its byte order mark; `.gz` is unpacked.

    Yields:
        The line's number, from 1, and the line without its end.

    Raises:
        DataError: for what is not UTF-8, for a broken `.gz`, and for a file that cannot be read.
    """
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for raw in file:
                number += 1
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} ({error.object[error.start]:#04x})"
        raise DataError(
            f"{path}, line {number}: {byte} is not UTF-8; convert the file "
            "(iconv -f ENCODING -t UTF-8), it may mix encodings"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}, after line {number}: the file is cut off or damaged ({error}); "
            "download it again"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from None


def read_json(path: Path) -> Any:
    """Returns the content of a JSON file.

    Raises:
        DataError: naming line and column, if it is not JSON.
    """
    content = "\n".join(line for _, line in lines(path))
    return _parse(content, str(path), lambda e: f"line {e.lineno}, column {e.colno}")


def read_jsonl(path: Path) -> Iterator[tuple[str, Record]]:
    """Reads a file with one JSON object a line. Empty lines are skipped.

    Yields:
        The place of the line and its object.

    Raises:
        DataError: naming line and column, if a line is no JSON object.
    """
    for number, line in lines(path):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        content = _parse(line, place, lambda e: f"column {e.colno}")
        yield place, expect(content, dict, place, "the line")


def _parse(content: str, place: str, position: Callable[[json.JSONDecodeError], str]) -> Any:
    try:
        return json.loads(content, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}, {position(error)}: not whole JSON ({error.msg}); the file is cut off or "
            "damaged, download it again"
        ) from None
    except (RecursionError, ValueError) as error:
        # It is nested too deep, has a number of too many digits, or a field twice.
        raise DataError(f"{place}: not JSON that can be read ({error})") from None


def _object(fields: list[tuple[str, Any]]) -> Record:
    """A JSON object as a dict; a field that occurs twice is an error, not the last one's value."""
    found = dict(fields)
    if len(found) < len(fields):
        names = [name for name, _ in fields]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {repeated!r} stands twice in one object")
    return found


def read_tsv(
    path: Path, columns: Sequence[str], *, header: bool = False, whitespace: bool = False
) -> Iterator[tuple[str, dict[str, str]]]:
    """Reads a file of tab-separated columns. Empty lines are skipped.

    Args:
        path: the file.
        columns: the names of its columns, in order.
        header: whether the first line names the columns; it is skipped, whatever it says.
        whitespace: whether any blanks separate the columns, as in TREC's files.

    Yields:
        The place of the row, and the row as column → text.

    Raises:
        DataError: for a row with another number of columns.
    """
    for number, line in lines(path):
        if not line.strip() or (header and number == 1):
            continue
        place = f"{path}, line {number}"
        parts = line.split() if whitespace else line.split("\t")
        if len(parts) != len(columns):
            raise DataError(
                f"{place}: {len(parts)} columns instead of {len(columns)} ({', '.join(columns)}); "
                f"separate them by {'blanks' if whitespace else 'tabs'}"
            )
        yield place, dict(zip(columns, parts, strict=True))


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, Record]]:
    """Reads the rows of a parquet file, these columns alone.

    Yields:
        The place of the row ("FILE, row N", from 1), and the row as column → value.

    Raises:
        DataError: for a damaged file, for one without rows, and for a missing column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            have = file.schema_arrow.names
            missing = [column for column in columns if column not in have]
            if missing:
                raise DataError(
                    f"{path} lacks the column {missing[0]!r}; it has {', '.join(have)}: is it "
                    "another dataset's file, or another revision?"
                )
            for batch in file.iter_batches(columns=list(columns)):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise DataError(
            f"{path}, after row {number}: not a whole parquet file "
            f"({str(error).splitlines()[0]}); download it again"
        ) from None
    if not number:
        raise DataError(f"{path}: no row in it; download it again")
