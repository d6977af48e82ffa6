"""Checks of what callers give: languages, ids, and texts that can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import short

_INVISIBLE = (
    (0x00, 0x20),  # controls and the blank
    (0x7F, 0xA0),
    (0xAD, 0xAD),  # soft hyphen
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),  # Hangul fillers
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),  # wide blanks, zero-width ones, and marks of direction
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),  # the blank of Braille
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
    (0xE0100, 0xE01EF),
)
INVISIBLE = "".join(chr(code) for first, last in _INVISIBLE for code in range(first, last + 1))
"""Every character that shows nothing: Unicode's blanks, controls, and what it calls ignorable.

A text of these alone is empty.
"""


def is_empty(text: str) -> bool:
    r"""Says whether nothing of a text can be seen.

    Example:
        >>> from hbtlib.data.given import is_empty
        >>> is_empty("\u200b \ufeff"), is_empty("a")
        (True, False)
    """
    return not text.strip(INVISIBLE)


def is_unicode(text: str) -> bool:
    """Says whether a text has no half of a character (which UTF-8 cannot hold)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_languages(owner: str, languages: object) -> tuple[str, ...] | None:
    """Returns languages as a tuple of codes; None, which stands for all, as None.

    Args:
        owner: whose languages they are, for the message.
        languages: the codes, as any collection but a text.

    Raises:
        ValueError: for a text, for no code, for what is no code, and for one that is named twice.
    """
    if languages is None:
        return None
    if isinstance(languages, str | bytes | Mapping) or not isinstance(languages, Iterable):
        raise ValueError(
            f"{owner}: languages is {short(languages)}; give a list of codes, ['de', 'en']"
        )
    codes = tuple(languages)
    if not codes:
        raise ValueError(f"{owner}: languages is empty; name one or more, or give None for all")
    for code in codes:
        if not isinstance(code, str) or is_empty(code):
            raise ValueError(
                f"{owner}: languages has {short(code)}, where a code such as 'de' belongs"
            )
    repeated = [code for code in codes if codes.count(code) > 1]
    if repeated:
        raise ValueError(f"{owner}: languages names {repeated[0]!r} more than once; name it once")
    return tuple(str(code) for code in codes)


def check_ids(owner: str, ids: object, count: int) -> NDArray[np.int64]:
    """Returns ids as an array of row numbers.

    Args:
        owner: whose ids they are, for the message.
        ids: (n,) whole numbers, as any sequence or array; one may occur several times.
        count: how many ids there are.

    Raises:
        ValueError: for what is no row of whole numbers: fractions, truth values, texts.
        IndexError: for an id below 0, or too large.
    """
    try:
        rows = np.asarray(ids)
    except ValueError:  # lists of unequal lengths
        rows = np.asarray(None)
    if rows.ndim == 1 and not len(rows):
        return np.empty(0, np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise ValueError(
            f"{owner}: ids are {short(ids)}; give a list of whole numbers, the rows from 0"
        )
    if rows.min() < 0 or rows.max() >= count:
        wrong = rows[(rows < 0) | (rows >= count)][0]
        raise IndexError(f"{owner}: there is no id {wrong}; the ids are 0 to {count - 1}")
    return rows.astype(np.int64, copy=False)
