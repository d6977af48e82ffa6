"""The facts that CLDR states about territories, languages and cities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

SMALLEST_SHARE = 0.01
"""Languages that fewer per cent of a territory's people speak give no fact."""


class Fact(NamedTuple):
    """One true statement: a relation, what it is about, and what it says.

    Attributes:
        relation: such as "currency" or "time_zone".
        subject: what it is about, as slots: kind and CLDR code.
        answer: what it says, as slots: kind and CLDR code, date, number or day.
    """

    relation: str
    subject: tuple[tuple[str, str], ...]
    answer: tuple[tuple[str, object], ...]

    @property
    def question_id(self) -> str:
        """The relation and its subject: what is asked."""
        return "-".join([self.relation, *(code for _, code in self.subject)])


def facts() -> Iterator[Fact]:
    """Yields every fact of the ten relations, questions with several answers included."""
    from babel.core import get_global

    spoken = get_global("territory_languages")
    for territory in sorted(code for code in spoken if re.fullmatch("[A-Z]{2}", code)):
        yield from _currency_facts(territory)
        yield from _language_facts(territory, spoken[territory])
        yield from _week_facts(territory)
    languages = {language for of_territory in spoken.values() for language in of_territory}
    yield from _script_facts(sorted(languages))
    yield from _time_zone_facts()


def _currency_facts(territory: str) -> Iterator[Fact]:
    """What is paid with, since when, and what was paid with until when."""
    from babel.core import get_global

    place = ("territory", territory)
    for currency, start, end, is_tender in get_global("territory_currencies").get(territory, ()):
        if not is_tender:
            continue
        subject = (place, ("currency", currency))
        if end is None:
            yield Fact("currency", (place,), (("currency", currency),))
        if start:
            yield Fact("currency_since", subject, (("date", start),))
        if end:
            yield Fact("currency_until", subject, (("date", end),))


def _language_facts(territory: str, spoken: Mapping[str, Mapping[str, Any]]) -> Iterator[Fact]:
    """Which languages are spoken by how many, are official, and are spoken by most."""
    place = ("territory", territory)
    shares = {language: known["population_percent"] for language, known in spoken.items()}
    for language, share in sorted(shares.items()):
        answer = (("language", language),)
        if share >= SMALLEST_SHARE:
            subject = (place, ("language", language))
            yield Fact("language_share", subject, (("percent", share),))
        if spoken[language]["official_status"] in ("official", "de_facto_official"):
            yield Fact("official_language", (place,), answer)
        if share == max(shares.values()):
            yield Fact("main_language", (place,), answer)


def _week_facts(territory: str) -> Iterator[Fact]:
    """On which day the week begins, and on which days the weekend does and ends."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(f"und_{territory}")
    except UnknownLocaleError:  # nobody lives there: CLDR knows no language for it
        return
    subject = (("territory", territory),)
    yield Fact("first_day", subject, (("day", locale.first_week_day),))
    if locale.weekend_start != locale.weekend_end:
        days = (("start", locale.weekend_start), ("end", locale.weekend_end))
        yield Fact("weekend", subject, days)


def _script_facts(languages: list[str]) -> Iterator[Fact]:
    """In which script a language is written."""
    from babel.core import get_global

    for language in languages:
        tag = get_global("likely_subtags").get(language)
        if not tag:
            continue
        script = tag.split("_")[1]
        if script not in ("Hans", "Hant"):  # named "simplified" alone in many languages
            yield Fact("script", (("language", language),), (("script", script),))


def _time_zone_facts() -> Iterator[Fact]:
    """Which time zone a city lies in."""
    from babel.core import get_global

    names = get_global("meta_zones")
    for zone, territory in sorted(get_global("zone_territories").items()):
        if zone in names and re.fullmatch("[A-Z]{2}", territory):
            subject = (("city", zone), ("territory", territory))
            yield Fact("time_zone", subject, (("zone", names[zone]),))
