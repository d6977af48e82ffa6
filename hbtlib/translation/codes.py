"""What a translation model calls a language, and the script that a language is written in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

# What CLDR's aliases lack, or give in one direction alone.
_ALIASES = {"no": "nb", "tl": "fil", "pbt": "ps", "quy": "qu"}

_SCRIPTS = {"Hans": ("Hani",), "Hant": ("Hani",), "Jpan": ("Hani", "Hira", "Kana")}
_SCRIPTS |= {"Kore": ("Hang", "Hani"), "Hang": ("Hang", "Hani")}  # NLLB's code is kor_Hang


class _Parts(NamedTuple):
    """A code taken apart, the same for every way to write it."""

    language: str
    script: str | None


def find_code(language: str, codes: Iterable[str]) -> str | None:
    """Finds what a model calls a language.

    Args:
        language: an ISO 639 code, with its script where it matters: de, zh, zh_Hant.
        codes: the model's own: deu_Latn (NLLB), de_DE (mBART-50), de (M2M-100), deu (Marian).

    Returns:
        The model's code; None if the model lacks the language, or has it in another script alone.

    Example:
        >>> from hbtlib.translation.codes import find_code
        >>> nllb = ["arb_Arab", "deu_Latn", "swh_Latn", "zho_Hans", "zho_Hant"]
        >>> [find_code(code, nllb) for code in ("ar", "de", "sw", "zh", "zh_Hant", "fr")]
        ['arb_Arab', 'deu_Latn', 'swh_Latn', 'zho_Hans', 'zho_Hant', None]
    """
    known = list(codes)
    if language in known:
        return language
    wanted = _parts(language)
    return next((code for code in known if _parts(code) == wanted), None)


def scripts(language: str, code: str = "") -> tuple[str, ...]:
    """Returns the scripts whose letters a language is written in.

    Args:
        language: an ISO 639 code.
        code: what the model calls it; its script counts where it names one (deu_Latn).

    Returns:
        Unicode's names of scripts, such as ("Latn",); none where CLDR does not know the script.
    """
    script = _written(code) or _parts(language).script
    return _SCRIPTS.get(script, (script,)) if script else ()


@lru_cache(maxsize=4096)
def _parts(code: str) -> _Parts:
    """Takes a code apart; the script is CLDR's usual one where the code has none."""
    from babel.core import get_global

    language = code.split("_")[0].split("-")[0].lower()
    language = _ALIASES.get(language, language)
    language = get_global("language_aliases").get(language, language).split("_")[0]
    language = _ALIASES.get(language, language)
    usual = get_global("likely_subtags").get(language, "")
    script = _written(code) or _written(usual)
    return _Parts(language, "Kore" if script == "Hang" else script)  # as CLDR calls Korean's


def _written(code: str) -> str | None:
    """The script that a code names."""
    found = re.search(r"[_-]([A-Z][a-z]{3})(?:[_-]|$)", code)
    return found[1] if found else None
