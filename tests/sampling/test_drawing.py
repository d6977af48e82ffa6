"""Languages are drawn by weight, from what an id has."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from plan_requests import FIVE, full, of_codes, pairs_of
from scipy import stats

from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import Kind, Strategy


def follows(counts: Counter[tuple[str, str]], expected: dict[tuple[str, str], float]) -> bool:
    hoped = np.array(list(expected.values())) * counts.total() / sum(expected.values())
    return set(counts) <= set(expected) and bool(
        stats.chisquare([counts[k] for k in expected], hoped).pvalue > 1e-4
    )


@pytest.mark.parametrize("strategy", ["x-x-mono", "x-x", "x-y", "x-y-mono"])
@pytest.mark.parametrize("weights", [{}, {"de": 4, "fr": 0.5}])
def test_languages_are_drawn_by_weight(strategy: str, weights: dict[str, float]) -> None:
    mono, w = strategy.endswith("mono"), {c: weights.get(c, 1.0) for c in FIVE}
    plan = BatchPlan(full(3000), strategy, batch_size=1 if mono else 3000, language_weights=weights)
    counts = Counter(p for t in range(3000 if mono else 2) for p in pairs_of(plan[t]))
    # The query's language is drawn first, then the passage's among the others. With equal weights
    # all ordered pairs are alike.
    assert follows(
        counts,
        {(a, a): w[a] for a in FIVE}
        if strategy.startswith("x-x")
        else {(a, b): w[a] * w[b] / (sum(w.values()) - w[a]) for a in FIVE for b in FIVE if a != b},
    )


def test_languages_are_drawn_uniformly_from_what_an_id_has() -> None:
    plan = BatchPlan(
        of_codes(*[("de en fr", "de en")] * 6000, *["ja sw"] * 6000), "x-y", batch_size=12000
    )
    assert follows(
        Counter(pairs_of(plan[0])),
        {
            ("de", "en"): 2,
            ("en", "de"): 2,
            ("fr", "de"): 1,
            ("fr", "en"): 1,
            ("ja", "sw"): 3,
            ("sw", "ja"): 3,
        },
    )


def test_english_is_on_either_side_of_half_the_pairs() -> None:
    weights = {"de": 4, "fr": 0.5, "en": 9}  # English's own weight says nothing: it is always drawn
    plan = BatchPlan(full(3000), "x-en", batch_size=3000, language_weights=weights)
    others = {"de": 4.0, "fr": 0.5, "ja": 1.0, "sw": 1.0}
    assert follows(
        Counter(p for t in range(2) for p in pairs_of(plan[t])),
        {pair: w for c, w in others.items() for pair in ((c, "en"), ("en", c))},
    )


def test_english_is_on_the_side_it_exists_on() -> None:
    plan = BatchPlan(
        of_codes(*[("de fr", "de en")] * 4000, *[("en", "ja")] * 10, *[("de en", "en")] * 10),
        "x-en",
        batch_size=4020,
    )
    assert plan.usable == 4020
    counts = Counter(pairs_of(plan[0]))
    assert (counts.pop(("en", "ja")), counts[("de", "en")] >= 10) == (10, True)
    counts[("de", "en")] -= 10
    assert follows(counts, {("de", "en"): 1, ("fr", "en"): 1})


def test_a_pair_of_languages_with_english_for_a_whole_batch() -> None:
    mono = Strategy(Kind("x-en-mono", same=False, homogeneous=True, pivot="en"))
    plan = BatchPlan(full(3000), mono, batch_size=2)
    counts: Counter[tuple[str, str]] = Counter()
    for t in range(len(plan)):
        (pair,) = set(pairs_of(plan[t]))
        counts[pair] += 1
    others = [c for c in FIVE if c != "en"]
    assert follows(counts, {pair: 1.0 for c in others for pair in ((c, "en"), ("en", c))})


def test_a_language_of_hardly_any_weight_is_drawn_where_there_is_no_other() -> None:
    plan = BatchPlan(
        of_codes("en", "de", "en", "de en"), "x-x", batch_size=4, language_weights={"en": 1e-46}
    )
    assert dict(zip(plan[0].ids.tolist(), pairs_of(plan[0]), strict=True)) == {
        0: ("en", "en"),
        1: ("de", "de"),
        2: ("en", "en"),
        3: ("de", "de"),
    }
