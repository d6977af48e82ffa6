"""Holm's correction of p values for the number of tests."""

import numpy as np
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusts the p values of a family of tests, after Holm (1979).

    The probability of any false rejection in the family is kept, however the tests depend on each
    other.

    Args:
        p: (n,) the p values of the family.

    Returns:
        (n,) adjusted p values: the smallest is multiplied by n, the next by n − 1, and so on; none
        is below the one before it, or above 1.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    multiplied = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.maximum.accumulate(multiplied).clip(max=1.0)
    return adjusted[np.argsort(order)]
