"""The words of a text, in languages with and without spaces between words.

A dictionary is learnt from the words that a text may consist of (`words`), and code switching
replaces the pieces that a dictionary knows (`pieces`). Both cut a text in the same way (`_runs`).
"""

import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby

UNSPACED = ("bo", "ja", "km", "lo", "my", "th", "yue", "zh")
"""Languages written without spaces. Pieces of up to `LONGEST` characters stand for their words."""

LONGEST = 12
"""The length of the longest such piece, in characters with their marks."""

# The kinds of runs that a text is cut into.
_BETWEEN = "between words"  # spaces, punctuation, symbols
_WORD = "word"  # letters, marks and digits: one word
_UNSEGMENTED = "unsegmented"  # the same in a language without spaces: several words, uncut


def words(text: str, language: str) -> Iterator[str]:
    """Yields the words of a text; in a language without spaces, every piece that may be a word.

    Numbers are left out.
    """
    for run, kind in _runs(text, language):
        if kind == _UNSEGMENTED:
            yield from _possible_words(run)
        elif kind == _WORD and not run.isnumeric():
            yield run


def pieces(text: str, language: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    """Cuts a text into the pieces that may be replaced; joined, they are the text again.

    Args:
        text: what is cut.
        language: its language code.
        is_known: says whether a piece may be a word. It is asked in languages without spaces only,
            where the text is cut from the left at the longest piece that is known.
    """
    for run, kind in _runs(text, language):
        if kind == _UNSEGMENTED:
            yield from _longest_known(run, is_known)
        else:
            yield run


def is_unspaced(language: str) -> bool:
    """Says whether a language is written without spaces; `zh_hant` counts as `zh`."""
    return language.split("_")[0] in UNSPACED


def without_an_end(piece: str) -> tuple[str, str]:
    """The piece without its first and without its last character, marks included."""
    cuts = _cuts(piece)
    return piece[cuts[1] :], piece[: cuts[-2]]


def _runs(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Cuts a text into runs of one kind; ASCII words in unspaced text are runs of their own."""
    word = _UNSEGMENTED if is_unspaced(language) else _WORD

    def kind_of(character: str) -> str:
        if not _in_word(character):
            return _BETWEEN
        return _WORD if character.isascii() else word

    for kind, characters in groupby(text, kind_of):
        yield "".join(characters), kind


def _possible_words(run: str) -> Iterator[str]:
    """Every piece of an unsegmented run with at most `LONGEST` characters."""
    cuts = _cuts(run)
    for first, start in enumerate(cuts[:-1]):
        for end in cuts[first + 1 : first + 1 + LONGEST]:
            yield run[start:end]


def _longest_known(run: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    """Cuts an unsegmented run from the left: the longest known piece, else a single character."""
    cuts = _cuts(run)
    first = 0
    while first < len(cuts) - 1:
        last = min(first + LONGEST, len(cuts) - 1)
        while last > first + 1 and not is_known(run[cuts[first] : cuts[last]]):
            last -= 1
        yield run[cuts[first] : cuts[last]]
        first = last


def _cuts(run: str) -> list[int]:
    """Where a piece may begin or end: never before a mark, as a Thai tone is part of a letter."""
    starts = [
        i
        for i, character in enumerate(run)
        if i == 0 or not unicodedata.category(character).startswith("M")
    ]
    return [*starts, len(run)]


@lru_cache(maxsize=65536)
def _in_word(character: str) -> bool:
    """Is it a letter, a mark, a digit, or a joiner as Persian and Hindi write within words?"""
    return unicodedata.category(character)[0] in "LMN" or character in "\u200c\u200d"
