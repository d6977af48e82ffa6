"""Reading data files so that what is wrong is told with its file, its line or id, and what to do; nothing half-read."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hbtlib.languages import is_language

T = TypeVar("T")
Judgement = tuple[str, str, int]  # query id, passage id, grade


class DataError(ValueError):
    """A data file is not what it should be; the message names the file, the place in it and the fix."""


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The file's lines and their numbers from 1; `.gz` is unpacked; UTF-8, with or without its mark.

    Raises DataError for what is not UTF-8, for a broken `.gz`, and for a file that cannot be read.
    """
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for raw in file:
                number += 1
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number}: byte {error.start + 1} ({error.object[error.start]:#04x}) is not UTF-8; "
            "convert the file (iconv -f ENCODING -t UTF-8), it may mix encodings"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}, after line {number}: the file is cut off or damaged ({error}); fetch it again"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from None


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError with line and column where it is not JSON."""
    content = "\n".join(line for _, line in lines(path))
    return _parse(content, str(path), lambda e: f"line {e.lineno}, column {e.colno}")


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with its place ("FILE, line N"). Empty lines are skipped."""
    for number, line in lines(path):
        if line.strip():
            place = f"{path}, line {number}"
            yield (
                place,
                expect(_parse(line, place, lambda e: f"column {e.colno}"), dict, place, "the line"),
            )


def _parse(content: str, place: str, at: Callable[[json.JSONDecodeError], str]) -> Any:
    try:
        return json.loads(content, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}, {at(error)}: not whole JSON ({error.msg}); the file is cut off or damaged, fetch it "
            "again"
        ) from None
    except (
        RecursionError,
        ValueError,
    ) as error:  # nested too deep; a number of too many digits; a field twice
        raise DataError(f"{place}: not JSON that can be read ({error})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the field {next(n for n in names if names.count(n) > 1)!r} stands twice in one object"
        )
    return found


def read_tsv(
    path: Path, columns: Sequence[str], *, header: bool = False, whitespace: bool = False
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a file of tab-separated columns, each with its place. Empty lines are skipped.

    header: the first line names the columns (and is not looked at). whitespace: any blanks separate, as in TREC's files.
    Raises DataError for a row with another number of columns.
    """
    for number, line in lines(path):
        if not line.strip() or (header and number == 1):
            continue
        parts = line.split() if whitespace else line.split("\t")
        if len(parts) != len(columns):
            raise DataError(
                f"{path}, line {number}: {len(parts)} columns instead of {len(columns)} ({', '.join(columns)}); "
                f"separate them by {'blanks' if whitespace else 'tabs'}"
            )
        yield f"{path}, line {number}", dict(zip(columns, parts, strict=True))


BEIR_HEADER = ("query-id", "corpus-id", "score")


def read_qrels(path: Path, queries: set[str] | None = None) -> Iterator[tuple[str, Judgement]]:
    """The judgements of a qrels file, each with its place: TREC's (`qid Q0 docid grade` a line) or BEIR's (tab-separated,
    below the line `query-id corpus-id score`).

    Raises DataError for a query that is not among `queries`, a pair judged twice, and a grade that is not whole.
    """
    first = next(lines(path), (0, ""))[1].split("\t")
    beir = first == list(BEIR_HEADER)
    if not beir and len(first) == 3:
        raise DataError(
            f"{path}, line 1: three columns, but not BEIR's first line; begin the file with the line "
            f"{'⇥'.join(BEIR_HEADER)}, or give TREC's four columns (qid Q0 docid grade)"
        )
    names = BEIR_HEADER if beir else ("qid", "Q0", "docid", "grade")
    seen: dict[tuple[str, str], str] = {}
    for place, row in read_tsv(path, names, header=beir, whitespace=not beir):
        query, passage = text(row, names[0], place), text(row, names[-2], place)
        if queries is not None and query not in queries:
            raise DataError(
                f"{place}: it judges the query {short(query)}, which there is not; are queries and judgements "
                "of one split and language?"
            )
        unique(seen, (query, passage), place, "the judgement of")
        yield place, (query, passage, whole_number(row[names[-1]], place, f"the {names[-1]}"))


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a parquet file, these columns alone, each with its place ("FILE, row N" from 1).

    Raises DataError for a damaged file, for one without rows, and for a missing column with those there are.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            missing = [c for c in columns if c not in file.schema_arrow.names]
            if missing:
                raise DataError(
                    f"{path} lacks the column {missing[0]!r}; it has {', '.join(file.schema_arrow.names)}: is "
                    "it another data set's file, or another revision?"
                )
            for batch in file.iter_batches(columns=list(columns)):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise DataError(
            f"{path}, after row {number}: not a whole parquet file ({str(error).splitlines()[0]}); fetch it "
            "again"
        ) from None
    if not number:
        raise DataError(f"{path}: no row in it; fetch it again")


def expect(value: object, kind: type[T], place: str, what: str) -> T:
    """The value, if it is of that kind. Raises DataError naming place and what is wrong with it."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DataError(
            f"{place}: {what} is {short(value)}, where a {_KINDS.get(kind, kind.__name__)} belongs"
        )
    return value


def field(record: dict[str, Any], name: str, kind: type[T], place: str) -> T:
    """A record's field. Raises DataError where it is missing or of another kind."""
    if name not in record:
        raise DataError(
            f"{place}: the field {name!r} is missing; there are {', '.join(map(repr, record)) or 'none'}"
        )
    return expect(record[name], kind, place, f"the field {name!r}")


def text(record: dict[str, Any], name: str, place: str) -> str:
    """A record's field that holds text: not empty, and writable as UTF-8. Blanks around it are taken off."""
    return clean(field(record, name, str, place), place, f"the field {name!r}")


def identifier(record: dict[str, Any], name: str, place: str) -> str:
    """A record's field that holds an id, as text; whole numbers are ids too."""
    if isinstance(record.get(name), int) and not isinstance(record[name], bool):
        return str(record[name])
    return text(record, name, place)


def title(record: dict[str, Any], place: str) -> str:
    """A record's title, "" where it has none."""
    if record.get("title") in (None, ""):
        return ""
    found = expect(record["title"], str, place, "the field 'title'")
    return clean(found, place, "the field 'title'") if found.strip() else ""


def clean(value: str, place: str, what: str) -> str:
    """Text without the blanks around it. Raises DataError where nothing is left, or where it holds half a character."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: {what} holds half of a character (\\u{ord(value[error.start]):04x} without its other "
            "half); the file was converted wrongly"
        ) from None
    stripped = value.strip()
    if not stripped:
        raise DataError(f"{place}: {what} is empty; leave the entry out, or give it its text")
    return stripped


def language(code: str, place: str) -> str:
    """A language code that CLDR knows (ISO 639's shortest, or with its script, zh_Hant), or several different ones joined
    by "-" for code-switched text ("hi-en"). Raises DataError for another.
    """
    parts = code.split("-")
    if not all(is_language(part) for part in parts) or len(set(parts)) < len(parts):
        raise DataError(
            f"{place}: nobody knows the language {short(code)}; give its shortest ISO 639 code (de, sw, yue; "
            "zh_Hant for a script), or several joined by '-' for code-switched text (hi-en)"
        )
    return code


def unique(seen: dict[Any, str], key: Any, place: str, what: str) -> None:
    """Notes where a key stands. Raises DataError naming both places where it stands twice."""
    if key in seen:
        raise DataError(
            f"{place}: {what} {short(key)} stands twice, first in {seen[key]}; give each entry an id of its own"
        )
    seen[key] = place


def whole_number(value: object, place: str, what: str) -> int:
    """A grade or count, as a number or in digits. Raises DataError where it is not a whole number from 0 to a million."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}(\.0+)?", value.strip(), re.ASCII):
        value = float(value)
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= 1e6
        and value == int(value)
    ):
        return int(value)
    raise DataError(f"{place}: {what} is {short(value)}, where a whole number from 0 up belongs")


def short(value: object) -> str:
    """A value as a message shows it: 60 characters at most."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


_KINDS: dict[type, str] = {dict: "JSON object", list: "list", str: "text", int: "whole number"}
