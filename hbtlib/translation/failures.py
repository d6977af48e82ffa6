"""Which translations are not used, and why."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hbtlib.data.given import is_empty, is_unicode
from hbtlib.data.overlap import plain

TOO_LONG = "too long"
CUT_OFF = "cut off"
REASONS = {
    TOO_LONG: "the text has more tokens than the model reads; it was not translated",
    CUT_OFF: "the translation had no end when it reached the most tokens that it may have",
    "empty": "nothing of the translation can be seen",
    "copied": "the translation is the text itself, but for case, width and blanks",
    "wrong script": "fewer than half of the translation's letters are in the language's script",
    "length ratio": "one of the two is more than three times as long as the other",
    "negative": "the passage's own translation is good, but that of one of its negatives failed",
}
"""Why a translation is dropped."""

LARGEST_RATIO = 3.0
"""How many times as long as the other a text or its translation may be.

Of NTREX's true translations (20 languages, 190 pairs of them, 380,000 pairs of sentences) 0.2 % are
further apart.
"""

SHORT = 20
"""Where both are shorter than this, their lengths are not compared."""


def failure(text: str, translation: str, scripts: Sequence[str]) -> str:
    """Says why a translation is not used.

    Args:
        text: what was translated.
        translation: what the model made of it.
        scripts: Unicode's names of the scripts the language is written in; none: any script.

    Returns:
        One of `REASONS`, or "" if it is used.

    Example:
        >>> from hbtlib.translation.failures import failure
        >>> failure("Who built it?", "Wer hat es gebaut?", ["Latn"])
        ''
        >>> failure("Who built it?", "who built it ?", ["Latn"]), failure("Who?", "Who?", ["Thai"])
        ('copied', 'copied')
        >>> failure("Who built it?", "Кто построил?", ["Latn"])
        'wrong script'
    """
    if is_empty(translation) or not is_unicode(translation):
        return "empty"
    letters = [letter for letter in translation if letter.isalpha()]
    has_letters = any(letter.isalpha() for letter in text)
    if has_letters and plain(text) == plain(translation):
        return "copied"
    if scripts and letters:
        own = sum(1 for letter in letters if _pattern(tuple(scripts)).match(letter))
        if 2 * own < len(letters):
            return "wrong script"
    one, other = length(text), length(translation)
    if max(one, other) >= SHORT and max(one, other) > LARGEST_RATIO * min(one, other):
        return "length ratio"
    return ""


def length(text: str) -> int:
    """Returns how long a text is, so that all languages say about as much in as much.

    Blanks, and marks above and below letters, do not count; wide characters (Han, kana, Hangul)
    count twice.

    Args:
        text: the text.

    Example:
        >>> from hbtlib.translation.failures import length
        >>> length("the tower"), length("钟楼")
        (8, 4)
    """
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
        if not character.isspace() and not unicodedata.category(character).startswith("M")
    )


@lru_cache(maxsize=256)
def _pattern(scripts: tuple[str, ...]) -> Any:
    """Finds a letter of one of the scripts."""
    import regex

    return regex.compile("[" + "".join(rf"\p{{Script={script}}}" for script in scripts) + "]")
