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


def resampled(parts: Sequence[NDArray[np.floating]], samples: int = 1000, seed: int = 0) -> Floats:
    """Draws the mean scores of arms and sizes anew: other questions, and other seeds.

    A sample draws questions with replacement, the same for all arms and sizes, and seeds with
    replacement, for each size its own and the same for all arms. So differences between arms are
    paired. Drawing from S seeds alone would make their spread too small by (S − 1) / S in variance,
    which is made good (Rao & Wu 1988). That the law might be another one is in no draw.

    Args:
        parts: for each benchmark (arms, sizes, seeds, questions) scores; benchmarks count alike.
        samples: how many samples are drawn.
        seed: of the draws.

    Returns:
        (samples, arms, sizes) mean scores.
    """
    rng = np.random.default_rng(seed)
    arms, sizes, seeds, _ = parts[0].shape
    total = np.zeros((samples, arms, sizes, seeds))
    for part in parts:
        questions = part.shape[-1]
        drawn = rng.multinomial(questions, np.full(questions, 1 / questions), samples)
        flat = part.reshape(-1, questions) @ drawn.T.astype(part.dtype) / questions
        total += flat.T.reshape(samples, arms, sizes, seeds)
    means = total / len(parts)
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), (samples, sizes)) / seeds
    centre = means.mean(-1)
    shift = np.einsum("naks,nks->nak", means, weights) - centre
    return centre + shift * np.sqrt(seeds / max(seeds - 1, 1))


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
