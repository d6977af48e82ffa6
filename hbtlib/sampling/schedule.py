"""The mixing probability α and how it may change during training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import check_integer, check_number, short

# α is a number, or a schedule over training: {"linear": [start, end]}, or {"step": [[from, α], …]}
# with `from` the share of the training's steps (0 to 1) from which on α holds.
Alpha = float | Mapping[str, Sequence]


class Schedule:
    """α as a function of the batch number.

    Args:
        alpha: a probability, or a schedule. `{"linear": [start, end]}` goes in a straight line from
            `start` at batch 0 to `end` at batch `steps`, which is the first after the training.
            `{"step": [[0, a], [0.5, b], …]}` holds `a` from the beginning of the training and `b`
            from its half on.
        steps: how many batches the training has. A schedule needs it, a constant α does not. Later
            batches keep the last value.

    Attributes:
        constant: whether α is the same for every batch.
        levels: (n,) float, the values that α takes or moves between.

    Raises:
        ValueError: if alpha is neither a probability nor such a schedule, or if steps is needed.

    Example:
        >>> import numpy as np
        >>> from hbtlib.sampling.schedule import Schedule
        >>> alpha = Schedule({"linear": [1, 0]}, steps=100)
        >>> alpha(np.array([0, 25, 100, 900])).tolist()
        [1.0, 0.75, 0.0, 0.0]
        >>> alpha = Schedule({"step": [[0, 0.2], [0.5, 0.8]]}, steps=100)
        >>> alpha(np.array([0, 49, 50])).tolist()
        [0.2, 0.2, 0.8]
    """

    def __init__(self, alpha: Alpha, steps: int | None) -> None:
        self.steps = None if steps is None else check_integer("steps", steps, minimum=1)
        self.constant = not isinstance(alpha, Mapping)
        try:
            self._linear, self._shares, self.levels = _read(alpha)
        except (TypeError, ValueError):
            raise ValueError(
                f"alpha is {short(alpha)}; it is a probability, from 0 (x-y alone) to 1 (x-x-mono "
                'alone), or a schedule: a schedule is {"linear": [start, end]} or {"step": '
                "[[0, α], [share of the steps, α], …]}, whose shares must rise from 0 to 1 at most"
            ) from None
        if not self.constant and self.steps is None:
            raise ValueError(
                "alpha follows a schedule, but steps is None: give steps, the number of batches "
                "in the training"
            )

    def __call__(self, t: NDArray[np.integer] | np.integer) -> NDArray[np.float64]:
        """α of batch t, or of each batch of an array."""
        share = np.minimum(t / float(self.steps or 1), 1)  # how much of the training lies before t
        if self._linear:
            return np.interp(share, self._shares, self.levels)
        return self.levels[np.searchsorted(self._shares, share, side="right") - 1]


def _read(alpha: Alpha) -> tuple[bool, NDArray[np.float64], NDArray[np.float64]]:
    """Reads what the user gave.

    Args:
        alpha: a number or a schedule.

    Returns:
        Whether α is interpolated, the shares of the training at which its levels hold, (n,), and
        these levels, (n,).

    Raises:
        TypeError: if alpha does not have the form of a number or a schedule.
        ValueError: if it has, but its values are impossible.
    """
    points: Any  # pairs of a share and a level
    if isinstance(alpha, Mapping):
        ((form, given),) = alpha.items()
        points = zip((0, 1), given, strict=True) if form == "linear" else given
    else:
        form, points = "step", [(0, alpha)]
    numbers = [
        (check_number("a share", share), check_number("a level", level)) for share, level in points
    ]
    shares, levels = np.array(numbers).T
    shares_rise = shares[0] == 0 and shares[-1] <= 1 and bool((np.diff(shares) > 0).all())
    are_probabilities = bool(((levels >= 0) & (levels <= 1)).all())  # False for NaN, too
    if form not in ("linear", "step") or not shares_rise or not are_probabilities:
        raise ValueError
    return form == "linear", shares, levels
