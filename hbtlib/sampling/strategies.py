"""The batch strategies: which languages meet in a pair, and which in a batch.

A strategy is data. It has one or two kinds of pairs; a kind says whether query and passage share their language, and
whether all pairs of a batch share theirs:

                same language          different languages
one a batch     x-x-mono (and en-en)   x-y-mono
mixed           x-x                    x-y

`hybrid` is x-x-mono with probability α and x-y with 1 − α (arXiv 2408.10536, section 3); x-x-mono, x-x, x-y and en-en
are LAReQA's (arXiv 2004.05484, section 4.2).
"""

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

# α: a number, or a schedule over training: {"linear": [start, end]}, or {"step": [[from, α], …]} with `from` the
# share of the training's steps (0 to 1) from which α holds.
Alpha = float | Mapping[str, Sequence]


class Schedule:
    """α at a point of the training, checked: `levels` hold from the shares `at` of the training's steps, or lead to them."""

    def __init__(self, alpha: Alpha, steps: int | None) -> None:
        self.steps, self.constant = steps, not isinstance(alpha, Mapping)
        try:
            ((form, given),) = (
                alpha.items() if isinstance(alpha, Mapping) else [("step", [(0, alpha)])]
            )
            self.linear = form == "linear"
            points = zip((0, 1), given, strict=True) if self.linear else given
            self.at, self.levels = np.array(
                [(float(share), float(level)) for share, level in points]
            ).T
            if not (
                form in ("linear", "step")
                and self.at[0] == 0
                and self.at[-1] <= 1
                and (np.diff(self.at) > 0).all()
                and ((self.levels >= 0) & (self.levels <= 1)).all()
            ):
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(
                f"alpha is {alpha!r}; it is a probability, from 0 (x-y alone) to 1 (x-x-mono alone), or a "
                'schedule: a schedule is {"linear": [start, end]} or {"step": [[0, α], [share of the steps, '
                "α], …]}, whose shares must rise from 0 to 1 at most"
            ) from None
        if not self.constant and (steps is None or steps < 1):
            raise ValueError(
                f"alpha follows a schedule, and steps is {steps}: give steps, how many the training has"
            )

    def __call__(self, t: NDArray[np.integer] | np.integer) -> NDArray[np.float64]:
        share = np.minimum(t / float(self.steps or 1), 1)
        if self.linear:
            return np.interp(share, self.at, self.levels)
        return self.levels[np.searchsorted(self.at, share, side="right") - 1]
