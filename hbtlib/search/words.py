"""Texts as terms, for search by words: each text is split as its script and language need.

- A term is a run of letters, digits and the marks that belong to them (Unicode), in lower case.
- Scripts that put no blanks between words (Han, Hiragana, Katakana, Bopomofo, Thai, Lao, Khmer,
  Myanmar, Tibetan, Yi, Javanese, Tai) become overlapping pairs of characters instead, as Lucene's
  analyser for Chinese, Japanese and Korean makes them. A character is what a reader sees as one,
  marks above and below included. Latin words in such a text stay words.
- Korean puts blanks between words, and has words.
- The text's language decides on lower case (I and İ in Turkish and Azerbaijani) and, if it is asked
  for, on the stem.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import regex

UNSPACED = (
    "Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Yi",
    "Javanese", "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet",
)  # fmt: skip
"""The scripts that put no blanks between words, by their Unicode names."""

_OF_UNSPACED = "".join(rf"\p{{Script={name}}}" for name in UNSPACED)
_TERM = regex.compile(
    # The long vowel mark of Katakana belongs to no script, nor do most marks.
    rf"(?P<unspaced>[{_OF_UNSPACED}ー][{_OF_UNSPACED}ー\p{{M}}]*)"
    rf"|[[\p{{L}}\p{{N}}]--[{_OF_UNSPACED}ー]][[\p{{L}}\p{{M}}\p{{N}}]--[{_OF_UNSPACED}ー]]*",
    flags=regex.VERSION1,
)
_CHARACTER = regex.compile(r"\X")
_DOTTED = str.maketrans({"I": "ı", "İ": "i"})


def terms(text: str, language: str, *, stem: bool = False) -> list[str]:
    """Splits a text into the terms that it is searched by.

    Args:
        text: the text.
        language: its language, which decides on lower case and on the stem.
        stem: whether words become stems, where the language has a stemmer (`has_stemmer`).

    Returns:
        The terms in their order, with repetitions.

    Raises:
        ImportError: if stems are asked for and PyStemmer is not installed.

    Example:
        >>> terms("In Rom, 2024", "de"), terms("東京のNHK", "ja"), terms("IRMAK", "tr")
        (['in', 'rom', '2024'], ['東京', '京の', 'nhk'], ['ırmak'])
    """
    plain = unicodedata.normalize("NFKC", text)
    if language in ("tr", "az"):
        plain = plain.translate(_DOTTED)
    stemmer = _stemmer(language) if stem else None
    found: list[str] = []
    for match in _TERM.finditer(plain.lower()):
        if match["unspaced"] is None:
            found.append(match[0] if stemmer is None else stemmer(match[0]))
        else:
            found.extend(_pairs(match[0]))
    return found


def has_stemmer(language: str) -> bool:
    """Says whether PyStemmer has a stemmer of a language.

    Args:
        language: its code.

    Raises:
        ImportError: if PyStemmer is not installed.

    Example:
        >>> has_stemmer("de"), has_stemmer("zh")
        (True, False)
    """
    return _stemmer(language) is not None


def _pairs(run: str) -> list[str]:
    """The overlapping pairs of a run's characters; a character alone is its own term."""
    characters = _CHARACTER.findall(run)
    if len(characters) == 1:
        return characters
    return [first + second for first, second in pairwise(characters)]


@cache
def _stemmer(language: str) -> Callable[[str], str] | None:
    """The function from words to stems, or None where the language has none."""
    try:
        import Stemmer
    except ImportError:
        raise ImportError(
            "stems are made by a package: pip install 'hbtlib[bm25]', or leave stem=True out"
        ) from None
    from babel import Locale

    code = {"nb": "no", "nn": "no"}.get(language, language)
    name = Locale("en").languages.get(code, "").lower()
    if name not in Stemmer.algorithms():
        return None
    stem: Callable[[str], str] = Stemmer.Stemmer(name).stemWord
    return stem
