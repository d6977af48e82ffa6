"""BatchPlan: every batch of a training run, before it runs. The strategies themselves are in strategies.py."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hbtlib.sampling.passes import Batch, Ints, Passes, Source, generator
from hbtlib.sampling.strategies import STRATEGIES, Alpha, Kind, Schedule, Strategy

__all__ = ["STRATEGIES", "Alpha", "Batch", "BatchPlan", "Kind", "Source", "Strategy"]


class BatchPlan:
    """Every batch of a training run, before it runs: `plan[t]` is batch t, a pure function of (seed, epoch, t).

    pairs: one source, or several. sources: how several share the batches: "size" (in proportion), a power of the size (0:
    evenly), or a weight a source by name. strategy: a name of `STRATEGIES` or a `Strategy`. alpha: see `strategies.Alpha`; a
    schedule needs `steps`, the length of the training. mix: "batch" draws the kind of a whole batch, "pair" of every pair by
    itself (its batches mix languages). language_weights: how often a language is drawn, 1 where not given.

    An epoch has `len(plan)` batches and visits each usable id once (with several sources: when they share by size; otherwise
    each source goes through its ids once before it repeats one). The last batch of an epoch is short. No id stands twice in
    a batch. Where ids do not exist in every language, each keeps to the kinds and languages it has: a batch of one language
    draws it from those that all its ids share, and the share of the kinds comes as near to α as the ids allow; `usable`
    counts the ids that can serve at all. Languages are drawn uniformly: the query's first, then (for different languages)
    the passage's among the others. Raises ValueError for a request that cannot be met, saying why and what to do.
    """

    def __init__(
        self,
        pairs: Source | Sequence[Source],
        strategy: str | Strategy = "hybrid",
        alpha: Alpha = 0.5,
        batch_size: int = 100,
        seed: int = 0,
        *,
        languages: Sequence[str] | None = None,
        language_weights: Mapping[str, float] | None = None,
        mix: str = "batch",
        sources: str | float | Mapping[str, float] = "size",
        steps: int | None = None,
    ) -> None:
        if isinstance(strategy, str) and strategy not in STRATEGIES:
            raise ValueError(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
        if mix not in ("batch", "pair"):
            raise ValueError(f"mix is {mix!r}; it is 'batch' or 'pair'")
        if batch_size < 1 or int(batch_size) != batch_size:
            raise ValueError(f"batch_size is {batch_size!r}; it is a whole number from 1 up")
        first, second, _ = strategy = (
            STRATEGIES[strategy] if isinstance(strategy, str) else strategy
        )
        if mix == "pair" and second is not None:
            strategy = strategy._replace(
                first=first._replace(homogeneous=False), second=second._replace(homogeneous=False)
            )
        self.strategy, self.batch_size, self.seed, self.mix = strategy, int(batch_size), seed, mix
        self.alpha, self.pairs = (
            Schedule(alpha, steps),
            list(pairs) if isinstance(pairs, Sequence) else [pairs],
        )
        if not self.pairs:
            raise ValueError("no pairs to draw from: give one source at least")
        self.languages = self._languages(languages)
        self.weights = _weights(language_weights or {}, self.languages)
        self._passes = [Passes(p, i, self) for i, p in enumerate(self.pairs)]
        self.usable = sum(p.usable for p in self._passes)
        self._length = sum(p.length for p in self._passes)
        self._share = _shares(sources, self._passes)
        self._order: tuple[int, Ints, Ints] | None = (
            None  # an epoch's number, and what _epoch says of it
        )
        self._key = np.random.SeedSequence((seed, 2, len(self.pairs))).generate_state(2, np.uint64)

    def _languages(self, languages: Sequence[str] | None) -> tuple[str, ...]:
        have = sorted({code for p in self.pairs for code in p.languages})
        chosen = languages if languages is not None else self.strategy.languages or have
        if self.strategy.languages:  # en-en stays English, whatever is trained on beside it
            chosen = [
                code for code in chosen if code in self.strategy.languages
            ] or self.strategy.languages
        for code in (code for code in chosen if code not in have):
            raise ValueError(
                f"no pairs in {code!r}: the sources have {' '.join(have)}. Leave it out, or add such pairs"
            )
        chosen = tuple(dict.fromkeys(chosen))
        different = [k.name for k in self.strategy[:2] if k and not k.same]
        if different and len(chosen) < 2:
            raise ValueError(
                f"{different[0]} pairs a query with a passage in another language, but there is one "
                f"language alone ({' '.join(chosen)}): give two or more, or use x-x-mono"
            )
        return chosen

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._length

    def __getitem__(self, t: int) -> Batch:
        """Batch t ≥ 0 of the training; t // len(plan) is its epoch."""
        if t < 0:
            raise IndexError(f"batch {t}: batches are numbered from 0 up")
        epoch, index = divmod(t, self._length)
        sources, turns = self._epoch(epoch)
        return self._passes[sources[index]].batch(int(turns[index]), t)

    def __iter__(self) -> Iterator[Batch]:
        """The first epoch's batches; without this, Python would go through plan[0], plan[1], … for ever."""
        return (self[t] for t in range(len(self)))

    def _epoch(self, epoch: int) -> tuple[Ints, Ints]:
        """For each batch of the epoch: the number of its source, and which of that source's batches it is."""
        if self._order is None or self._order[0] != epoch:
            sources = np.repeat(np.arange(len(self._share), dtype=np.int16), self._share)
            generator(self.seed, 1, epoch).shuffle(sources)
            turns = np.empty(self._length, np.int64)
            for source, share in enumerate(self._share):
                turns[sources == source] = epoch * share + np.arange(share)
            self._order = epoch, sources, turns
        return self._order[1:]

    def times(self, source: int, turns: range) -> Ints:
        """The batch number t of each of a source's batches."""
        share = self._share[source]
        epochs = range(turns[0] // share, turns[-1] // share + 1)
        times = np.concatenate(
            [e * self._length + np.flatnonzero(self._epoch(e)[0] == source) for e in epochs]
        )
        return times[turns[0] - epochs[0] * share :][: len(turns)]

    def draws(self, t: int) -> np.random.Generator:
        """Batch t's random stream: Philox by key and counter, without a new seed sequence each time."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, t, 0, 0]))


def _weights(given: Mapping[str, float], languages: tuple[str, ...]) -> NDArray[np.float64]:
    for code, weight in given.items():
        if code not in languages:
            raise ValueError(
                f"a weight is given for {code!r}, which is not drawn from; languages: {' '.join(languages)}"
            )
        if not weight > 0:
            raise ValueError(
                f"the weight of {code!r} is {weight}; it must be above 0 (leave the language out instead)"
            )
    return np.array([given.get(code, 1) for code in languages], float)


def _shares(sources: str | float | Mapping[str, float], passes: Sequence[Passes]) -> list[int]:
    """Batches an epoch of each source: they sum to those that visit every id once, one a source at least."""
    lengths = [p.length for p in passes]
    if sources == "size":
        return lengths
    if isinstance(sources, Mapping):
        names = [p.pairs.name for p in passes]
        if set(sources) != set(names) or not all(w > 0 for w in sources.values()):
            raise ValueError(
                f"source weights {dict(sources)} must name each of {names} once, with a weight above 0"
            )
        weight = np.array([sources[name] for name in names], float)
    else:
        weight = np.array(lengths, float) ** (np.nan if isinstance(sources, str) else sources)
        if not np.isfinite(weight).all():
            raise ValueError(
                f"sources is {sources!r}; it is 'size', a power of the size, or a weight a source by name"
            )
    total = sum(lengths) - len(passes)
    exact = weight / weight.sum() * total
    share = np.floor(exact).astype(int)
    share[np.argsort(share - exact, kind="stable")[: total - share.sum()]] += 1
    return (share + 1).tolist()
