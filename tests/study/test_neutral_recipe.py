"""The recipe for an encoder with less language bias: texts, curves, vectors, the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from encoder_table import LANGUAGES, benchmark, texts, vectors

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError
from hbtlib.encoders import erasure
from hbtlib.study import values
from hbtlib.study.neutral import curves
from hbtlib.study.neutral import texts as neutral_texts
from hbtlib.study.neutral.vectors import Vectors
from hbtlib.study.report import language_neutral as report

ROW = {"measure": "mAP", "setting": "multilingual", "as it is": 0.3, "neutral": 0.5}
ROW |= {"change": 0.2, "low": 0.1, "high": 0.3}
SETTINGS = curves.Settings("leace", None, 0.5, 0.75)


def biased(given: Sequence[str]) -> np.ndarray:
    """An encoder whose vectors have a large part that is the language."""
    return vectors(given, language=2.0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = "hbtlib.study.encoders_vectors.cache_folder"
    monkeypatch.setattr(kept, lambda: tmp_path / "cache")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Vectors:
    monkeypatch.setattr(
        "hbtlib.study.encoders_vectors.load_encoder", lambda name: hbt.FunctionEncoder(biased)
    )
    monkeypatch.setattr(
        "hbtlib.study.neutral.vectors.load_encoder", lambda name: hbt.FunctionEncoder(biased)
    )
    made = Vectors("biased", {}, texts(30))
    made.embed(benchmark())
    return made


@pytest.fixture
def held_out(recipe: Vectors) -> curves.HeldOut:
    return curves.HeldOut(benchmark(), *recipe.of(benchmark()))


def put(folder: Path, **lines: str) -> str:
    folder.mkdir()
    for code, content in lines.items():
        (folder / f"{code}.txt").write_text(content, encoding="utf-8")
    return str(folder)


# Texts


def test_texts_of_pairs_are_those_that_stand_in_every_language() -> None:
    found = neutral_texts.read_texts("worldfacts", 5, options={"languages": ["de", "sw"]})
    pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
    for code in ("de", "sw"):
        roles = [pairs.texts(range(5), code, role) for role in ("passage", "query")]
        assert found[code] == [text for texts in roles for text in texts]
    again = neutral_texts.read_texts("worldfacts", 5, options={"languages": ["de", "sw"]})
    assert again == found


def test_several_sources_follow_each_other_in_their_common_languages(tmp_path: Path) -> None:
    one = put(tmp_path / "one", de="eins\nzwei\n", en="one\ntwo\n", sw="moja\nmbili\n")
    two = put(tmp_path / "two", de="drei\nvier\n", en="three\nfour\n")
    found = neutral_texts.read_texts(f"{one} {two}", 1)
    assert found == {"de": ["eins", "drei"], "en": ["one", "three"]}
    assert neutral_texts.read_texts(one, 2, languages=["sw", "de"]) == {
        "de": ["eins", "zwei"],
        "sw": ["moja", "mbili"],
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({}, "has no file CODE.txt with the texts of a language"),
        ({"de": "eins\n\ndrei\n", "en": "one\n"}, r"de\.txt, line 2 is empty"),
        ({"de": "eins\nzwei\n", "en": "one\n"}, "has 2 lines of de, 1 lines of en; give every"),
        ({"de": "eins\n"}, r"have 1 language\(s\) in common; a map needs two"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, lines: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        neutral_texts.read_texts(put(tmp_path / "texts", **lines), 10)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    folder = put(tmp_path / "texts", de="eins\n", en="one\n")
    (tmp_path / "texts" / "de.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"de\.txt is not UTF-8"):
        neutral_texts.read_texts(folder, 10)


def test_a_language_that_no_source_has_is_named(tmp_path: Path) -> None:
    folder = put(tmp_path / "texts", de="eins\n", en="one\n")
    with pytest.raises(ValueError, match="have no fi, ko; they have de en"):
        neutral_texts.read_texts(folder, 1, languages=["ko", "de", "fi"])
    with pytest.raises(ValueError, match="names no source"):
        neutral_texts.read_texts(" ", 1)


def test_texts_of_the_benchmark_are_refused() -> None:
    given = benchmark()
    same = {"de": [given.queries["text"].iloc[0]], "en": ["something else"]}
    with pytest.raises(ValueError, match="tiny"):
        neutral_texts.check_not_evaluated(same, given)
    neutral_texts.check_not_evaluated({"de": ["etwas"], "en": ["something"]}, given)


def test_held_out_pairs_share_no_text_with_the_map() -> None:
    pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"]).sample(20)
    known = {"de": pairs.texts([3, 4], "de", "passage"), "sw": ["nyingine"]}
    left = neutral_texts.leave_out_texts(pairs, known)
    assert not set(known["de"]) & set(left.texts(range(len(left)), "de", "passage"))
    assert 0 < len(left) <= 18
    everything = {"de": pairs.texts(range(20), "de", "passage")}
    with pytest.raises(ValueError, match="every pair of worldfacts has a text that the map"):
        neutral_texts.leave_out_texts(pairs, everything)


# Curves


def test_curves_have_a_point_for_each_setting(recipe: Vectors, held_out: curves.HeldOut) -> None:
    table = curves.curves(recipe.texts, held_out, SETTINGS)
    joint = table[(table["measure"] == "mAP") & (table["setting"] == "multilingual")]
    assert joint.groupby(["curve", "method"]).size().to_dict() == {
        ("none", "as it is"): 1,
        **{("texts", method): 3 for method in erasure.METHODS},
        **{("centre", method): len(curves.SHARES) for method in erasure.METHODS},
        ("ridge", "translations"): len(curves.RIDGES),
        ("directions", "means"): len(LANGUAGES) - 1,
        ("role", "leace"): 4,
    }
    assert sorted(joint[joint["curve"] == "texts"]["x"].unique()) == [10, 20, 30]
    best = joint[joint["curve"] == "ridge"].sort_values("value").iloc[-1]
    assert f"{best['value']:.3f}" in report.curves_says(table)

    # The points of the settings that are used are all one map.
    fitted = erasure.fit(recipe.for_fit("both"), "leace", centre=0.75)
    queries, passages = (curves.mapped(v, fitted) for v in recipe.of(benchmark()))
    measured = hbt.measure(hbt.rank_vectors(queries, passages, benchmark()), ["mAP"])
    expected = measured[measured["pool"] == "all"]["value"].mean()
    joint = table[(table["measure"] == "mAP") & (table["setting"] == "multilingual")]
    same = {("texts", 30), ("centre", 0.75), ("role", "both")}
    for curve, x in same:
        chosen = (joint["curve"] == curve) & (joint["x"] == x) & (joint["method"] == "leace")
        assert joint[chosen]["value"].tolist() == pytest.approx([expected])


def test_a_map_helps_a_language_it_never_saw_less(
    recipe: Vectors, held_out: curves.HeldOut
) -> None:
    table = curves.seen_or_not(recipe.for_fit("both"), held_out, SETTINGS)
    wide = table.pivot(index="query_language", columns="arm", values="value")
    assert list(wide.index) == sorted(LANGUAGES)
    assert (wide["fitted with it"] > wide["as it is"]).all()
    assert wide["fitted without it"].mean() < wide["fitted with it"].mean()
    two = {code: v for code, v in recipe.for_fit("both").items() if code != "es"}
    assert curves.seen_or_not(two, held_out, SETTINGS).empty


# Vectors and tables


def test_the_map_lowers_the_bias_and_says_so(recipe: Vectors) -> None:
    fitted = recipe.fit(SETTINGS, "both")
    before, after = recipe.measured(benchmark(), None), recipe.measured(benchmark(), fitted)
    table = report.before_and_after(before, after)
    row = table.set_index(["measure", "setting"]).loc["mAP", "multilingual"]
    assert row["neutral"] > row["as it is"] + 0.1
    assert row["low"] < row["neutral"] - row["as it is"] < row["high"]
    said = report.finding_says(table, 0.25)
    assert f"{row['as it is']:.3f} to {row['neutral']:.3f}" in said
    assert "fitted in 0.250 seconds" in said
    assert "That is a loss" not in said
    worse = table.assign(high=table["high"].where(table["setting"] != "monolingual", -0.1))
    assert "**That is a loss**: try another method" in report.finding_says(worse, 0.25)
    scores = report.language_scores(before, after)
    assert set(scores["arm"]) == set(report.MAPS)
    assert "gain most" in report.language_scores_says(scores)
    lost = report.pairs_that_lost(before, after)
    assert (lost["change"] <= -0.01).all()
    assert str(len(lost)) in report.pairs_that_lost_says(lost, before)


def test_a_function_has_no_folder(recipe: Vectors, tmp_path: Path) -> None:
    similar = recipe.saved(recipe.fit(SETTINGS, "both"), tmp_path / "model")
    assert similar is None
    table = pd.DataFrame([ROW])
    assert "`hbt.neutralise` gives an object" in report.answer("biased", None, table, similar)


def test_a_transformers_folder_is_the_same_in_sentence_transformers(tmp_path: Path) -> None:
    pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
    given = {code: pairs.texts(range(30), code, "passage") for code in ("de", "sw")}
    made = Vectors("small", {"width": 32, "layers": 1, "heads": 2}, given)
    made.embed()
    similar = made.saved(made.fit(SETTINGS, "both"), tmp_path / "model")
    assert similar is not None
    assert similar < 1e-5
    assert f"{similar:.1e}" in report.answer("small", "results/mine", pd.DataFrame([ROW]), similar)


def test_the_probe_looks_at_as_many_passages_of_each_language() -> None:
    codes = ["de"] * 50 + ["en"] * 30 + ["sw"] * 5  # too few in Swahili to say anything
    plain = np.random.default_rng(0).standard_normal((85, 4)).astype(np.float32)
    plain[:50, 0] += 8
    table = report.probe({"as it is": plain, "neutral": plain[:, 1:]}, codes, texts=20)
    assert table.groupby("language")["n_texts"].unique().map(list).to_dict() == {
        "de": [20],
        "en": [20],
    }
    means = table.groupby("arm")["accuracy"].mean()
    assert means["as it is"] > 0.95 > 0.75 > means["neutral"]
    assert "50%" in report.probe_says(table)


def test_the_schema_names_the_methods_that_there_are() -> None:
    from hbtlib.encoders import neutral

    assert values.METHODS == erasure.METHODS
    assert tuple(neutral.ROLES) == values.MAP_ROLES


def test_the_picture_refuses_an_unknown_curve() -> None:
    table = pd.DataFrame(
        {
            "curve": ["colour"],
            "method": ["leace"],
            "x": [1],
            "measure": ["mAP"],
            "setting": ["monolingual"],
            "value": [0.5],
        }
    )
    with pytest.raises(ValueError, match="colour"):
        hbt.plots.map_curves(table)
