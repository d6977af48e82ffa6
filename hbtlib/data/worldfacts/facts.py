"""WorldFacts: parallel questions and passages about the world's territories, made from CLDR (the `Babel` package).

Facts come from Unicode CLDR (Unicode licence), so they are true as far as CLDR is; names, dates, numbers and
percentages stand in each language's own form. The sentence patterns are hand-written (`patterns/LANG.yaml`): two
questions and two passages a relation and language, chosen for each text by a hash, so that the two sides of a pair,
and two languages of a fact, need not share a construction.

A question asks for one relation of one subject and has one fact for its answer (questions CLDR answers twice are
left out), so each query has one relevant passage a language, as in XQuAD-R. The other passages of a pool share the
territory (its other relations, its other languages) or the relation (other territories) with it. Facts are split by a
hash of the question: nothing of a test fact stands in the training split, in any language.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import yaml

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.pairs import ROLES, Pairs
from hbtlib.data.source import cache_folder
from hbtlib.languages import EVALUATED, LANGUAGES, TRAINED

if TYPE_CHECKING:
    from babel import Locale

PATTERNS = Path(__file__).parent / "patterns"
SPLITS = {"train": 0.6, "validation": 0.1, "test": 0.3}
SEE_ALSO = 4
"""How many other subjects a passage ends with, under the words an encyclopedia uses for it."""

# A name that another language takes over letter for letter from English is a gap in CLDR's translation when it holds
# one of these words, and the language's own form when it does not (San Marino, Peso, Jakarta).
_ENGLISH = frozenset(
    (
        "St.",
        "New",
        "Cape",
        "SAR",
        "Island",
        "Islands",
        "Isle",
        "of",
        "and",
        "the",
        "Northern",
        "Southern",
        "North",
        "South",
        "East",
        "West",
        "Central",
        "Highland",
        "Swampy",
        "Funds",
        "Time",
        "Mean",
        "Standard",
        "Old",
        "Ancient",
    )
)


class Fact(NamedTuple):
    """One true statement: a relation, what it is about (`subject`), and what it says (`answer`), as CLDR codes."""

    relation: str
    subject: tuple[tuple[str, str], ...]
    answer: tuple[tuple[str, object], ...]

    @property
    def question_id(self) -> str:
        """The relation and its subject: what is asked."""
        return "-".join([self.relation, *(code for _, code in self.subject)])


def facts() -> Iterator[Fact]:
    """Every fact of the ten relations that CLDR states, questions with several answers included."""
    from babel.core import get_global

    currencies, spoken = get_global("territory_currencies"), get_global("territory_languages")
    for code in sorted(t for t in spoken if re.fullmatch("[A-Z]{2}", t)):
        territory = ("territory", code)
        for currency, start, end, tender in currencies.get(code, ()):
            if not tender:
                continue
            subject = (territory, ("currency", currency))
            if end is None:
                yield Fact("currency", (territory,), (("currency", currency),))
            if start:
                yield Fact("currency_since", subject, (("date", start),))
            if end:
                yield Fact("currency_until", subject, (("date", end),))
        shares = {k: v["population_percent"] for k, v in spoken[code].items()}
        for language, share in sorted(shares.items()):
            if share >= 0.01:
                yield Fact(
                    "language_share", (territory, ("language", language)), (("percent", share),)
                )
            if spoken[code][language]["official_status"] in ("official", "de_facto_official"):
                yield Fact("official_language", (territory,), (("language", language),))
            if share == max(shares.values()):
                yield Fact("main_language", (territory,), (("language", language),))
        yield from _week(code)
    for language in sorted({k for v in spoken.values() for k in v}):
        tag = get_global("likely_subtags").get(language)
        if tag and tag.split("_")[1] not in (
            "Hans",
            "Hant",
        ):  # named "simplified" alone in many languages
            yield Fact("script", (("language", language),), (("script", tag.split("_")[1]),))
    for zone, code in sorted(get_global("zone_territories").items()):
        if zone in get_global("meta_zones") and re.fullmatch("[A-Z]{2}", code):
            yield Fact(
                "time_zone",
                (("city", zone), ("territory", code)),
                (("zone", get_global("meta_zones")[zone]),),
            )


def _week(territory: str) -> Iterator[Fact]:
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(f"und_{territory}")
    except UnknownLocaleError:  # nobody lives there: CLDR knows no language for it
        return
    yield Fact("first_day", (("territory", territory),), (("day", locale.first_week_day),))
    if locale.weekend_start != locale.weekend_end:
        yield Fact(
            "weekend",
            (("territory", territory),),
            (("start", locale.weekend_start), ("end", locale.weekend_end)),
        )


@cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse(language)


def render(kind: str, code: object, language: str) -> str | None:
    """A fact's slot as the language writes it; None where CLDR has no form of its own for it."""
    from babel.dates import format_date
    from babel.numbers import format_percent

    locale = _locale(language)
    if kind == "date":
        return format_date(datetime.date(*code), "long", locale).translate(_digits(language))  # type: ignore[misc]
    if kind == "percent":
        assert isinstance(code, float)
        places = 0 if code >= 10 else 1 if code >= 1 else 2
        own = locale.percent_formats[None].pattern  # where the sign stands, with or without a space
        pattern = re.sub(r"#[#,]*0", "#,##0." + "#" * places if places else "#,##0", own)
        text = format_percent(code / 100, pattern, locale, numbering_system="default")
        return text.translate(_digits(language))
    if kind in ("day", "start", "end"):
        # Finnish alone has a citation form beside the inflected one. Read for another language, Babel 2.18 would store
        # that language's names in the tables all languages share.
        return str(locale.days["stand-alone" if language == "fi" else "format"]["wide"][code])
    if kind == "city":
        assert isinstance(code, str)
        city = locale.time_zones.get(code, {}).get("city")
        # CLDR's own rule (UTS 35, part 4): without a translation the exemplar city is the zone's last field.
        return city or (
            code.rpartition("/")[2].replace("_", " ")
            if LANGUAGES[language].script == "Latin"
            else None
        )
    if kind == "zone":
        return locale.meta_zones.get(code, {}).get("long", {}).get("standard")
    names = {
        "territory": locale.territories,
        "language": locale.languages,
        "script": locale.scripts,
        "currency": locale.currencies,
    }[kind]
    return names.get(code)


@cache
def _digits(language: str) -> dict[int, str]:
    """The language's own digits and percent sign, which Babel leaves as 0-9 and %."""
    locale = _locale(language)
    system = locale.default_numbering_system
    zero = {"latn": 0x30, "arab": 0x660, "arabext": 0x6F0, "beng": 0x9E6, "deva": 0x966}[system]
    signs = locale.number_symbols[system]
    return {**{0x30 + d: chr(zero + d) for d in range(10)}, ord("%"): signs.get("percentSign", "%")}


def _complete(slots: dict[str, dict[str, str | None]]) -> bool:
    """Has every language its own form of every slot: none missing, no Latin letters where the script is another."""
    for language, forms in slots.items():
        for kind, text in forms.items():
            if not text:
                return False
            if (
                language != "en"
                and LANGUAGES[language].script != "Latin"
                and re.search("[A-Za-z]", text)
            ):
                return False
            if language != "en" and text == slots["en"][kind] and set(text.split()) & _ENGLISH:
                return False
    return True


@cache
def patterns(language: str) -> dict[str, dict[str, list[str]]]:
    """The sentence patterns of a language: relation → `question` or `passage` → patterns."""
    content: dict[str, Any] = yaml.safe_load(
        (PATTERNS / f"{language}.yaml").read_text(encoding="utf-8")
    )
    return {relation: value for relation, value in content.items() if relation != "see_also"}


@cache
def see_also(language: str) -> dict[str, str]:
    """How the language points to other subjects: `pattern`, and the `separator` between names."""
    return yaml.safe_load((PATTERNS / f"{language}.yaml").read_text(encoding="utf-8"))["see_also"]


def _pick(options: int, *key: str) -> int:
    return int.from_bytes(hashlib.sha256("|".join(key).encode()).digest()[:8], "big") % options


def _split(question_id: str) -> str:
    share, edge = _pick(10_000, "split", question_id) / 10_000, 0.0
    for split, size in SPLITS.items():
        edge += size
        if share < edge:
            return split
    return "test"


def build() -> pd.DataFrame:
    """The whole corpus: one row a fact with fact_id, relation, territory, split, `query_LANG` and `passage_LANG`.

    Leaves out what could make a judgement wrong: questions with several answers, facts without a form of their own in
    one of the languages, and facts whose question or passage reads like another's in some language.
    """
    found: dict[str, list[Fact]] = {}
    for fact in facts():
        found.setdefault(fact.question_id, []).append(fact)
    single = {
        question_id: answers[0] for question_id, answers in found.items() if len(set(answers)) == 1
    }
    slots = {
        question_id: {
            lang: {kind: render(kind, code, lang) for kind, code in fact.subject + fact.answer}
            for lang in LANGUAGES
        }
        for question_id, fact in single.items()
    }
    kept = {
        question_id: fact for question_id, fact in single.items() if _complete(slots[question_id])
    }
    others = _others(kept)
    rows = []
    for question_id, fact in sorted(kept.items()):
        row = {
            "fact_id": question_id,
            "relation": fact.relation,
            "split": _split(question_id),
            "territory": dict(fact.subject).get("territory", ""),
        }
        for lang, forms in slots[question_id].items():
            for column, role in zip(ROLES, ("question", "passage"), strict=True):
                options = patterns(lang)[fact.relation][role]
                row[f"{column}_{lang}"] = options[
                    _pick(len(options), lang, role, question_id)
                ].format(**forms)
            names = [str(render(*kept[other].subject[0], lang)) for other in others[question_id]]
            see = see_also(lang)
            row[f"passage_{lang}"] += " " + see["pattern"].format(
                others=see["separator"].join(names)
            )
        rows.append(row)
    table = pd.DataFrame(rows)
    texts = [c for c in table.columns if c.startswith(("query_", "passage_"))]
    twice = table[texts].apply(lambda column: column.duplicated(keep=False)).any(axis=1)
    return table[~twice].reset_index(drop=True)


def _others(kept: dict[str, Fact]) -> dict[str, list[str]]:
    """For each fact, the facts its passage points to: the next ones of its relation and split, of other subjects.

    So each subject stands in SEE_ALSO passages that share the relation of a question about it, and do not answer it.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for question_id in sorted(kept, key=lambda q: _pick(1 << 62, "order", q)):
        groups.setdefault((kept[question_id].relation, _split(question_id)), []).append(question_id)
    found = {}
    for members in groups.values():
        for i, question_id in enumerate(members):
            named = {kept[question_id].subject[0]}
            chosen: list[str] = []
            for other in members[i + 1 :] + members[:i]:
                if len(chosen) < SEE_ALSO and kept[other].subject[0] not in named:
                    chosen.append(other)
                    named.add(kept[other].subject[0])
            found[question_id] = chosen
    return found


def table() -> pd.DataFrame:
    """The corpus of `build`, made at first use (some seconds) and kept in the cache, by its rules and patterns."""
    import babel

    digest = hashlib.sha256(babel.__version__.encode() + Path(__file__).read_bytes())
    for file in sorted(PATTERNS.glob("*.yaml")):
        digest.update(file.read_bytes())
    folder = cache_folder() / f"worldfacts-{digest.hexdigest()[:12]}"
    if not (folder / "facts.parquet").exists():
        work = folder.with_name(f"{folder.name}.{os.getpid()}")
        work.mkdir(parents=True, exist_ok=True)
        build().to_parquet(work / "facts.parquet")
        try:
            work.rename(folder)
        except OSError:  # another process was first: its table is the same
            shutil.rmtree(work)
    return pd.read_parquet(folder / "facts.parquet")


def _chosen(split: str, languages: Sequence[str]) -> pd.DataFrame:
    if split not in SPLITS:
        raise ValueError(f"worldfacts has no split {split!r}; it has {', '.join(SPLITS)}")
    for language in languages:
        if language not in LANGUAGES:
            raise ValueError(
                f"worldfacts has no language {language!r}; it has {' '.join(LANGUAGES)}"
            )
    facts_ = table()
    return facts_[facts_["split"] == split].reset_index(drop=True)


def load_pairs(
    data: str | Path | None = None, *, split: str = "train", languages: Sequence[str] = TRAINED
) -> Pairs:
    """WorldFacts as training pairs: every fact's question and passage in every language asked for."""
    from datasets import Dataset

    chosen = _chosen(split, languages)
    columns = [f"{role}_{language}" for role in ROLES for language in languages]
    return Pairs("worldfacts", Dataset.from_pandas(chosen[columns], preserve_index=False))


def load_benchmark(
    data: str | Path | None = None, *, split: str = "test", languages: Sequence[str] = EVALUATED
) -> Benchmark:
    """WorldFacts as a benchmark: the split's questions, ranked against all its passages.

    `queries` and `passages` also hold the relation and the territory of the fact.
    """
    chosen = _chosen(split, languages)

    def long(role: str, id_: str) -> pd.DataFrame:
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        id_: chosen["fact_id"] + ":" + language,
                        "question_id": chosen["fact_id"],
                        "language": language,
                        "text": chosen[f"{role}_{language}"],
                        "relation": chosen["relation"],
                        "territory": chosen["territory"],
                    }
                )
                for language in languages
            ],
            ignore_index=True,
        )

    queries, passages = long("query", "query_id"), long("passage", "passage_id")
    judgements = queries[["query_id", "question_id"]].merge(passages[["passage_id", "question_id"]])
    return Benchmark(
        "worldfacts",
        queries,
        passages.drop(columns="question_id"),
        judgements[["query_id", "passage_id"]].assign(grade=1),
    )
