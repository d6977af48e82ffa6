"""Checks of the values that a function is given: each says in one sentence what is wrong.

Every room uses these, so that a value is refused in the same words wherever it is given.
"""

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_LONGEST_PART = 255  # bytes of a file's name
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_integer(
    name: str, value: object, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Checks that a value is a whole number within bounds.

    Args:
        name: What the value is called, for the message.
        value: The value. A truth value is no number; a numpy integer is one.
        minimum: The smallest number allowed, or None.
        maximum: The largest number allowed, or None.

    Returns:
        The number, as a Python integer.

    Raises:
        ValueError: It is no whole number, or out of bounds.

    Example:
        >>> from hbtlib.checks import check_integer
        >>> check_integer("steps", 0, minimum=1)
        Traceback (most recent call last):
        ValueError: steps is 0; it must be 1 or more
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is {short(value)}; it must be a whole number")
    number = int(value)
    if minimum is not None and number < minimum:
        raise ValueError(f"{name} is {short(number)}; it must be {minimum} or more")
    if maximum is not None and number > maximum:
        raise ValueError(f"{name} is {short(number)}; it must be {maximum} or less")
    return number


def check_number(
    name: str,
    value: object,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Checks that a value is a finite number within bounds.

    Args:
        name: What the value is called, for the message.
        value: The value. A truth value is no number, and neither is a text such as "1e-4".
        minimum: The smallest number allowed, or None.
        maximum: The largest number allowed, or None.
        above: The number must be larger than this one, or None.
        below: The number must be smaller than this one, or None.

    Returns:
        The number, as a Python float.

    Raises:
        ValueError: It is no number, not finite, or out of bounds.

    Example:
        >>> from hbtlib.checks import check_number
        >>> check_number("warmup", 1, minimum=0, below=1)
        Traceback (most recent call last):
        ValueError: warmup is 1; it must be 0 or more and below 1
    """
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise ValueError(f"{name} is {short(value)}; it must be a number")
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        raise ValueError(f"{name} is {short(value)}; it must be below 1e308") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value}; it must be a finite number")
    bounds = {
        "{:g} or more": (minimum, minimum is None or number >= minimum),
        "above {:g}": (above, above is None or number > above),
        "{:g} or less": (maximum, maximum is None or number <= maximum),
        "below {:g}": (below, below is None or number < below),
    }
    if not all(holds for _, holds in bounds.values()):
        asked = [text.format(bound) for text, (bound, _) in bounds.items() if bound is not None]
        raise ValueError(f"{name} is {value}; it must be {' and '.join(asked)}")
    return number


def check_flag(name: str, value: object) -> bool:
    """Checks that a value is True or False.

    Args:
        name: What the value is called, for the message.
        value: The value; numpy's truth values are allowed, 0 and 1 are not.

    Returns:
        The value, as Python's own.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"{name} is {short(value)}; it must be True or False")


def check_path(name: str, value: object) -> Path:
    """Checks that a value is the path of a file or folder, which need not exist.

    Args:
        name: What the value is called, for the message.
        value: The path, as a text or a `Path`.

    Returns:
        The path.

    Raises:
        ValueError: It is something else, an empty text, holds a NUL, or is too long for a file.
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError(f"{name} is {short(value)}; it must be a path, a text or a pathlib.Path")
    if any(len(part.encode(errors="replace")) > _LONGEST_PART for part in Path(text).parts):
        raise ValueError(f"{name} is {short(value)}; no file's name has more than 255 bytes")
    return Path(text)


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Checks that a value is one of several words.

    Args:
        name: What the value is called, for the message.
        value: The value.
        choices: The words allowed.

    Returns:
        The value.

    Raises:
        ValueError: It is none of them. The message says which was probably meant, or lists all.
    """
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    raise ValueError(f"{name} is {short(value)}; {_meant(value, known)}")


def check_options(name: str, given: object, known: Iterable[str]) -> dict[str, Any]:
    """Checks that a value is a mapping whose keys are known options.

    Args:
        name: What the mapping is called, for the message.
        given: The options; None is the same as none of them.
        known: The names allowed.

    Returns:
        The options as a new dictionary.

    Raises:
        ValueError: It is no mapping, or has an unknown key. The message says which was probably
            meant, or lists all.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} is {short(given)}; it must be a mapping of options to values")
    names = list(known)
    for option in given:
        if option not in names:
            raise ValueError(f"{name} has no option {option!r}; {_meant(option, names)}")
    return dict(given)


def check_name(name: str, value: object) -> str:
    """Checks that a value can be a part of a file's name: nothing in it leads out of a folder.

    Args:
        name: What the value is called, for the message.
        value: The value.

    Returns:
        The value.

    Raises:
        ValueError: It is no text, or holds more than letters, digits, points, hyphens and
            underscores, or does not begin with a letter or a digit.
    """
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError(
        f"{name} is {short(value)}; it becomes a part of a file's name, so it may only have the "
        "letters a to z and A to Z, digits, points, hyphens and underscores, and begins with a "
        "letter or a digit"
    )


def short(value: object, longest: int = 60) -> str:
    """Writes a value as it would stand in code, on one line, cut where it is long.

    Args:
        value: Any value.
        longest: The most characters to show.

    Returns:
        The text.
    """
    try:
        text = repr(value)
    except Exception:  # an object of somebody else, or a number of more than 4,300 digits
        text = f"an object of the type {type(value).__name__}"
    if len(text.splitlines()) > 1:  # as a table's or an array's
        text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _meant(value: object, known: list[str]) -> str:
    """Says which word was probably meant, or which there are."""
    close = difflib.get_close_matches(str(value), known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(known) or 'none'}"
