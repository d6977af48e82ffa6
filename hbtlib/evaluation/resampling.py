"""What chance alone would do: flipping the signs of differences, and drawing samples again.

**The sign-flip test.** If two runs are equally good, the sign of each unit's difference is a coin
toss. The test tosses the coins many times, and counts how often the sum of the differences is as
far from 0 as it was found. The p value is (b + 1) / (m + 1) for b of m tosses, so that it is never
0.

**The two-level bootstrap.** An interval for the mean difference should say how it varies over other
questions and, where there are several seeds, over other trainings. So a sample draws seeds with
replacement, then units with replacement (all seeds of a sample share its units, since all seeds
answer the same questions), and takes their mean difference. The 2.5th and 97.5th percentiles of
many such means are the interval.

**Widening for few draws.** Such an interval is too narrow for few seeds or units: the variance of n
values drawn from n comes out too small by the factor (n − 1) / n, and percentiles follow a normal
distribution where Student's t with n − 1 degrees of freedom is wider. Before drawing, deviations
are therefore stretched: those of the seeds' means from the grand mean by the factor for their
number, and those of the units from their seed's mean by the factor for theirs. With three seeds the
factor is 2.7, with ten units 1.2, with a thousand 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy  # its submodules are imported when first used
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AT_ONCE = 1000  # permutations or bootstrap samples held in memory together


def sign_flip(differences: Floats, permutations: int = 10_000, seed: int = 0) -> Floats:
    """The two-sided p of a paired sign-flip test: are the differences symmetric about 0?

    Args:
        differences: (n,) one a unit, or (n, tests) for several tests with the same sign patterns.
        permutations: how many random sign patterns are drawn.
        seed: of the random patterns.

    Returns:
        p = (b + 1) / (m + 1), where b of m patterns give a sum at least as far from 0; () or
        (tests,).

    Raises:
        ValueError: if a difference is not finite.

    Example:
        Of the 2⁴ sign patterns of four differences, two give a sum as far from 0: p is near 1/8.

        >>> p = sign_flip(np.array([0.1, 0.2, 0.3, 0.4]))
        >>> print(f"{p:.2f}")
        0.13
    """
    if not np.isfinite(differences).all():
        raise ValueError("a difference is not finite: the test is of numbers alone")
    rng = np.random.default_rng(seed)
    total = differences.sum(0)
    found = np.abs(total)
    # A sum in another order differs in its last digits, so what is as far but for these counts.
    as_far = found * (1 - 1e-9) - 1e-12
    beyond = np.zeros(found.shape)
    for count in _portions(permutations):
        is_positive = _random_bits(rng, count, len(differences)).astype(np.float64)
        sums = 2 * (is_positive @ differences) - total  # what is positive, minus the rest
        beyond += (np.abs(sums) >= as_far).sum(0)
    return (beyond + 1) / (permutations + 1)


def bootstrap_interval(sums: Floats, sizes: Floats, samples: int, seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean difference over seeds and units.

    Args:
        sums: (seeds, units) the sum of the differences of each unit's questions.
        sizes: (units,) how many questions each unit has.
        samples: how many samples are drawn.
        seed: of the random draws.

    Returns:
        The 2.5th and the 97.5th percentile of `bootstrap_means`; NaN for one unit, which shows no
        spread.
    """
    if len(sizes) < 2:
        return np.nan, np.nan
    low, high = np.percentile(bootstrap_means(sums, sizes, samples, seed), [2.5, 97.5])
    return low, high


def bootstrap_means(sums: Floats, sizes: Floats, samples: int, seed: int) -> Floats:
    """The mean differences of samples drawn with replacement: of seeds, then of units.

    Args:
        sums: (seeds, units) the sum of the differences of each unit's questions.
        sizes: (units,) how many questions each unit has.
        samples: how many samples are drawn.
        seed: of the random draws.

    Returns:
        (samples,) each sample's mean difference over questions.
    """
    rng = np.random.default_rng([seed, 1])
    n_seeds, n_units = sums.shape
    stretched = _stretch(sums, sizes)
    means = []
    for count in _portions(samples):
        # How often each seed is drawn, as a weight: (count, seeds).
        seed_weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), count) / n_seeds
        drawn_units = rng.integers(0, n_units, (count, n_units))
        sums_over_seeds = seed_weights @ stretched  # (count, units)
        drawn_sums = np.take_along_axis(sums_over_seeds, drawn_units, axis=1).sum(1)
        means.append(drawn_sums / sizes[drawn_units].sum(1))
    return np.concatenate(means)


def _stretch(sums: Floats, sizes: Floats) -> Floats:
    """Widens the deviations of seeds and of units, as the module's docstring explains.

    A unit's sum is taken apart into what its size makes of its seed's mean, and its own deviation:
    sums[s, u] = mean[s] · sizes[u] + deviation[s, u].
    """
    n_seeds, n_units = sums.shape
    seed_means = sums.sum(1, keepdims=True) / sizes.sum()  # (seeds, 1)
    grand_mean = seed_means.mean()
    unit_deviations = sums - seed_means * sizes
    wider_means = grand_mean + widening(n_seeds) * (seed_means - grand_mean)
    return wider_means * sizes + widening(n_units) * unit_deviations


def widening(count: int) -> float:
    """The factor by which deviations grow so that percentiles give Student's interval.

    Args:
        count: n, how many seeds or units there are.

    Returns:
        √(n / (n − 1)) · t / z, the 97.5 % quantiles of Student's t with n − 1 degrees of freedom
        and of the normal distribution; 1 for one.

    Example:
        >>> [round(widening(n), 2) for n in (1, 2, 3, 10, 1000)]
        [1.0, 9.17, 2.69, 1.22, 1.0]
    """
    if count < 2:
        return 1.0
    variance_lost = count / (count - 1)
    student = scipy.stats.t.ppf(0.975, count - 1)
    normal = scipy.stats.norm.ppf(0.975)
    return float(np.sqrt(variance_lost) * student / normal)


def _portions(total: int) -> Iterator[int]:
    """Numbers of draws to make at once, which add up to the total."""
    for start in range(0, total, _AT_ONCE):
        yield min(_AT_ONCE, total - start)


def _random_bits(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.uint8]:
    """Fair coin tosses, (rows, columns) of 0 and 1, eight from each random byte."""
    bytes_per_row = -(-columns // 8)
    drawn = np.frombuffer(rng.bytes(rows * bytes_per_row), np.uint8)
    return np.unpackbits(drawn.reshape(rows, -1), axis=1, count=columns)
