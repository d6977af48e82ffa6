"""What is known of each language: family, script, word order, resource class. Sources: family, script and dominant word
order after Glottolog and WALS (feature 81A); resource class after Joshi et al. (2020), 0 (left behind) to 5 (winners).
"""

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Language(NamedTuple):
    """One language, by its ISO 639-1 code."""

    code: str
    name: str
    family: str
    script: str
    word_order: str
    resources: int


with (Path(__file__).parent / "languages.csv").open(encoding="utf-8", newline="") as file:
    LANGUAGES = {
        row[0]: Language(row[0], row[1], row[2], row[3], row[4], int(row[5]))
        for row in list(csv.reader(file))[1:]
    }

# The nine languages the published study trains on (arXiv 2408.10536, section 4), and XQuAD-R's eleven.
TRAINED: tuple[str, ...] = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
EVALUATED: tuple[str, ...] = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")


@lru_cache(maxsize=4096)
def is_language(code: str) -> bool:
    """Is this the code of a language? ISO 639's two letters, or any that CLDR names (yue, fil, zh_Hant)."""
    from babel import Locale

    return code in Locale("en").languages and code not in (
        "und",
        "zxx",
        "mul",
    )  # unknown, none, several


@lru_cache(maxsize=4096)
def native_name(code: str) -> str:
    """The language's name in itself ("Deutsch", "日本語"), after CLDR; the code where that has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(code).languages.get(code, code))
    except (UnknownLocaleError, ValueError):  # not a code at all
        return code
