"""Reading data files so that what is wrong is told with its file, its line or id, and what to do; nothing half-read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hbtlib.languages import is_language

T = TypeVar("T")


class DataError(ValueError):
    """A data file is not what it should be; the message names the file, the place in it and the fix."""


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The file's lines and their numbers from 1; `.gz` is unpacked; UTF-8, with or without its mark.

    Raises DataError for what is not UTF-8, for a broken `.gz`, and for a file that is not there.
    """
    number = 0
    try:
        with (gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")) as file:
            for raw in file:
                number += 1
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, line {number}: byte {error.start + 1} ({error.object[error.start]:#04x}) is not UTF-8; "
                        f"convert "
                        "the file to UTF-8 (iconv -f ENCODING -t UTF-8), it may mix encodings") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}, after line {number}: the file is cut off or damaged ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from None


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError with line and column where it is not JSON."""
    text = "\n".join(line for _, line in lines(path))
    return _parse(text, str(path), lambda e: f"line {e.lineno}, column {e.colno}")


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with its place ("FILE, line N"). Empty lines are skipped."""
    for number, line in lines(path):
        if line.strip():
            found = _parse(line, f"{path}, line {number}", lambda e: f"column {e.colno}")
            yield f"{path}, line {number}", expect(found, dict, f"{path}, line {number}", "the line")


def _parse(text: str, place: str, at: Callable[[json.JSONDecodeError], str]) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{place}, {at(error)}: not whole JSON ({error.msg}); the file is cut off or damaged, fetch it "
                        "again") from None
    except (RecursionError, ValueError) as error:  # nested too deep; a number of too many digits
        raise DataError(f"{place}: not JSON that can be read ({error})") from None


def read_tsv(path: Path, columns: Sequence[str], *, whitespace: bool = False,
             ) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a headerless file of tab-separated columns (`whitespace`: of any blanks, as TREC's), each with its place.

    Raises DataError for a row with another number of columns.
    """
    for number, line in lines(path):
        if not line.strip():
            continue
        parts = line.split() if whitespace else line.split("\t")
        if len(parts) != len(columns):
            raise DataError(f"{path}, line {number}: {len(parts)} columns instead of {len(columns)} "
                            f"({', '.join(columns)}); separate them by tabs")
        yield f"{path}, line {number}", dict(zip(columns, parts, strict=True))


def read_headed_tsv(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a tab-separated file whose first line names its columns, each with its place."""
    header: list[str] = []
    for number, line in lines(path):
        parts = line.split("\t")
        if number == 1:
            header = parts
        elif line.strip():
            if len(parts) != len(header):
                raise DataError(f"{path}, line {number}: {len(parts)} columns, but the first line names {len(header)} "
                                f"({', '.join(header)})")
            yield f"{path}, line {number}", dict(zip(header, parts, strict=True))


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a parquet file, these columns alone, each with its place ("FILE, row N" from 1).

    Raises DataError for a damaged file, and for a missing column with those there are.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            missing = [c for c in columns if c not in file.schema_arrow.names]
            if missing:
                raise DataError(f"{path} lacks the column {missing[0]!r}; it has {', '.join(file.schema_arrow.names)}: is "
                                f"it "
                                "another data set's file, or another revision?")
            for batch in file.iter_batches(columns=list(columns)):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}, after row {number}: not a whole parquet file ({str(error).splitlines()[0]}); fetch it "
                        "again") from None


def expect(value: object, kind: type[T], place: str, what: str) -> T:
    """The value, if it is of that kind. Raises DataError naming place and what is wrong with it."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DataError(f"{place}: {what} is {short(value)}, where a {_KINDS.get(kind, kind.__name__)} belongs")
    return value


def field(record: dict[str, Any], name: str, kind: type[T], place: str) -> T:
    """A record's field. Raises DataError where it is missing or of another kind."""
    if name not in record:
        raise DataError(f"{place}: the field {name!r} is missing; there are {', '.join(map(repr, record)) or 'none'}")
    return expect(record[name], kind, place, f"the field {name!r}")


def text(record: dict[str, Any], name: str, place: str) -> str:
    """A record's field that holds text: not empty, and writable as UTF-8. Blanks around it are taken off."""
    return clean(field(record, name, str, place), place, f"the field {name!r}")


def title(record: dict[str, Any], place: str) -> str:
    """A record's title, "" where it has none."""
    found = record.get("title")
    if found is None or found == "":
        return ""
    return clean(expect(found, str, place, "the field 'title'"), place, "the field 'title'")


def clean(value: str, place: str, what: str) -> str:
    """Text without the blanks around it. Raises DataError where nothing is left, or where it holds half a character."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{place}: {what} holds half of a character (\\u{ord(value[error.start]):04x} without its other "
                        f"half); the "
                        "file was converted wrongly") from None
    stripped = value.strip()
    if not stripped:
        raise DataError(f"{place}: {what} is empty; leave the entry out, or give it its text")
    return stripped


def language(code: str, place: str) -> str:
    """A language code that ISO 639 or CLDR knows, or several joined by "-" for code-switched text ("hi-en")."""
    if not all(is_language(part) for part in code.split("-")):
        raise DataError(f"{place}: nobody knows the language {short(code)}; give its ISO 639 code (de, sw, yue), or "
                        "several joined by '-' for code-switched text (hi-en)")
    return code


def unique(seen: dict[Any, str], key: Any, place: str, what: str) -> None:
    """Notes where a key stands. Raises DataError naming both places where it stands twice."""
    if key in seen:
        raise DataError(f"{place}: {what} {short(key)} stands twice, first in {seen[key]}; give each entry an id of its "
                        f"own")
    seen[key] = place


def whole_number(value: str | int | float, place: str, what: str) -> int:
    """A grade or count written as text or number. Raises DataError where it is not a whole number from 0 up."""
    try:
        number = float(value)
        if number >= 0 and number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise DataError(f"{place}: {what} is {short(value)}, where a whole number from 0 up belongs")


def short(value: object) -> str:
    """A value as a message shows it: 60 characters at most."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


_KINDS: dict[type, str] = {dict: "JSON object", list: "list", str: "text", int: "whole number"}
