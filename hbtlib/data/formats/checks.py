"""Checks of the values in a data file.

Each check names the place of what is wrong ("FILE, line N") and what to do. A file is read whole
or refused: nothing is read half.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from hbtlib.data.given import is_empty
from hbtlib.languages import is_language

T = TypeVar("T")

LARGEST_NUMBER = 1e6
"""The largest grade or count that a file may give."""

_KIND_NAMES: dict[type, str] = {dict: "JSON object", list: "list", str: "text", int: "whole number"}


class DataError(ValueError):
    """A data file is not what it should be; the message names the file, the place and the fix."""


def expect(value: object, kind: type[T], place: str, what: str) -> T:
    """Returns the value if it is of the given kind.

    Args:
        value: any value that was read.
        kind: the type it must have; a truth value is no whole number.
        place: where it was read, for the message.
        what: what it is, for the message.

    Raises:
        DataError: if it is of another kind.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        name = _KIND_NAMES.get(kind, kind.__name__)
        raise DataError(f"{place}: {what} is {short(value)}, where a {name} belongs")
    return value


def field(record: dict[str, Any], name: str, kind: type[T], place: str) -> T:
    """Returns a record's field.

    Raises:
        DataError: if the field is missing or of another kind.
    """
    if name not in record:
        have = ", ".join(map(repr, record)) or "none"
        raise DataError(f"{place}: the field {name!r} is missing; the fields are {have}")
    return expect(record[name], kind, place, f"the field {name!r}")


def text(record: dict[str, Any], name: str, place: str) -> str:
    """Returns a record's field that holds text, without the blanks around it.

    Raises:
        DataError: if the field is missing, no text, empty, or not writable as UTF-8.
    """
    return clean(field(record, name, str, place), place, f"the field {name!r}")


def identifier(record: dict[str, Any], name: str, place: str) -> str:
    """Returns a record's field that holds an id, as text; whole numbers are ids too.

    Raises:
        DataError: as `text` does.
    """
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(record, name, place)


def title(record: dict[str, Any], place: str) -> str:
    """Returns a record's field "title", or "" where it has none.

    Raises:
        DataError: if the title is no text.
    """
    if record.get("title") in (None, ""):
        return ""
    found = expect(record["title"], str, place, "the field 'title'")
    return clean(found, place, "the field 'title'") if not is_empty(found) else ""


def clean(value: str, place: str, what: str) -> str:
    """Returns a text without the blanks around it.

    Raises:
        DataError: if nothing is left that can be seen, or if the text holds half of a character (a
            lone surrogate), which cannot be written as UTF-8.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(value[error.start]):04x}"
        raise DataError(
            f"{place}: {what} holds half of a character ({half} without its other half); the file "
            "was converted wrongly"
        ) from None
    if is_empty(value):
        raise DataError(f"{place}: {what} is empty; leave the entry out, or give it its text")
    return value.strip()


def language(code: str, place: str) -> str:
    """Returns a language code if it is a known one.

    Args:
        code: a code that CLDR knows (ISO 639's shortest, or one with its script, zh_Hant), or
            several different ones joined by "-" for code-switched text ("hi-en").
        place: where it was read, for the message.

    Raises:
        DataError: for any other code.
    """
    parts = code.split("-")
    if not all(is_language(part) for part in parts) or len(set(parts)) < len(parts):
        raise DataError(
            f"{place}: unknown language {short(code)}; give its shortest ISO 639 code (de, sw, "
            "yue; zh_Hant for a script), or several joined by '-' for code-switched text (hi-en)"
        )
    return code


def unique(seen: dict[Any, str], key: Any, place: str, what: str) -> None:
    """Notes where a key was read, and refuses a key that was noted before.

    Args:
        seen: the keys so far with their places; the key is added to it.
        key: an id, or a tuple of ids.
        place: where the key was read.
        what: what the key is, for the message.

    Raises:
        DataError: naming both places, if the key is in `seen`.
    """
    if key in seen:
        raise DataError(
            f"{place}: {what} {short(key)} stands twice, first in {seen[key]}; "
            "give each entry an id of its own"
        )
    seen[key] = place


def whole_number(value: object, place: str, what: str) -> int:
    """Returns a grade or count that is given as a number or in digits.

    Raises:
        DataError: if it is not a whole number from 0 to a million.
    """
    number = value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,7}(\.0+)?", value.strip(), re.ASCII):
        number = float(value)
    if (
        isinstance(number, bool)
        or not isinstance(number, int | float)
        or not 0 <= number <= LARGEST_NUMBER
        or number != int(number)
    ):
        raise DataError(
            f"{place}: {what} is {short(value)}, where a whole number from 0 up belongs"
        )
    return int(number)


def short(value: object) -> str:
    """Returns a value as a message shows it: 60 characters at most."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
