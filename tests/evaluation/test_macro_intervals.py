"""Intervals of macro averages, against the same drawn one sample at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hbtlib.evaluation.macro_intervals import Cells, estimate, estimate_change


def drawn_cells(seed: int, units: int = 60, cells: int = 5) -> Cells:
    rng = np.random.default_rng(seed)
    below = rng.integers(0, 4, (units, cells)).astype(float)
    return Cells(rng.random((units, cells)) * below, below)


def test_the_value_is_the_mean_of_the_cells_ratios() -> None:
    table = pd.DataFrame(
        {
            "unit": [0, 0, 1, 1, 1],
            "language": ["de", "en", "de", "en", "en"],
            "above": [1.0, 0.5, 0.0, 1.0, np.nan],
            "below": 1.0,
        }
    )
    cells = Cells.of(table, ["language"])
    assert cells.below.tolist() == [[1, 1], [1, 1]]  # the row without a value does not count
    assert estimate(cells).value == pytest.approx((0.5 + 0.75) / 2)


def test_the_interval_is_that_of_units_drawn_one_by_one() -> None:
    cells = drawn_cells(0, units=200)
    rng = np.random.default_rng(7)
    means = []
    for _ in range(2000):
        drawn = rng.integers(0, 200, 200)
        means.append((cells.above[drawn].sum(0) / cells.below[drawn].sum(0)).mean())
    low, high = np.percentile(means, [2.5, 97.5])
    found = estimate(cells)
    assert found.low == pytest.approx(low, abs=0.15 * (high - low))
    assert found.high == pytest.approx(high, abs=0.15 * (high - low))


def test_few_units_make_it_wider() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):  # five draws of a known mean: percentiles alone would cover 82 %
        cells = Cells(rng.normal(0, 1, (5, 1)), np.ones((5, 1)))
        found = estimate(cells, 300, trial)
        covered += found.low <= 0 <= found.high
    assert covered >= 180


def test_a_change_is_of_the_same_units() -> None:
    before = drawn_cells(1)
    after = Cells(before.above + 0.1 * before.below, before.below)
    found = estimate_change(before, after)
    assert found == pytest.approx((0.1, 0.1, 0.1))  # every unit gains as much: no spread
    with pytest.raises(ValueError, match="not of the same queries"):
        estimate_change(before, drawn_cells(2))


def test_one_unit_shows_no_spread() -> None:
    one = Cells(np.ones((1, 2)), np.ones((1, 2)))
    for found in (estimate(one), estimate_change(one, one)):
        assert np.isnan(found.low)
        assert np.isnan(found.high)
