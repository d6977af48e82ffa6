"""WorldFacts is true by CLDR, each language's own, and no test fact is in the training split."""

from __future__ import annotations

import datetime
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from babel import Locale
from babel.core import get_global

from hbtlib import catalog, load_benchmark, load_pairs
from hbtlib.data.formats.checks import DataError
from hbtlib.data.worldfacts import cldr, sentences
from hbtlib.data.worldfacts import facts as worldfacts
from hbtlib.languages import LANGUAGES, TRAINED, TWENTY


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HBT_CACHE", str(tmp_path_factory.mktemp("cache")))
        return worldfacts.table()


def texts(table: pd.DataFrame, role: str, language: str) -> pd.Series:
    return table[f"{role}_{language}"]


def test_has_the_size_that_is_promised(table: pd.DataFrame) -> None:
    assert len(table) >= 1500
    assert table["relation"].nunique() >= 8
    assert table["territory"].nunique() > 200
    assert len(TWENTY) == 20
    for language in TWENTY:
        patterns = sentences.patterns(language)
        assert list(patterns) == list(sentences.patterns("en")), language
        for relation, roles in patterns.items():
            for role, options in roles.items():
                assert len(set(options)) >= 2, (language, relation, role)
                slots = [sorted(re.findall(r"\{(\w+)\}", option)) for option in options]
                wanted = sorted(
                    re.findall(r"\{(\w+)\}", sentences.patterns("en")[relation][role][0])
                )
                assert all(s == wanted for s in slots), (language, relation, role)


def test_is_the_same_in_every_process_and_in_any_order_of_reading(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    """Babel keeps what it reads in tables that locales share: the order must not matter."""
    script = (
        "from babel import Locale; Locale.parse('sw').days['stand-alone']['wide'][0];"
        "from hbtlib.data.worldfacts.facts import build; import hashlib;"
        "print(hashlib.sha256(build().to_csv().encode()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == hashlib.sha256(table.to_csv().encode()).hexdigest()


def test_nothing_of_a_test_fact_is_trained_on(table: pd.DataFrame) -> None:
    known, asked = table[table["split"] != "test"], table[table["split"] == "test"]
    assert not set(known["fact_id"]) & set(asked["fact_id"])
    for language in TWENTY:
        for role in ("query", "passage"):
            assert not set(texts(known, role, language)) & set(texts(asked, role, language)), (
                language,
                role,
            )
    # Nor without what passages end with.
    for language in TWENTY:
        end = sentences.see_also(language)["pattern"].split("{")[0]
        bodies = [
            set(texts(part, "passage", language).str.split(end).str[0]) for part in (known, asked)
        ]
        assert not bodies[0] & bodies[1], language


def test_the_loaders_keep_the_splits_apart() -> None:
    pairs = {split: load_pairs("worldfacts", split=split) for split in ("train", "validation")}
    asked = set(load_benchmark("worldfacts").queries["text"])
    asked |= set(load_benchmark("worldfacts").passages["text"])
    for part in pairs.values():
        for language in TRAINED:
            for role in ("query", "passage"):
                assert not asked & set(part.texts(range(len(part)), language, role))


def test_the_splits_have_their_sizes(table: pd.DataFrame) -> None:
    share = table["split"].value_counts(normalize=True)
    for split, wanted in worldfacts.SPLITS.items():
        assert share[split] == pytest.approx(wanted, abs=0.03)
    assert (table.groupby("relation")["split"].nunique() == 3).all()


@pytest.mark.parametrize("language", [c for c in TWENTY if c != "en"])
def test_no_english_is_left_over(table: pd.DataFrame, language: str) -> None:
    for role in ("query", "passage"):
        column = texts(table, role, language)
        if LANGUAGES[language].script != "Latin":
            latin = column[column.str.contains("[A-Za-z]")]
            assert latin.empty, latin.iloc[0]
        # Words that no other of these languages has ("Island" is German for Iceland).
        english = column[
            column.str.contains(
                r"\b(?:The|the|which|What|spoken|currency|Islands|Time|and|language|official|weekend)\b"
            )
        ]
        assert english.empty, english.iloc[0]


def test_numbers_dates_and_names_are_the_language_s_own() -> None:
    assert worldfacts.render("percent", 2.3, "de") == "2,3\xa0%"
    assert worldfacts.render("percent", 2.3, "tr") == "%2,3"
    assert worldfacts.render("percent", 2.3, "fa") == "۲٫۳٪"
    assert worldfacts.render("percent", 94.0, "bn") == "৯৪%"
    assert worldfacts.render("date", (2002, 2, 28), "zh") == "2002年2月28日"
    assert worldfacts.render("date", (2002, 2, 28), "bn") == "২৮ ফেব্রুয়ারী, ২০০২"
    assert worldfacts.render("day", 0, "fi") == "maanantai"
    assert worldfacts.render("day", 0, "vi") == "Thứ Hai"
    assert worldfacts.render("territory", "DE", "ru") == "Германия"
    assert worldfacts.render("city", "Europe/Vienna", "hi") == "विएना"


def test_facts_are_true_by_cldr(table: pd.DataFrame) -> None:
    """The English passages, read back by patterns and checked against CLDR's own tables."""
    en = Locale.parse("en")
    codes = {
        kind: {name: code for code, name in getattr(en, kind).items()}
        for kind in ("territories", "languages", "currencies", "scripts")
    }
    months = {name: number for number, name in en.months["format"]["wide"].items()}
    checked = 0
    for row in table.itertuples():
        slots = _read(row.relation, row.passage_en)  # type: ignore[arg-type]
        territory = codes["territories"].get(slots.get("territory", ""))
        tenders = get_global("territory_currencies").get(territory, [])
        spoken = get_global("territory_languages").get(territory, {})
        currency = codes["currencies"].get(slots.get("currency", ""))
        language = codes["languages"].get(slots.get("language", ""))
        if row.relation == "currency":
            assert [t[0] for t in tenders if t[3] and t[2] is None] == [currency]
        elif row.relation in ("currency_since", "currency_until"):
            month, day, year = slots["date"].replace(",", "").split()
            assert (currency, (int(year), months[month], int(day))) in [
                (t[0], t[1 if row.relation == "currency_since" else 2]) for t in tenders
            ]
        elif row.relation == "language_share":
            assert float(slots["percent"].rstrip("%")) == pytest.approx(
                spoken[language]["population_percent"], abs=0.5
            )
        elif row.relation == "official_language":
            official = [
                k
                for k, v in spoken.items()
                if v["official_status"] in ("official", "de_facto_official")
            ]
            assert official == [language]
        elif row.relation == "main_language":
            assert max(spoken, key=lambda k: spoken[k]["population_percent"]) == language
        elif row.relation == "script":
            assert (
                get_global("likely_subtags")[language].split("_")[1]
                == codes["scripts"][slots["script"]]
            )
        elif row.relation in ("first_day", "weekend"):
            days = en.days["format"]["wide"]
            known = Locale.parse(f"und_{territory}")
            if row.relation == "first_day":
                assert days[known.first_week_day] == slots["day"]
            else:
                assert (days[known.weekend_start], days[known.weekend_end]) == (
                    slots["start"],
                    slots["end"],
                )
        else:
            # A comma in a city's name leaves the reading open: look for the territory's name.
            assert (
                en.territories[get_global("zone_territories")[_zone(str(row.fact_id))]]
                in row.passage_en
            )
            assert (
                slots["zone"]
                == en.meta_zones[get_global("meta_zones")[_zone(str(row.fact_id))]]["long"][
                    "standard"
                ]
            )
        checked += 1
    assert checked == len(table)


def _zone(fact_id: str) -> str:
    return fact_id.removeprefix("time_zone-").rsplit("-", 1)[0]


def _read(relation: str, passage: str) -> dict[str, str]:
    body = passage.split(" See also: ")[0]
    for pattern in yaml.safe_load((sentences.PATTERNS / "en.yaml").read_text())[relation][
        "passage"
    ]:
        found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(pattern)), body)
        if found:
            return found.groupdict()
    raise AssertionError(f"no pattern of {relation} reads {passage!r}")


def test_every_question_has_one_answer_a_language_and_distractors() -> None:
    benchmark = load_benchmark("worldfacts")
    assert (benchmark.judgements.groupby("query_id").size() == len(benchmark.languages)).all()
    assert not benchmark.queries.duplicated(["language", "text"]).any()
    assert not benchmark.passages.duplicated(["language", "text"]).any()
    english = benchmark.passages[benchmark.passages["language"] == "en"]
    same_relation, named = [], []
    for query in benchmark.queries[benchmark.queries["language"] == "en"].itertuples():
        others = english[
            (english["relation"] == query.relation) & (english["passage_id"] != query.query_id)
        ]
        kind, code = _subject(str(query.question_id), str(query.relation))
        name = worldfacts.render(kind, code, "en")
        same_relation.append(len(others))
        named.append(others["text"].str.contains(str(name), regex=False).sum())
    assert min(same_relation) >= 10
    # Each subject stands under "See also" in passages of its own relation: an encoder must know
    # what a name is there for.
    assert pd.Series(named).median() >= worldfacts.SEE_ALSO
    assert (pd.Series(named) > 0).mean() > 0.95


def _subject(question_id: str, relation: str) -> tuple[str, str]:
    rest = question_id.removeprefix(f"{relation}-")
    if relation == "time_zone":
        return "city", rest.rsplit("-", 1)[0]
    return ("language" if relation == "script" else "territory"), rest.split("-")[0]


@pytest.fixture
def two_facts(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a table of two facts that is built at once."""
    monkeypatch.setenv("HBT_CACHE", str(tmp_path))
    monkeypatch.setattr(worldfacts, "build", lambda: table[:2])
    return tmp_path


def test_the_table_is_made_once(two_facts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = worldfacts.table()
    monkeypatch.setattr(worldfacts, "build", lambda: pytest.fail("built a second time"))
    pd.testing.assert_frame_equal(worldfacts.table(), first)
    assert [file.name for file in two_facts.rglob("*.*")] == ["facts.parquet"], "files are left"


@pytest.mark.parametrize("at", [0, 5, 60, -1])
def test_a_damaged_table_is_made_again(two_facts: Path, table: pd.DataFrame, at: int) -> None:
    worldfacts.table()
    (file,) = two_facts.rglob("facts.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:at] if at <= 0 else whole[:at] + b"\xff\x00\xff" + whole[at + 3 :])
    pd.testing.assert_frame_equal(worldfacts.table(), table[:2])
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_said(
    two_facts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (two_facts / "file").touch()
    monkeypatch.setenv("HBT_CACHE", str(two_facts / "file"))
    with pytest.raises(DataError, match=r"worldfacts: .*facts.parquet cannot be kept .*HBT_CACHE"):
        worldfacts.table()


def test_dates_exist() -> None:
    for fact in cldr.facts():
        for kind, code in fact.answer:
            if kind == "date":
                datetime.date(*code)  # type: ignore[misc]


def test_bad_requests_name_what_there_is() -> None:
    with pytest.raises(ValueError, match="no split 'dev'; it has train, validation, test"):
        load_pairs("worldfacts", split="dev")
    with pytest.raises(ValueError, match="no language 'xx'"):
        load_benchmark("worldfacts", languages=["xx"])
    with pytest.raises(
        ValueError,
        match=r"no benchmark 'world-facts'; did you mean 'worldfacts'\? the catalog has: worldf",
    ):
        load_benchmark("world-facts")
    found = catalog().query("name == 'worldfacts'")
    assert found["kind"].tolist() == ["pairs", "benchmark"]
    assert found["offline"].all()
