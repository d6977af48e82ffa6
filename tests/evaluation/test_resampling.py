"""Permutation tests, bootstrap intervals and Holm's correction, by hand and in simulations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hbtlib.evaluation.resampling import bootstrap_means
from hbtlib.evaluation.significance import holm, sign_flip


def test_few_questions_give_the_exact_p() -> None:
    # Of 2⁴ sign patterns of these differences two are as far from 0: 1/8.
    assert sign_flip(np.array([0.1, 0.2, 0.3, 0.4]), 100_000) == pytest.approx(1 / 8, abs=0.005)
    assert sign_flip(np.zeros(5)) == 1.0
    assert sign_flip(np.full(60, 0.5), 10_000) == pytest.approx(1 / 10_001)  # never 0


def test_the_error_rate_is_as_promised() -> None:
    # Under the null a test at 5 % refuses 5 % of the time; taken by translation it would refuse far
    # more often.
    rng = np.random.default_rng(0)
    refused = naive = 0
    times = 600
    for i in range(times):
        question = rng.standard_t(3, 40)  # heavy tails, shared by the translations
        refused += sign_flip(question, 500, seed=i) <= 0.05
        naive += (
            stats.ttest_1samp(np.repeat(question, 11) + 0.3 * rng.normal(size=440), 0).pvalue
            <= 0.05
        )
    assert stats.binomtest(refused, times, 0.05).pvalue > 0.01
    assert naive / times > 0.3


def test_holm_raises_what_a_family_makes_likely() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]


def test_the_error_rate_holds_where_questions_come_in_families() -> None:
    # Families share most of their difference: tested by question the null is refused far too often,
    # by family it is not.
    rng = np.random.default_rng(0)
    family = np.repeat(np.arange(20), 6)
    refused = naive = 0
    times = 400
    for i in range(times):
        d = rng.standard_t(5, 20)[family] + 0.5 * rng.normal(size=120)
        refused += sign_flip(np.bincount(family, d), 500, seed=i) <= 0.05
        naive += sign_flip(d, 500, seed=i) <= 0.05
    assert stats.binomtest(refused, times, 0.05).pvalue > 0.01
    assert naive / times > 0.25


@pytest.mark.parametrize(
    ("seeds", "units", "seed_spread"),
    [
        (1, 10, 0.0),
        (3, 10, 0.5),
        (3, 60, 0.5),
        (5, 60, 0.5),
        (10, 60, 0.5),
        # Seeds that differ more than units: the hardest case, as `compare`'s docstring says.
        (2, 60, 2.0),
        (3, 60, 2.0),
        (5, 60, 2.0),
        (2, 10, 1.0),
    ],
)
def test_the_intervals_hold_the_truth_as_often_as_they_say(
    seeds: int, units: int, seed_spread: float
) -> None:
    # 95 of 100 intervals should hold the true difference, rather more than fewer, with few seeds
    # and few units too, these of any size. Drawn anew each time.
    rng = np.random.default_rng(1)
    held, times = 0, 300
    for i in range(times):
        sizes = rng.integers(1, 12 if units < 60 else 2, units).astype(float)
        values = (
            rng.normal(0, seed_spread, (seeds, 1))
            + rng.normal(0, 1, units)
            + rng.normal(0, 0.5, (seeds, units))
        )
        low, high = np.percentile(bootstrap_means(values * sizes, sizes, 400, seed=i), [2.5, 97.5])
        held += low <= 0 <= high
    assert 0.92 <= held / times <= 0.995
