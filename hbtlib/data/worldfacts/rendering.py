"""A fact's names, dates and numbers as each language writes them, after CLDR."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from hbtlib.languages import LANGUAGES

if TYPE_CHECKING:
    from babel import Locale

# fmt: off
ENGLISH_WORDS = frozenset((
    "St.", "New", "Cape", "SAR", "Island", "Islands", "Isle", "of", "and", "the",
    "Northern", "Southern", "North", "South", "East", "West", "Central", "Highland", "Swampy",
    "Funds", "Time", "Mean", "Standard", "Old", "Ancient",
))
# fmt: on
"""Words that give away a name as English.

A name that another language takes over letter for letter from English is a gap in CLDR's
translation when it holds one of these words, and the language's own form when it does not (San
Marino, Peso, Jakarta).
"""

ZEROS = {"latn": 0x30, "arab": 0x660, "arabext": 0x6F0, "beng": 0x9E6, "deva": 0x966}
"""The digit zero of each system of digits, as a code point."""


def render(kind: str, code: object, language: str) -> str | None:
    """Writes a fact's slot as the language does.

    Args:
        kind: what it is: date, percent, day, start, end (of the weekend), city, zone, territory,
            language, script or currency.
        code: CLDR's code for it; a date as (year, month, day), a day from 0 (Monday) to 6.
        language: the language's code.

    Returns:
        The text, or None where CLDR has no form of the language's own.

    Example:
        >>> from hbtlib.data.worldfacts.rendering import render
        >>> render("territory", "DE", "es"), render("percent", 2.3, "tr"), render("day", 0, "fi")
        ('Alemania', '%2,3', 'maanantai')
    """
    if kind == "date":
        return _date(code, language)
    if kind == "percent":
        assert isinstance(code, float)
        return _percent(code, language)
    if kind in ("day", "start", "end"):
        return _day(code, language)
    if kind == "city":
        assert isinstance(code, str)
        return _city(code, language)
    locale = _locale(language)
    if kind == "zone":
        return locale.meta_zones.get(code, {}).get("long", {}).get("standard")
    names = {
        "territory": locale.territories,
        "language": locale.languages,
        "script": locale.scripts,
        "currency": locale.currencies,
    }
    return names[kind].get(code)


def _date(date: object, language: str) -> str:
    from babel.dates import format_date

    text = format_date(datetime.date(*date), "long", _locale(language))  # type: ignore[misc]
    return text.translate(_digits(language))


def _percent(percent: float, language: str) -> str:
    """A percentage with up to two places: as many as make two digits."""
    from babel.numbers import format_percent

    locale = _locale(language)
    places = 0 if percent >= 10 else 1 if percent >= 1 else 2
    number = "#,##0." + "#" * places if places else "#,##0"
    own = locale.percent_formats[None].pattern  # where the sign stands, with or without a space
    pattern = re.sub(r"#[#,]*0", number, own)
    text = format_percent(percent / 100, pattern, locale, numbering_system="default")
    return text.translate(_digits(language))


def _day(day: object, language: str) -> str:
    """The name of a weekday.

    Finnish alone has a citation form beside the inflected one. Read for another language, Babel
    2.18 would store that language's names in the tables all languages share.
    """
    form = "stand-alone" if language == "fi" else "format"
    return str(_locale(language).days[form]["wide"][day])


def _city(zone: str, language: str) -> str | None:
    """The city that a time zone is named after.

    CLDR's own rule (UTS 35, part 4): without a translation it is the zone's last field.
    """
    city: str | None = _locale(language).time_zones.get(zone, {}).get("city")
    if city:
        return city
    if LANGUAGES[language].script == "Latin":
        return zone.rpartition("/")[2].replace("_", " ")
    return None


@cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse(language)


@cache
def _digits(language: str) -> dict[int, str]:
    """The language's own digits and percent sign, which Babel leaves as 0-9 and %."""
    locale = _locale(language)
    system = locale.default_numbering_system
    table = {ord(str(digit)): chr(ZEROS[system] + digit) for digit in range(10)}
    table[ord("%")] = locale.number_symbols[system].get("percentSign", "%")
    return table


def is_complete(slots: Mapping[str, Mapping[str, str | None]]) -> bool:
    """Says whether every language has its own form of every slot.

    Args:
        slots: language → kind of slot → its form.

    Returns:
        False if a form is missing, is English, or has Latin letters where the script is another.
    """
    return all(
        _is_own_form(form, slots["en"][kind], language)
        for language, forms in slots.items()
        for kind, form in forms.items()
    )


def _is_own_form(form: str | None, english: str | None, language: str) -> bool:
    if not form:
        return False
    if language == "en":
        return True
    if LANGUAGES[language].script != "Latin" and re.search("[A-Za-z]", form):
        return False
    return form != english or not set(form.split()) & ENGLISH_WORDS
