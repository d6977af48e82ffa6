"""Which languages a ranking favours: by their places, and by their shares of the top."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bias_tables import as_dict, pools, table
from scipy import stats

import hbtlib as hbt


def test_who_is_favoured_by_hand() -> None:
    ranks = table(
        100,
        {
            ("a", "en"): {"en": 1, "de": 5, "fr": 9},
            ("b", "en"): {"en": 2, "de": 30, "fr": 7},
            ("c", "en"): {"en": 50, "de": 40, "fr": 60},
            ("d", "en"): {"en": 8, "de": 3},
            ("e", "en"): {"fr": 4},
        },
    )
    # Orders en de fr: 1 2 3, 1 3 2, 2 1 3; d lacks French, and e is alone. Rank sums 4, 6 and 8 of
    # 6 by chance.
    found = as_dict(hbt.bias(ranks))
    assert (
        found["kendalls-w", "en"]
        == found["kendalls-w", "all"]
        == pytest.approx((4 + 4) / (3 * 3 * 2))
    )
    assert found["friedman-p", "en"] == pytest.approx(
        stats.friedmanchisquare([1, 1, 2], [2, 3, 1], [3, 2, 3]).pvalue
    )
    favoured = hbt.favoured(ranks).set_index(["query_language", "passage_language"])
    assert (
        favoured.loc["en"].to_dict("index")
        == favoured.loc["all"].to_dict("index")
        == {
            "de": {
                "mean_rank_within": (2 + 3 + 1 + 1) / 4,
                "chance": (2 + 2 + 2 + 1.5) / 4,
                "n_questions": 4,
            },
            "en": {
                "mean_rank_within": (1 + 1 + 2 + 2) / 4,
                "chance": (2 + 2 + 2 + 1.5) / 4,
                "n_questions": 4,
            },
            "fr": {"mean_rank_within": (3 + 2 + 3) / 3, "chance": 2, "n_questions": 3},
        }
    )


def test_divergence_from_the_pool_by_hand() -> None:
    ranks, top = pools(
        {"en": 50, "de": 25, "fr": 25},
        {"en": ["en", "en", "en", "de"], "de": ["en", "fr", "de", "en"]},
    )
    shares = hbt.top_shares(top)
    assert list(shares.columns) == ["query_language", "passage_language", "share"]
    assert {(r.query_language, r.passage_language): r.share for r in shares.itertuples()} == {
        ("en", "en"): 0.75,
        ("en", "de"): 0.25,
        ("en", "fr"): 0,
        ("de", "en"): 0.5,
        ("de", "de"): 0.25,
        ("de", "fr"): 0.25,
    }
    found = as_dict(hbt.bias(ranks, top))
    assert found["kl@4", "en"] == pytest.approx(0.75 * np.log(1.5))
    assert found["kl@4", "de"] == pytest.approx(0, abs=1e-12)
    shallow = as_dict(hbt.bias(ranks, top[top["rank"] <= 1]))
    assert [shallow["kl@1", code] for code in ("en", "de")] == pytest.approx([np.log(2)] * 2)
    assert not any(name.startswith("kl") for name, _ in as_dict(hbt.bias(ranks)))


def test_divergence_is_of_all_queries_together() -> None:
    """One query finds English alone, one German alone: neither is favoured on the whole."""
    ranks, top = pools({"en": 50, "de": 50}, {"en": ["en", "en"]})
    other = top.assign(query_id="r-en", passage_language="de")
    assert as_dict(hbt.bias(ranks, top))["kl@2", "en"] == pytest.approx(np.log(2))
    assert as_dict(hbt.bias(ranks, pd.concat([top, other])))["kl@2", "en"] == pytest.approx(
        0, abs=1e-12
    )


def test_languages_whose_pools_are_not_known_count_as_one() -> None:
    """A pool in which nothing is relevant is in the pool of all, and has no row of its own."""
    ranks, top = pools({"en": 50, "de": 30}, {"en": ["en", "fr", "el", "fr"]})
    ranks.loc[ranks["pool"] == "all", "n_passages"] = 100  # French and Greek are the rest
    assert as_dict(hbt.bias(ranks, top))["kl@4", "en"] == pytest.approx(
        stats.entropy([0.25, 0, 0.75], [0.5, 0.3, 0.2])
    )


def test_few_questions_have_no_order_to_agree_on() -> None:
    """As on MLQA-R, where a question has some languages only: no row, but `favoured` has some."""
    ranks = table(
        50,
        {
            ("a", "en"): {"en": 1, "de": 4},
            ("b", "en"): {"en": 3, "fr": 2},
            ("c", "en"): {"de": 9, "fr": 8},
        },
    )
    found = as_dict(hbt.bias(ranks))
    assert not {"kendalls-w", "friedman-p", "mrc"} & {name for name, _ in found}
    assert hbt.favoured(ranks).set_index(["query_language", "passage_language"])[
        "mean_rank_within"
    ]["en"].to_dict() == {"de": 2, "en": 1.5, "fr": 1}
    assert hbt.favoured(ranks.iloc[:1].assign(n_relevant=1)).empty


def test_what_is_no_top_of_these_ranks_is_refused() -> None:
    ranks, top = pools({"en": 50, "de": 50}, {"en": ["en", "de"], "de": ["de", "en"]})
    for column in top.columns:
        with pytest.raises(ValueError, match=f"the top lack the column '{column}'"):
            hbt.bias(ranks, top.drop(columns=column))
    with pytest.raises(ValueError, match="the top is of another, the ranks of by hand"):
        hbt.bias(ranks, top.assign(benchmark="another"))
    with pytest.raises(ValueError, match="of 2 benchmarks"):
        hbt.top_shares(pd.concat([top, top.assign(benchmark="another")]))
    with pytest.raises(ValueError, match="the top have no rows"):
        hbt.bias(ranks, top.iloc[:0])
    with pytest.raises(
        ValueError, match="two passages at one rank of the query 'q-en': is it of several runs"
    ):
        hbt.bias(ranks, pd.concat([top, top]))
    with pytest.raises(ValueError, match="passages in 'fr' and the ranks' pool has none"):
        hbt.bias(ranks, top.assign(passage_language="fr"))
    with pytest.raises(ValueError, match="hold the pool of all alone"):
        hbt.bias(ranks[ranks["pool"] == "all"], top)
