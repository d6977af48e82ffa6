"""Every measure of an encoder's vectors on a benchmark, against the library's own functions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from encoder_table import benchmark, vectors

import hbtlib as hbt
from hbtlib.study.encoders_measured import Measured


def measured(language: float = 1.0, relevant: str = "all") -> Measured:
    asked = benchmark(relevant=relevant)
    found = [vectors(list(table["text"]), language) for table in (asked.queries, asked.passages)]
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in found]
    return hbt.study.measure_vectors(*unit, asked, samples=200)


def test_scores_are_those_of_measure_and_bias() -> None:
    found = measured()
    summary = hbt.summarise(hbt.measure(found.ranks)).iloc[0]
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        assert found.score("mAP", setting).value == pytest.approx(summary[setting, "mAP"])
    biases = hbt.bias(found.ranks)
    means = biases[biases["query_language"] != "all"].groupby("measure")["value"].mean()
    names = ["rank-distance", "rank-distance-relative", "own-language-first"]
    for name in [*names, "own-language-preference"]:
        assert found.score(name).value == pytest.approx(means[name])
    own = found.shares[found.shares["query_language"] == found.shares["passage_language"]]
    assert found.score("own-language-top@10").value == pytest.approx(own["share"].mean())


def test_intervals_hold_their_values_and_chance_is_named() -> None:
    table = measured().scores.set_index(["measure", "setting"])
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    chance = table["chance"].droplevel("setting")
    assert chance["rank-distance"].item() == pytest.approx(hbt.chance_rank_distance(24, 3))
    assert chance["own-language-first"].item() == pytest.approx(1 / 3)
    assert chance["own-language-top@10"].item() == pytest.approx(1 / 3)
    assert chance["mAP"].isna().all()


def test_more_language_in_the_vectors_is_more_bias() -> None:
    little, much = measured(0.0), measured(3.0)
    table = hbt.study.changes(little, much, samples=200).set_index(["measure", "setting"])
    assert table.loc[("own-language-first", "multilingual"), "low"] > 0
    assert table.loc[("rank-distance-relative", "multilingual"), "change"] > 0
    same = hbt.study.changes(little, little, samples=200)
    assert (same[["change", "low", "high"]] == 0).all().all()


def test_what_says_nothing_of_a_benchmark_is_left_out() -> None:
    found = measured(relevant="own")
    names = list(zip(found.scores["measure"], found.scores["setting"], strict=True))
    expected = [("mAP", "monolingual"), ("mAP", "multilingual")]
    assert names == [*expected, ("own-language-top@10", "multilingual")]
    with pytest.raises(ValueError, match="tiny has no rank-distance in the setting multilingual"):
        found.score("rank-distance")
    with pytest.raises(ValueError, match="with other queries: they cannot be compared"):
        hbt.study.changes(found, measured())


def test_one_language_has_no_bias() -> None:
    asked = benchmark().restrict(["de"])
    with pytest.raises(ValueError, match="two languages or more"):
        hbt.study.measure_vectors(np.eye(8), np.eye(8), asked)
    with pytest.raises(ValueError, match="samples is 0"):
        hbt.study.measure_vectors(np.eye(8), np.eye(8), asked, samples=0)


def test_tables_are_tidy() -> None:
    found = measured()
    assert isinstance(found.pairs, pd.DataFrame)
    assert len(found.pairs) == 3 * 4  # three query languages, three pools and all
    assert set(found.favoured["query_language"]) == {"all", "de", "en", "es"}
    assert len(found.shares) == 9


def test_any_ranking_is_measured_as_that_of_vectors() -> None:
    asked = benchmark()
    rows = {role: vectors(list(getattr(asked, role)["text"])) for role in ("queries", "passages")}
    ranks = hbt.rank_vectors(rows["queries"], rows["passages"], asked)
    best = hbt.top(rows["queries"], rows["passages"], asked)
    found = hbt.study.measure_ranks(ranks, best, asked, samples=50)
    same = hbt.study.measure_vectors(rows["queries"], rows["passages"], asked, samples=50)
    pd.testing.assert_frame_equal(found.scores, same.scores)
    with pytest.raises(ValueError, match="the ranks are of tiny, not of other: give the tables of"):
        hbt.study.measure_ranks(ranks, best, benchmark("other"))
    with pytest.raises(ValueError, match="the best passages are of other, not of tiny"):
        hbt.study.measure_ranks(ranks, best.assign(benchmark="other"), asked)
    shallow = hbt.top(rows["queries"], rows["passages"], asked, k=5)
    with pytest.raises(ValueError, match="down to 5, where 10 are looked at: list them with k=10"):
        hbt.study.measure_ranks(ranks, shallow, asked)
