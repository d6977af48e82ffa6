"""A saturating power law through the scores of models of several sizes, with bootstrap bands.

    score(n) = ceiling − gap · (n / n₀)^(−exponent)

n is the number of parameters and n₀ that of the smallest model, so that `gap` is how far the
smallest stays below the ceiling. For a fixed exponent the law is linear in ceiling and gap, so only
the exponent is searched for: no start value is needed, and a thousand samples are fitted at once
(variable projection, Golub & Pereyra 1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EXPONENTS = (0.01, 3.0)
"""The exponents that are searched. At .01 the law is a straight line in log n over many decades."""

_COARSE, _FINE = 121, 41
"""How many exponents are tried in all, and then between the neighbours of the best one."""


@dataclass(frozen=True)
class PowerLaw:
    """One law for each of several samples.

    Attributes:
        smallest: n₀.
        ceiling: (samples,) what the score tends to, 0 to 1.
        gap: (samples,) how far below it a model of the smallest size is; negative where scores
            fall with size.
        exponent: (samples,) how fast the gap closes.
    """

    smallest: float
    ceiling: Floats
    gap: Floats
    exponent: Floats

    def at(self, sizes: ArrayLike) -> Floats:
        """Computes the scores of models.

        Args:
            sizes: (m,) numbers of parameters.

        Returns:
            (samples, m) scores.
        """
        times = np.asarray(sizes, np.float64) / self.smallest
        powers = times[None, :] ** -self.exponent[:, None]
        return self.ceiling[:, None] - self.gap[:, None] * powers


def fit(sizes: ArrayLike, scores: ArrayLike) -> PowerLaw:
    """Fits the law by least squares.

    Args:
        sizes: (k,) numbers of parameters, at least three different ones.
        scores: (k,) scores between 0 and 1, or (samples, k) for several fits.

    Returns:
        The laws; one if `scores` has one dimension.

    Raises:
        ValueError: for fewer than three sizes, sizes that are not above 0, another number of
            scores, and scores that are not finite or, with one dimension, not between 0 and 1.

    Example:
        >>> law = fit([1e4, 1e5, 1e6, 1e7], [0.1, 0.3, 0.4, 0.45])
        >>> float(law.ceiling[0].round(2)), float(law.at([1e8])[0, 0].round(3))
        (0.5, 0.475)
    """
    n, values = _checked(sizes, scores)
    smallest = float(n.min())
    times = np.log(n / smallest)
    low, high = np.log(EXPONENTS)
    grid = np.exp(np.linspace(low, high, _COARSE))
    best = grid[_errors(times, values, np.broadcast_to(grid, (len(values), _COARSE))).argmin(1)]
    step = (high - low) / (_COARSE - 1)
    nearby = best[:, None] * np.exp(np.linspace(-step, step, _FINE))[None, :]
    nearby = np.clip(nearby, *EXPONENTS)
    chosen = _errors(times, values, nearby).argmin(1)
    exponent = nearby[np.arange(len(values)), chosen]
    ceiling, gap = _linear(times, values, exponent[:, None])
    return PowerLaw(smallest, ceiling[:, 0], gap[:, 0], exponent)


def resampled(
    parts: Sequence[NDArray[np.floating]],
    units: Sequence[NDArray[np.integer]],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Floats:
    """Draws the mean scores of arms and sizes anew: other questions, and other seeds.

    A sample draws units of questions with replacement, the same for all arms and sizes (the cluster
    bootstrap). To each size it adds a shift for other seeds, from a multivariate Student t whose
    covariance between arms is that of the seeds, pooled over sizes; it has sizes · (seeds − 1)
    degrees of freedom. Both are the same draws for all arms, so differences between arms are
    paired. (Seeds drawn with replacement would give bands that are too narrow: three seeds of a
    size say little of their spread.) That the law might be another one is in no draw.

    Args:
        parts: for each benchmark (arms, sizes, seeds, questions) scores; benchmarks count alike.
        units: for each benchmark (questions,) what a question belongs to.
        samples: how many samples are drawn.
        seed: of the draws.

    Returns:
        (samples, arms, sizes) mean scores. Where there is one seed, nothing is known of others, and
        only the questions vary.

    Raises:
        ValueError: if a benchmark has fewer than two units, which show no spread.
    """
    rng = np.random.default_rng(seed)
    arms, sizes, *_ = parts[0].shape
    total = np.zeros((samples, arms, sizes))
    for part, unit in zip(parts, units, strict=True):
        weights = _drawn(unit, samples, rng)
        over_seeds = part.mean(2).reshape(arms * sizes, -1)
        drawn = weights.astype(part.dtype) @ over_seeds.T / weights.sum(1, keepdims=True)
        total += drawn.reshape(samples, arms, sizes)
    of_seeds: Floats = np.mean([part.mean(3) for part in parts], axis=0, dtype=np.float64)
    shifts = _shifts(of_seeds, samples, rng)
    return shifts + total / len(parts)


def _drawn(unit: NDArray[np.integer], samples: int, rng: np.random.Generator) -> Floats:
    """(samples, questions): how often each question is drawn, units of them with replacement."""
    names, number = np.unique(unit, return_inverse=True)
    n_units = len(names)
    if n_units < 2:
        raise ValueError("all questions belong to one unit, which shows no spread")
    times = rng.multinomial(n_units, np.full(n_units, 1 / n_units), samples)
    return times[:, number].astype(np.float64)


def _shifts(of_seeds: Floats, samples: int, rng: np.random.Generator) -> Floats:
    """How far the means of other seeds would lie from these: (arms, sizes, seeds) → a shift each.

    A sum of the residuals with standard normal weights has their covariance (no matrix is needed).
    Dividing by the square root of a χ² over its degrees of freedom makes it a Student t.
    """
    arms, sizes, seeds = of_seeds.shape
    degrees = sizes * (seeds - 1)
    if not degrees:
        return np.zeros((samples, arms, sizes))
    residuals = of_seeds - of_seeds.mean(2, keepdims=True)
    normal = rng.standard_normal((samples, sizes, sizes, seeds))
    shifts = np.einsum("ajs,nkjs->nak", residuals, normal) / np.sqrt(degrees * seeds)
    return shifts * np.sqrt(degrees / rng.chisquare(degrees, samples))[:, None, None]


def band(values: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """The interval that holds most of the samples at each place.

    Args:
        values: (samples, m).
        level: the share of the samples in it.

    Returns:
        (m,) its lower and its upper end.
    """
    outside = (1 - level) / 2
    low, high = np.quantile(values, [outside, 1 - outside], axis=0)
    return low, high


def _checked(sizes: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """Sizes (k,) and scores (samples, k)."""
    n = np.asarray(sizes, np.float64)
    values = np.atleast_2d(np.asarray(scores, np.float64))
    if n.ndim != 1 or len(np.unique(n)) < 3:
        raise ValueError(
            f"a law of three numbers needs three sizes or more; there are {len(np.unique(n))}"
        )
    if not (np.isfinite(n) & (n > 0)).all():
        raise ValueError("a size is a number of parameters, above 0")
    if values.ndim != 2 or values.shape[1] != len(n):
        raise ValueError(f"there are {len(n)} sizes but scores of shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a score is missing or not finite")
    # Samples stretch means a little, and may pass 0 or 1.
    if np.ndim(scores) == 1 and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"the scores go from {values.min():g} to {values.max():g}; give shares from 0 to 1"
        )
    return n, values


def _linear(times: Floats, values: Floats, exponents: Floats) -> tuple[Floats, Floats]:
    """The best ceiling (0 to 1) and gap for given exponents.

    Args:
        times: (k,) log of size / smallest size.
        values: (samples, k) scores.
        exponents: (samples, e).

    Returns:
        (samples, e) ceilings and gaps.
    """
    powers = np.exp(-exponents[:, :, None] * times)  # (samples, e, k)
    centred = powers - powers.mean(2, keepdims=True)
    deviation = values - values.mean(1, keepdims=True)
    slope = np.einsum("sek,sk->se", centred, deviation) / (centred**2).sum(2)
    ceiling = values.mean(1)[:, None] - slope * powers.mean(2)
    gap = -slope
    # Least squares is convex, so a ceiling that is out of bounds belongs on the bound.
    bounded = np.clip(ceiling, 0.0, 1.0)
    left = bounded[:, :, None] - values[:, None, :]
    on_bound = (powers * left).sum(2) / (powers**2).sum(2)
    return bounded, np.where(bounded == ceiling, gap, on_bound)


def _errors(times: Floats, values: Floats, exponents: Floats) -> Floats:
    """(samples, e) sums of squares that remain with the best ceiling and gap."""
    ceiling, gap = _linear(times, values, exponents)
    powers = np.exp(-exponents[:, :, None] * times)
    residual = values[:, None, :] - ceiling[:, :, None] + gap[:, :, None] * powers
    return (residual**2).sum(2)
