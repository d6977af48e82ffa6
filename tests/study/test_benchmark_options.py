"""A study on several benchmarks, each with options of its own; pairs with less of a language."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.data.catalog import CATALOG
from hbtlib.study import asked_of
from hbtlib.study.report import train
from hbtlib.study.together import languages_of

TWO = {"benchmark": "afriqa tydiqa-goldp", "evaluated": None, "split": None}


def test_options_under_a_name_are_that_benchmarks() -> None:
    own = {"afriqa": {"split": "dev"}, "tydiqa-goldp": {"languages": ["bn", "te"]}}
    parameters = {**TWO, "benchmark_options": own}
    assert asked_of("afriqa", parameters) == {"languages": None, "split": "dev"}
    assert asked_of("tydiqa-goldp", parameters) == {"languages": ["bn", "te"], "split": None}


def test_options_under_no_name_are_for_all_and_give_way() -> None:
    options = {"split": "train", "afriqa": {"split": "dev"}}
    parameters = {**TWO, "evaluated": "sw", "split": "x", "benchmark_options": options}
    assert asked_of("afriqa", parameters) == {"languages": ["sw"], "split": "dev"}
    assert asked_of("tydiqa-goldp", parameters) == {"languages": ["sw"], "split": "train"}


def checked(**changed: Any) -> None:
    hbt.study.check("train", {**hbt.study.notebook_parameters("train"), **changed})


def test_good_options_are_taken() -> None:
    own = {"afriqa": {"split": "dev"}, "tydiqa-goldp": {"languages": ["bn", "te"]}}
    checked(benchmark="afriqa tydiqa-goldp", benchmark_options=own)
    checked(benchmark="afriqa", benchmark_options={"split": "dev"})
    checked(benchmark="xquad-r afriqa", benchmark_options={"xquad-r": {"context": "paragraph"}})
    checked(benchmark="afriqa belebele-flores20", benchmark_options={"afriqa": {"split": "dev"}})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"xquad-r": {"split": "dev"}}, "benchmark_options has 'xquad-r' with a mapping"),
        ({"afriqa": {"spilt": "dev"}}, "benchmark_options has no option 'spilt'; did you"),
        ({"afriqa": {"split": "deev"}}, "split is 'deev'; did you mean 'dev'"),
        ({"tydiqa-goldp": {"languages": ["xx"]}}, "benchmark_options has 'xx', which 'tydiqa"),
        ({"tydiqa-goldp": {"languages": "bn te"}}, "languages of 'tydiqa-goldp' is 'bn te'"),
        ({"afriqa": {"a b": 1}}, "benchmark_options: afriqa has no option 'a b'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"03-train\.ipynb: ") as error:
        checked(benchmark="afriqa tydiqa-goldp", benchmark_options=options)
    assert said in str(error.value)


def test_each_benchmark_is_loaded_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOG, "facts-again", CATALOG["worldfacts"])
    parameters = {
        "benchmark": "worldfacts facts-again",
        "evaluated": "de en",
        "split": "validation",
        "benchmark_options": {"facts-again": {"languages": ["de", "sw"]}},
    }
    found = train.load_benchmarks(parameters)
    languages = {name: sorted(test.queries["language"].unique()) for name, test in found.items()}
    assert languages == {"worldfacts": ["de", "en"], "facts-again": ["de", "sw"]}


def counts(pairs: hbt.Pairs, code: str) -> int:
    return int(pairs.stands(np.arange(len(pairs)), code, "query").sum())


def test_shares_thin_out_the_training_and_not_the_validation() -> None:
    whole = train.load_splits("worldfacts", ["de", "sw"], {})
    made = {
        seed: train.load_splits("worldfacts", ["de", "sw"], {"shares": {"sw": 0.1}}, seed)
        for seed in (0, 1)
    }
    assert {counts(found["train"], "sw") for found in made.values()} == {188}
    assert counts(made[0]["validation"], "sw") == counts(whole["validation"], "sw")
    assert not np.array_equal(made[0]["train"].query_mask, made[1]["train"].query_mask)
    fixed = {"shares": {"sw": 0.1}, "shares_seed": 0}
    again = train.load_splits("worldfacts", ["de", "sw"], fixed, seed=1)
    np.testing.assert_array_equal(again["train"].query_mask, made[0]["train"].query_mask)


def test_a_split_may_lack_a_language_that_another_set_gives() -> None:
    asked = ["bem", "en", "sw", "yo"]
    assert languages_of("afriqa", asked) == ["bem", "en", "yo"]
    assert languages_of("afriqa", asked, "validation") == ["bem", "en"]
    assert languages_of("afriqa", asked, "test") == asked
    assert languages_of("xnli", asked) == ["en", "sw"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shares": {"fi": 0.1}}, "pairs_options: shares has 'fi', which 'worldfacts' gives no"),
        ({"shares": {"sw": 3}}, "pairs_options: the share of 'sw' is 3; it must be 1 or less"),
        ({"shares": 0.1}, "pairs_options: the share is 0.1; give a map"),
        ({"shares": {"sw": 0.1}, "shares_seed": -1}, "pairs_options: shares_seed is -1"),
    ],
)
def test_wrong_shares_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"03-train\.ipynb: ") as error:
        checked(languages="de sw", pairs_options=options)
    assert said in str(error.value)


def test_shares_are_a_parameter_of_a_set() -> None:
    checked(languages="de sw", pairs_options={"shares": {"sw": 0.1}, "shares_seed": 3})
    several = {"pairs": "afriqa xnli", "languages": "en fr sw zu", "benchmark": "xquad-r"}
    own = {"hard_negatives": False, "shares": {"sw": 0.1}}
    checked(**several, pairs_options={"xnli": own})
    with pytest.raises(ValueError, match="shares has 'zu', which 'xnli' gives no text in"):
        checked(**several, pairs_options={"xnli": {**own, "shares": {"zu": 0.1}}})


def test_what_met_in_the_batches() -> None:
    pairs = hbt.load_pairs("worldfacts", languages=["de", "sw"])
    plan = hbt.BatchPlan(pairs, "hybrid", batch_size=50, seed=0)
    found = train.met_tables(plan, 30)["met"]
    assert found["pairs"].sum() == 30 * 50
    same = found["query_language"] == found["passage_language"]
    assert set(found.loc[same, "kind"]) == {"x-x-mono"}
    assert set(found.loc[~same, "kind"]) == {"x-y"}
    assert (found["ids"] <= found["pairs"]).all()
    one = [plan[t] for t in range(30)]
    expected = sum((batch.query_languages == "sw").sum() for batch in one)
    assert found.loc[found["query_language"] == "sw", "pairs"].sum() == expected
    assert isinstance(found, pd.DataFrame)
    assert train.met_tables(None, 30) == {}


@pytest.mark.skipif("HBT_DATA" not in os.environ, reason="needs AfriQA and XNLI in HBT_DATA")
def test_the_splits_of_the_study_on_scarce_data() -> None:
    runs = {run.arm: run for run in hbt.study.load("low-resource").runs}
    parameters = runs["hybrid (10 % sw)"].parameters
    codes = parameters["languages"].split()
    made = train.load_splits(parameters["pairs"], codes, parameters["pairs_options"], 0)
    assert len(made["train"]) == 2092 + 2374
    assert counts(made["train"], "sw") == 238
    assert counts(made["train"], "tw") == 351
    assert counts(made["validation"], "yo") == 0
