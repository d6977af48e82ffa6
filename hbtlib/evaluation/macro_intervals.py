"""Intervals of macro averages: how a mean over languages would vary over other questions.

A macro average is the mean over cells (a pair of query language and pool, or a query language) of
a cell's ratio: the sum of what its queries have, over the sum of what they could have (for a mean
this is the number of queries). The bootstrap draws units of questions with replacement, the same
ones for all cells, because a question's translations are hard or easy together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.evaluation.resampling import widening

Floats = NDArray[np.float64]
_AT_ONCE = 500  # samples held in memory together


class Estimate(NamedTuple):
    """A value and its 95 % interval.

    Attributes:
        value: the macro average.
        low: the lower end of its interval; NaN for one unit, which shows no spread.
        high: the upper end.
    """

    value: float
    low: float
    high: float


class Cells(NamedTuple):
    """The sums of every unit in every cell.

    Attributes:
        above: (units, cells) the sums over a unit's queries of what they have.
        below: (units, cells) the sums of what they could have; 0 where a unit has no query.
    """

    above: Floats
    below: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, cell: list[str]) -> Cells:
        """Sums a table by unit and cell.

        Args:
            table: a row a query (or a query and pool): unit, above, below, and the columns of
                `cell`. Rows without a value of above are left out.
            cell: the columns that tell cells apart.

        Returns:
            The sums; units and cells in sorted order.
        """
        units = np.unique(table["unit"])  # also those without a value: what is compared has them
        kept = table.dropna(subset=["above"])
        sums = kept.groupby(["unit", *cell], observed=True)[["above", "below"]].sum()
        wide = sums.unstack(cell, fill_value=0.0)
        wide = wide.reindex(units, fill_value=0.0)
        return cls(wide["above"].to_numpy(np.float64), wide["below"].to_numpy(np.float64))


def estimate(cells: Cells, samples: int = 2000, seed: int = 0) -> Estimate:
    """The macro average with its interval.

    Args:
        cells: the sums by unit and cell.
        samples: how many samples the bootstrap draws.
        seed: of the random draws.

    Returns:
        The mean over cells of Σ above / Σ below, and the 2.5th and the 97.5th percentile of it
        over samples of units (widened for few units, as `resampling` explains, so that an end may
        lie past 0 or 1).

    Example:
        Two languages, four questions; each question is a unit.

        >>> cells = Cells(np.array([[1.0, 0], [1, 1], [0, 0], [1, 1]]), np.ones((4, 2)))
        >>> found = estimate(cells)
        >>> found.value, found.low < 0.625 < found.high
        (0.625, True)
    """
    value = _value(cells)
    if len(cells.above) < 2:
        return Estimate(value, np.nan, np.nan)
    low, high = np.percentile(sampled_averages(cells, samples, seed), [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def estimate_change(before: Cells, after: Cells, samples: int = 2000, seed: int = 0) -> Estimate:
    """The difference of two macro averages on the same queries, after minus before.

    Args:
        before: the sums of one ranking.
        after: those of the other, with the same units and cells.
        samples: how many samples the bootstrap draws.
        seed: of the random draws.

    Returns:
        The difference and its interval. The samples draw the same units for both, so what is hard
        for both cancels out.

    Raises:
        ValueError: if the two are not of the same queries.
    """
    _check_same(before, after)
    value = _value(after) - _value(before)
    if len(before.above) < 2:
        return Estimate(value, np.nan, np.nan)
    means = [sampled_averages(cells, samples, seed) for cells in (before, after)]
    low, high = np.percentile(means[1] - means[0], [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def sampled_averages(cells: Cells, samples: int = 2000, seed: int = 0) -> Floats:
    """The macro averages of bootstrap samples of units, of which intervals are made.

    Args:
        cells: the sums by unit and cell.
        samples: how many samples the bootstrap draws.
        seed: of the random draws. Cells of the same number of units draw the same units.

    Returns:
        (samples,) macro averages, widened for few units.
    """
    return _means(_stretched(cells), cells.below, samples, seed)


def differences_by_unit(before: Cells, after: Cells) -> Floats:
    """What each unit adds to the difference of two rankings, in each cell.

    Args:
        before: the sums of one ranking.
        after: those of the other, with the same units and cells.

    Returns:
        (units, cells): summed over units these are the differences of the cells' ratios, after
        minus before; the mean of these over cells is the difference of the macro averages. A
        paired test on units takes them (`resampling.sign_flip`).

    Raises:
        ValueError: if the two are not of the same queries, or not of the same sums below.

    Example:
        >>> before, after = (Cells(np.array([[a], [1.0]]), np.ones((2, 1))) for a in (0.0, 1.0))
        >>> differences_by_unit(before, after).tolist()
        [[0.5], [0.0]]
    """
    _check_same(before, after)
    if not np.allclose(before.below, after.below):
        raise ValueError("the two rankings have other sums below: units cannot be compared")
    total = before.below.sum(0)
    change = after.above - before.above
    return np.divide(change, total, out=np.zeros_like(change), where=total > 0)


def _check_same(before: Cells, after: Cells) -> None:
    """Raises ValueError if two rankings are not of the same queries."""
    same = before.below.shape == after.below.shape and np.array_equal(
        before.below > 0, after.below > 0
    )
    if not same:
        raise ValueError("the two rankings are not of the same queries: they cannot be compared")


def _value(cells: Cells) -> float:
    """The macro average of all units."""
    return float(_ratios(cells.above.sum(0), cells.below.sum(0)))


def _ratios(above: Floats, below: Floats) -> Floats:
    """The mean over cells (the last axis) of above / below, where below is not 0."""
    has_value = below > 0
    ratios = np.divide(above, below, out=np.zeros_like(above), where=has_value)
    return ratios.sum(-1) / np.maximum(has_value.sum(-1), 1)


def _stretched(cells: Cells) -> Floats:
    """The sums above with their deviations from the cell's ratio widened for few units."""
    total = cells.below.sum(0)
    ratio = np.divide(cells.above.sum(0), total, out=np.zeros_like(total), where=total > 0)
    expected = ratio * cells.below
    factors = [widening(int(n)) for n in (cells.below > 0).sum(0)]
    return expected + np.array(factors) * (cells.above - expected)


def _means(above: Floats, below: Floats, samples: int, seed: int) -> Floats:
    """The macro averages of samples of units, (samples,)."""
    rng = np.random.default_rng([seed, 2])
    n_units = len(above)
    found = []
    for start in range(0, samples, _AT_ONCE):
        count = min(_AT_ONCE, samples - start)
        # How often each unit is drawn: (count, units).
        drawn = rng.multinomial(n_units, np.full(n_units, 1 / n_units), count).astype(np.float64)
        found.append(_ratios(drawn @ above, drawn @ below))
    return np.concatenate(found)
