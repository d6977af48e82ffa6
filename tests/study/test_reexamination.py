"""Hybrid against the other strategies in the published numbers, counted again."""

from __future__ import annotations

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.study.paper.layout import as_printed
from hbtlib.study.paper.reexamination import BASELINES, gaps, reexamine


@pytest.fixture(scope="module")
def examined() -> pd.DataFrame:
    return reexamine()


def test_hybrid_counted_again(examined: pd.DataFrame) -> None:
    assert len(examined) == 32 * len(BASELINES)
    found = examined.set_index(["dataset", "model", "setting", "metric", "baseline"])[
        ["wins", "ties", "losses"]
    ]
    for key, counts in {
        ("xquad-r", "xlm-r", "multilingual", "mAP", "x-y"): (5, 0, 6),
        ("miracl-dev", "xlm-r", "monolingual", "nDCG@10", "x-x-mono"): (5, 0, 10),
        ("miracl-dev", "labse", "monolingual", "nDCG@10", "x-x-mono"): (4, 0, 11),
        ("miracl-dev", "xlm-r", "monolingual", "nDCG@10", "better in each language"): (0, 0, 15),
        ("mlqa-r", "xlm-r", "monolingual", "R@1", "x-x-mono"): (3, 1, 3),
        ("xquad-r", "xlm-r", "multilingual", "rank-distance", "x-x-mono"): (11, 0, 0),
        ("mlqa-r", "xlm-r", "multilingual", "rank-distance", "x-y"): (5, 0, 2),
    }.items():
        assert tuple(found.loc[key]) == counts, key


def test_hybrid_against_the_better_of_the_two(examined: pd.DataFrame) -> None:
    better = examined[examined["baseline"] == "better of the two"]
    miracl = better[better["dataset"] == "miracl-dev"]
    assert (miracl["difference"] < 0).all()
    assert set(miracl["against"]) == {"x-x-mono"}
    assert (better[["p_sign_holm", "p_wilcoxon_holm"]] > 0.05).all(axis=None)
    lost = better.query(
        "dataset == 'xquad-r' and model == 'xlm-r' and setting == 'multilingual' and "
        "metric == 'mAP'"
    )
    assert lost["loses_in"].item() == "ar el hi tr vi zh"


def test_the_tests_are_those_named(examined: pd.DataFrame) -> None:
    row = examined.query(
        "table == 3 and setting == 'monolingual' and metric == 'mAP' and baseline == 'x-x-mono'"
    ).iloc[0]
    assert row["p_sign"] == pytest.approx(2 * (1 + 11 + 55) / 2**11)  # 9 wins of 11, both tails
    assert row["p_sign_holm"] >= row["p_sign"]
    for _, family in examined.groupby("baseline"):
        assert family["p_sign_holm"].min() == pytest.approx(min(1, 32 * family["p_sign"].min()))


def test_where_all_languages_tie_nothing_is_significant() -> None:
    tied = hbt.paper_tables(3).assign(value=0.5)
    found = reexamine(tied)[["ties", "p_sign", "p_wilcoxon"]]
    assert (found == [11, 1.0, 1.0]).all(axis=None)
    with pytest.raises(ValueError, match="these tables lack the strategy 'x-y'"):
        reexamine(tied[tied["strategy"] != "x-y"])


def test_a_lower_rank_distance_is_a_gain() -> None:
    gains = gaps(hbt.paper_tables(8))
    gains = gains[(gains["model"] == "xlm-r") & (gains["baseline"] == "better of the two")]
    table = as_printed(hbt.paper_tables(8)).drop("mean")
    ranks = table["xlm-r"]["multilingual"]["rank-distance"]
    assert gains.set_index("language")["difference"].to_dict() == pytest.approx(
        (ranks["hybrid"] - ranks["x-y"]).to_dict()
    )
    assert (gains["gain"] == -gains["difference"]).all()
