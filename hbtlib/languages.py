"""What is known of each language: its family, script, word order and resource class.

The facts are in `languages.csv`. Family, script and dominant word order follow Glottolog and WALS
(feature 81A). The resource class follows Joshi et al. (2020): from 0 (left behind) to 5 (winners).
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Language(NamedTuple):
    """One language, named by its ISO 639-1 code.

    Attributes:
        code: the ISO 639-1 code, such as "de".
        name: the English name.
        family: the family and, in parentheses, the branch (Glottolog).
        script: the script it is usually written in.
        word_order: the dominant order of subject, object and verb (WALS, feature 81A).
        resources: the resource class of Joshi et al. (2020), 0 (left behind) to 5 (winners).
    """

    code: str
    name: str
    family: str
    script: str
    word_order: str
    resources: int


def _read_languages(file: Path) -> dict[str, Language]:
    """Reads the table of languages; the result is keyed by code, in the file's order."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["code"]: Language(
                code=row["code"],
                name=row["name"],
                family=row["family"],
                script=row["script"],
                word_order=row["word_order"],
                resources=int(row["resources"]),
            )
            for row in csv.DictReader(lines)
        }


LANGUAGES: dict[str, Language] = _read_languages(Path(__file__).with_name("languages.csv"))
"""The twenty languages of the library, by code."""

TRAINED: tuple[str, ...] = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
"""The nine languages the published study trains on (arXiv 2408.10536, section 4)."""

EVALUATED: tuple[str, ...] = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
"""The eleven languages of XQuAD-R."""

_NOT_LANGUAGES = ("und", "zxx", "mul")  # codes for: unknown, no language, several languages


@lru_cache(maxsize=4096)
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
    from babel import Locale

    return code in Locale("en").languages and code not in _NOT_LANGUAGES
