"""The batch strategies: which languages meet in a pair, and which in a batch.

A strategy is data. It has one or two kinds of pairs; a kind says whether query and passage share their language, and
whether all pairs of a batch share theirs:

==============  =====================  ===================
                same language          different languages
==============  =====================  ===================
one a batch     x-x-mono (and en-en)   x-y-mono
mixed           x-x                    x-y
==============  =====================  ===================

`hybrid` is x-x-mono with probability α and x-y with 1 − α (arXiv 2408.10536, section 3); x-x-mono, x-x, x-y and en-en
are LAReQA's (arXiv 2004.05484, section 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Kind(NamedTuple):
    """One cell of the design: are the languages of a pair the same, and are those of a batch."""

    name: str
    same: bool
    homogeneous: bool


class Strategy(NamedTuple):
    """A batch is of the `first` kind with probability α, else of the `second`; without a second, always of the first."""

    first: Kind
    second: Kind | None = None
    languages: tuple[str, ...] | None = None  # None: every language of the pairs


X_X_MONO, X_X = Kind("x-x-mono", True, True), Kind("x-x", True, False)
X_Y_MONO, X_Y = Kind("x-y-mono", False, True), Kind("x-y", False, False)
STRATEGIES: dict[str, Strategy] = {
    "x-x-mono": Strategy(X_X_MONO),
    "x-x": Strategy(X_X),
    "x-y": Strategy(X_Y),
    "x-y-mono": Strategy(X_Y_MONO),
    "en-en": Strategy(X_X_MONO, languages=("en",)),
    "hybrid": Strategy(X_X_MONO, X_Y),
}

Alpha = float | Mapping[str, Sequence]
"""α: a number, or a schedule over training: {"linear": [start, end]}, or {"step": [[from, α], …]} with `from` the
share of the training's steps (0 to 1) from which α holds."""


class Schedule:
    """α at a point of the training, checked."""

    def __init__(self, alpha: Alpha, steps: int | None) -> None:
        self.steps, self.linear, self.constant = steps, False, not isinstance(alpha, Mapping)
        try:
            self.at, self.values = self._points(alpha)
        except (TypeError, ValueError, IndexError):
            raise ValueError(f"alpha is {alpha!r}; it is a probability, from 0 (x-y alone) to 1 (x-x-mono alone), or a "
                             'schedule: a schedule is {"linear": [start, end]} or {"step": [[0, α], [share of the steps, '
                             "α], …]}") from None
        if not self.constant:
            if steps is None or steps < 1:
                raise ValueError(f"alpha follows a schedule, and steps is {steps}: give steps, the number of steps of the "
                                 "training")
            if self.at[0] != 0 or not (np.diff(self.at) > 0).all() or not self.at[-1] <= 1:
                raise ValueError(f"alpha's steps begin at {self.at.tolist()}; they must rise from 0 to 1 at most")
        if not ((self.values >= 0) & (self.values <= 1)).all():
            raise ValueError(f"alpha is {alpha!r}; it is a probability, from 0 (x-y alone) to 1 (x-x-mono alone)")

    def _points(self, alpha: Alpha) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where in the training (0 to 1) which value stands. Raises what numpy and tuples do for another shape."""
        if not isinstance(alpha, Mapping):
            return np.array([0.0]), np.array([float(alpha)])
        ((form, points),) = alpha.items()
        if form == "linear":
            start, end = points
            self.linear = True
            return np.array([0.0, 1.0]), np.array([float(start), float(end)])
        at, values = zip(*[(float(share), float(value)) for share, value in points], strict=True)
        if form != "step":
            raise ValueError(form)
        return np.array(at), np.array(values)

    def __call__(self, t: NDArray[np.integer] | np.integer) -> NDArray[np.float64]:
        if len(self.values) == 1:
            return np.full(np.shape(t), self.values[0])
        share = np.minimum(np.asarray(t) / float(self.steps or 1), 1.0)
        if self.linear:
            return np.interp(share, self.at, self.values)
        return self.values[np.searchsorted(self.at, share, side="right") - 1]
