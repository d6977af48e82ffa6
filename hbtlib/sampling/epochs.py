"""Epochs: which source gives each batch of an epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import check_number, short
from hbtlib.sampling.arrays import Ints
from hbtlib.sampling.settings import check_weight
from hbtlib.sampling.streams import EPOCH_ORDER, stream

Sharing = str | float | Mapping[str, float]


def share_epoch(sharing: Sharing, names: Sequence[str], lengths: Sequence[int]) -> list[int]:
    """Divides the batches of an epoch among the sources.

    Args:
        sharing: `"size"` for as many batches as each source needs to visit its ids once, a power of
            this number (0: all sources alike), or a weight for each source by name.
        names: the name of each source.
        lengths: the number of batches in which each source visits its ids once.

    Returns:
        The number of batches of each source, at least one. They sum to Σ lengths.

    Raises:
        ValueError: if sharing is none of these.
    """
    if isinstance(sharing, str) and sharing == "size":
        return list(lengths)
    weights = _source_weights(sharing, names, lengths)
    # Each source gets one batch. The rest are shared in proportion to the weights, and those that
    # rounding down leaves over go to the sources with the largest remainders.
    rest = sum(lengths) - len(lengths)
    exact = weights / weights.sum() * rest
    shares = np.floor(exact).astype(int)
    largest_remainders = np.argsort(shares - exact, kind="stable")
    shares[largest_remainders[: rest - shares.sum()]] += 1
    return [int(share) + 1 for share in shares]


def _source_weights(
    sharing: Sharing, names: Sequence[str], lengths: Sequence[int]
) -> NDArray[np.float64]:
    """The weight of each source, (n,), or ValueError."""
    if isinstance(sharing, Mapping):
        if set(sharing) != set(names):
            raise ValueError(
                f"source weights {short(dict(sharing))} must name each of {list(names)} once, with "
                "a weight above 0"
            )
        weights = {
            name: check_weight(f"the weight of source {name!r}", weight, "the source")
            for name, weight in sharing.items()
        }
        return np.array([weights[name] for name in names], float)
    try:
        with np.errstate(over="ignore", under="ignore"):
            powers = np.array(lengths, float) ** check_number("sources", sharing)
    except ValueError:
        powers = np.array([np.nan])
    if not (np.isfinite(powers.sum()) and (powers > 0).all()):
        raise ValueError(
            f"sources is {short(sharing)}; it is 'size', a power of the size, or a weight for each "
            "source by name"
        )
    return powers


@dataclass(frozen=True)
class _Epoch:
    """One epoch: for each of its batches, the source and the source's turn."""

    number: int
    sources: Ints  # (T,)
    turns: Ints  # (T,)


class EpochOrder:
    """The order of an epoch: the batches of all sources, shuffled.

    A source's batches are numbered through the whole training; the number of a batch among them is
    called its turn.

    Args:
        seed: the plan's seed.
        shares: the number of batches an epoch of each source.
    """

    def __init__(self, seed: int, shares: Sequence[int]) -> None:
        self._seed = seed
        self._shares = list(shares)
        self._length = sum(shares)
        self._latest: _Epoch | None = None

    def __len__(self) -> int:
        """The number of batches an epoch, T."""
        return self._length

    def find(self, t: int) -> tuple[int, int]:
        """The source that gives batch t of the training, and which turn of this source it is."""
        number, index = divmod(t, self._length)
        epoch = self._epoch(number)
        return int(epoch.sources[index]), int(epoch.turns[index])

    def turns_before(self, t: int) -> Ints:
        """How many of the first t batches of the training each source gives."""
        number, index = divmod(t, self._length)
        begun = self._epoch(number).sources[:index]
        return number * np.array(self._shares) + np.bincount(begun, minlength=len(self._shares))

    def batch_numbers(self, source: int, turns: range) -> Ints:
        """The batch number t of each of some consecutive turns of a source."""
        share = self._shares[source]
        epochs = range(turns[0] // share, turns[-1] // share + 1)
        numbers = [
            number * self._length + np.flatnonzero(self._epoch(number).sources == source)
            for number in epochs
        ]
        skipped = turns[0] - epochs[0] * share
        return np.concatenate(numbers)[skipped : skipped + len(turns)]

    def _epoch(self, number: int) -> _Epoch:
        """An epoch's order; the latest one is kept, for its batches are asked for one by one."""
        if self._latest is None or self._latest.number != number:
            sources = np.repeat(np.arange(len(self._shares), dtype=np.int16), self._shares)
            stream(self._seed, EPOCH_ORDER, number).shuffle(sources)
            turns = np.empty(self._length, np.int64)
            for source, share in enumerate(self._shares):
                turns[sources == source] = number * share + np.arange(share)
            self._latest = _Epoch(number, sources, turns)
        return self._latest
