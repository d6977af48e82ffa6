"""What is known of each language: family, script, word order, resource class.

Sources: family, script and dominant word order after Glottolog and WALS (feature 81A); resource class after Joshi et al.
(2020), 0 (left behind) to 5 (winners); `cc100_gib` is the size of the language's part of CC-100, XLM-R's training text.
"""

from functools import lru_cache
from typing import NamedTuple


class Language(NamedTuple):
    """One language, by its ISO 639-1 code."""

    code: str
    name: str
    family: str
    script: str
    word_order: str
    joshi_class: int
    cc100_gib: float


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("ar", "Arabic", "Afro-Asiatic (Semitic)", "Arabic", "VSO", 5, 28.0),
        Language("bn", "Bengali", "Indo-European (Indo-Aryan)", "Bengali", "SOV", 3, 8.4),
        Language("de", "German", "Indo-European (Germanic)", "Latin", "none dominant", 5, 66.6),
        Language("el", "Greek", "Indo-European (Hellenic)", "Greek", "none dominant", 3, 46.9),
        Language("en", "English", "Indo-European (Germanic)", "Latin", "SVO", 5, 300.8),
        Language("es", "Spanish", "Indo-European (Romance)", "Latin", "SVO", 5, 53.3),
        Language("fa", "Persian", "Indo-European (Iranian)", "Arabic", "SOV", 4, 111.6),
        Language("fi", "Finnish", "Uralic", "Latin", "SVO", 4, 54.3),
        Language("fr", "French", "Indo-European (Romance)", "Latin", "SVO", 5, 56.8),
        Language("hi", "Hindi", "Indo-European (Indo-Aryan)", "Devanagari", "SOV", 4, 20.2),
        Language("id", "Indonesian", "Austronesian", "Latin", "SVO", 3, 148.3),
        Language("ja", "Japanese", "Japonic", "Japanese", "SOV", 5, 69.3),
        Language("ko", "Korean", "Koreanic", "Hangul", "SOV", 4, 54.2),
        Language("ru", "Russian", "Indo-European (Slavic)", "Cyrillic", "SVO", 4, 278.0),
        Language("sw", "Swahili", "Atlantic-Congo (Bantu)", "Latin", "SVO", 2, 1.6),
        Language("te", "Telugu", "Dravidian", "Telugu", "SOV", 1, 4.7),
        Language("th", "Thai", "Kra-Dai", "Thai", "SVO", 3, 71.7),
        Language("tr", "Turkish", "Turkic", "Latin", "SOV", 4, 20.9),
        Language("vi", "Vietnamese", "Austroasiatic", "Latin", "SVO", 4, 137.3),
        Language("zh", "Chinese", "Sino-Tibetan", "Han", "SVO", 5, 46.9),
    )
}

TRAINED: tuple[str, ...] = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")
"""The nine languages the published study trains on (arXiv 2408.10536, section 4)."""

EVALUATED: tuple[str, ...] = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
"""The eleven languages of XQuAD-R; Greek and Vietnamese are never trained on."""


@lru_cache(maxsize=4096)
def is_language(code: str) -> bool:
    """Is this the code of a language? ISO 639's two letters, or any that CLDR names (yue, fil, zh_Hant)."""
    from babel import Locale

    return code in Locale("en").languages and code not in ("und", "zxx", "mul")  # unknown, none, several


@lru_cache(maxsize=4096)
def native_name(code: str) -> str:
    """The language's name in itself ("Deutsch", "日本語"), after CLDR; the code where that has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(code).languages.get(code, code))
    except (UnknownLocaleError, ValueError):  # not a code at all
        return code


def by_script(codes: list[str] | tuple[str, ...]) -> list[str]:
    """The codes ordered for a picture: languages of one script beside each other, alphabetical within it.

    A code that is not in the table (a language of one's own data) comes last.
    """
    def key(code: str) -> tuple[bool, bool, str, str]:
        known = LANGUAGES.get(code)
        script = known.script if known else ""
        return (known is None, script != "Latin", script, code)

    return sorted(codes, key=key)
