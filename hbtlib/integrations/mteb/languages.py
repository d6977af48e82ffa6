"""What mteb calls a language (`deu-Latn`), and what hbtlib does (`de`)."""

import json
from functools import lru_cache
from importlib import resources

from mteb.languages.iso_mappings import ISO_TO_LANGUAGE

UNKNOWN = "und-Zyyy"
"""mteb's code for a language that it does not know."""


def to_mteb(language: str) -> str:
    """The code of a language in mteb: ISO 639-3 and the script.

    Example:
        >>> from hbtlib.integrations.mteb.languages import to_mteb
        >>> to_mteb("de"), to_mteb("zh_Hant"), to_mteb("my own")
        ('deu-Latn', 'zho-Hant', 'und-Zyyy')
    """
    from babel.core import get_global

    code, _, script = language.replace("-", "_").partition("_")
    long = _three_letters().get(code, code)
    if long not in ISO_TO_LANGUAGE:
        return UNKNOWN
    likely, aliases = get_global("likely_subtags"), get_global("language_aliases")
    usual = likely.get(code) or likely.get(aliases.get(code, code), "")
    written = next((part for part in usual.split("_")[1:] if len(part) == 4), "Zyyy")
    return f"{long}-{script or written}"


def from_mteb(code: str) -> str:
    """The code of a language in hbtlib: two letters if it has them, and the script if unusual.

    Example:
        >>> from hbtlib.integrations.mteb.languages import from_mteb
        >>> from_mteb("deu-Latn"), from_mteb("arb-Arab"), from_mteb("hin-Latn"), from_mteb("fil")
        ('de', 'ar', 'hi_Latn', 'fil')
    """
    from babel.core import get_global

    long, _, script = code.partition("-")
    short = get_global("language_aliases").get(long, long).split("_")[0]
    usual = get_global("likely_subtags").get(short, "")
    is_usual = not script or script in usual.split("_") or (short, script) in _AS_USUAL
    return short if is_usual else f"{short}_{script}"


_AS_USUAL = {("ko", "Hang"), ("zh", "Hani"), ("ja", "Hira")}
"""Scripts that are a part of the usual one (Kore, Hans, Jpan)."""


@lru_cache(maxsize=1)
def _three_letters() -> dict[str, str]:
    """ISO 639-1 → ISO 639-3, as mteb has it."""
    file = resources.files("mteb.languages") / "iso_639_1_to_3.json"
    codes: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return codes
