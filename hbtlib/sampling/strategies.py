"""The batch strategies: which languages meet in a pair, and which in a batch.

A strategy is data. It has one or two kinds of pairs. A kind says whether query and passage share
their language, and whether all pairs of a batch share theirs:

                      same language          different languages
    one for a batch   x-x-mono (and en-en)   x-y-mono
    mixed             x-x                    x-y

`hybrid` is x-x-mono with probability α and x-y with probability 1 − α (arXiv 2408.10536,
section 3). x-x-mono, x-x, x-y and en-en are the strategies of LAReQA (arXiv 2004.05484,
section 4.2). `x-en` is x-y with English on one side of every pair, as most parallel data have it;
arXiv 2602.21543 compares such pairs with pairs among all languages.
"""

from typing import NamedTuple

from hbtlib.sampling.schedule import Alpha, Schedule

__all__ = [
    "HYBRID_ENDS",
    "STRATEGIES",
    "X_EN",
    "X_X",
    "X_X_MONO",
    "X_Y",
    "X_Y_MONO",
    "Alpha",
    "Kind",
    "Schedule",
    "Strategy",
]


class Kind(NamedTuple):
    """One cell of the table above.

    Attributes:
        name: what batches of this kind are called.
        same: whether query and passage of a pair share their language.
        homogeneous: whether all queries of a batch share their language, and all passages theirs.
        pivot: the language that one side of every pair is in, of a kind whose pairs have two; None
            if any two may meet. A fair coin says which side it is, where an id has the choice.
    """

    name: str
    same: bool
    homogeneous: bool
    pivot: str | None = None


class Strategy(NamedTuple):
    """Which kinds of batches a training sees.

    Attributes:
        first: the kind of a batch with probability α.
        second: the kind of a batch with probability 1 − α; None if all are of the first kind.
        languages: the languages that the strategy is confined to; None for those of the pairs.
    """

    first: Kind
    second: Kind | None = None
    languages: tuple[str, ...] | None = None


X_X_MONO = Kind("x-x-mono", same=True, homogeneous=True)
X_X = Kind("x-x", same=True, homogeneous=False)
X_Y_MONO = Kind("x-y-mono", same=False, homogeneous=True)
X_Y = Kind("x-y", same=False, homogeneous=False)
X_EN = Kind("x-en", same=False, homogeneous=False, pivot="en")

STRATEGIES: dict[str, Strategy] = {
    "x-x-mono": Strategy(X_X_MONO),
    "x-x": Strategy(X_X),
    "x-y": Strategy(X_Y),
    "x-y-mono": Strategy(X_Y_MONO),
    "x-en": Strategy(X_EN),
    "en-en": Strategy(X_X_MONO, languages=("en",)),
    "hybrid": Strategy(X_X_MONO, X_Y),
}

HYBRID_ENDS: dict[str, tuple[tuple[float, str], ...]] = {
    "x-y": ((0.0, "batch"), (0.0, "pair")),
    "x-x-mono": ((1.0, "batch"),),
    "x-x": ((1.0, "pair"),),
}
"""The strategies whose batches `hybrid` has at the ends of α: α, and the level it mixes at."""
