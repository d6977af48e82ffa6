"""BatchPlan: every batch of a training run, before it runs. The strategies themselves are in strategies.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hbtlib.passes import Batch, Bits, Ints, Passes, Source, generator
from hbtlib.strategies import STRATEGIES, Alpha, Kind, Schedule, Strategy

__all__ = ["STRATEGIES", "Alpha", "Batch", "BatchPlan", "Kind", "Source", "Strategy"]


class BatchPlan:
    """Every batch of a training run, before it runs: `plan[t]` is batch t, a pure function of (seed, epoch, t).

    pairs: one source, or several. sources: how several share the batches: "size" (in proportion), a power of the size
    (0: evenly), or a weight a source by name. strategy: a name of `STRATEGIES` or a `Strategy`. alpha: see
    `strategies.Alpha`; a schedule needs `steps`, the length of the training. mix: "batch" draws the kind of a whole
    batch, "pair" of every pair by itself (its batches mix languages). language_weights: how often a language is drawn,
    1 where not given.

    An epoch has `len(plan)` batches and visits each usable id once (with several sources: when they share by size;
    otherwise each source goes through its ids once before it repeats one). The last batch of an epoch is short. No id
    stands twice in a batch. Where ids do not exist in every language, each keeps to the kinds and languages it has:
    a batch of one language draws it from those that all its ids share, and the share of the kinds comes as near to α
    as the ids allow; `usable` counts the ids that can serve at all. Languages are drawn uniformly: the query's first,
    then (for different languages) the passage's among the others.

    Raises ValueError for a request that cannot be met, saying why and what to do.
    """

    def __init__(self, pairs: Source | Sequence[Source], strategy: str | Strategy = "hybrid", alpha: Alpha = 0.5,
                 batch_size: int = 100, seed: int = 0, *, languages: Sequence[str] | None = None,
                 language_weights: Mapping[str, float] | None = None, mix: str = "batch",
                 sources: str | float | Mapping[str, float] = "size", steps: int | None = None) -> None:
        if isinstance(strategy, str):
            if strategy not in STRATEGIES:
                raise ValueError(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
            strategy = STRATEGIES[strategy]
        if mix not in ("batch", "pair"):
            raise ValueError(f"mix is {mix!r}; it is 'batch' or 'pair'")
        if batch_size < 1 or int(batch_size) != batch_size:
            raise ValueError(f"batch_size is {batch_size!r}; it is a whole number from 1 up")
        if mix == "pair" and strategy.second is not None:
            strategy = strategy._replace(first=strategy.first._replace(homogeneous=False),
                                         second=strategy.second._replace(homogeneous=False))
        self.strategy, self.batch_size, self.seed, self.mix = strategy, int(batch_size), seed, mix
        self.alpha = Schedule(alpha, steps)
        self.pairs: list[Source] = list(pairs) if isinstance(pairs, Sequence) else [pairs]
        if not self.pairs:
            raise ValueError("no pairs to draw from: give one source at least")
        self.languages = self._languages(languages)
        self.weights = _weights(language_weights, self.languages)
        self._bits = (1 << np.arange(len(self.languages), dtype=np.uint64)).astype(
            np.min_scalar_type((1 << len(self.languages)) - 1))
        self._sources = [Passes(p, i, self) for i, p in enumerate(self.pairs)]
        self.usable = sum(s.usable for s in self._sources)
        self._length = sum(s.length for s in self._sources)
        self._share = _shares(sources, self._sources)
        self._order: tuple[int, Ints, Ints] | None = None
        self._draws = _Draws(seed, len(self.pairs))

    def _languages(self, languages: Sequence[str] | None) -> tuple[str, ...]:
        have = sorted({code for p in self.pairs for code in p.languages})
        chosen = languages if languages is not None else self.strategy.languages or have
        if self.strategy.languages:  # en-en stays English, whatever is trained on beside it
            chosen = [code for code in chosen if code in self.strategy.languages] or self.strategy.languages
        for code in chosen:
            if code not in have:
                raise ValueError(f"no pairs in {code!r}: the sources have {' '.join(have)}. Leave it out, or add pairs "
                                 "that have it")
        chosen = tuple(dict.fromkeys(chosen))
        kinds = [k for k in (self.strategy.first, self.strategy.second) if k]
        different = [k.name for k in kinds if not k.same]
        if different and len(chosen) < 2:
            raise ValueError(f"{different[0]} pairs a query with a passage in another language, but there is one "
                             f"language alone ({' '.join(chosen)}): give two or more, or use x-x-mono")
        return chosen

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._length

    def __getitem__(self, t: int) -> Batch:
        """Batch t ≥ 0 of the training; t // len(plan) is its epoch."""
        if t < 0:
            raise IndexError(f"batch {t}: batches are numbered from 0 up")
        epoch, index = divmod(t, self._length)
        source, turn = self._at(epoch, index)
        return self._sources[source].batch(turn, t)

    def __iter__(self) -> Iterator[Batch]:
        """The first epoch's batches; without this, Python would go through plan[0], plan[1], … for ever."""
        return (self[t] for t in range(len(self)))

    def _epoch(self, epoch: int) -> tuple[Ints, Ints]:
        """For each batch of the epoch: the number of its source, and which of that source's batches it is."""
        if self._order is None or self._order[0] != epoch:
            labels = np.repeat(np.arange(len(self._share), dtype=np.int16), self._share)
            generator(self.seed, 1, epoch).shuffle(labels)
            turns = np.empty(self._length, np.int64)
            for s, share in enumerate(self._share):
                turns[labels == s] = epoch * share + np.arange(share)
            self._order = (epoch, labels, turns)
        return self._order[1], self._order[2]

    def _at(self, epoch: int, index: int) -> tuple[int, int]:
        if len(self._share) == 1:
            return 0, epoch * self._length + index
        labels, turns = self._epoch(epoch)
        return int(labels[index]), int(turns[index])

    def times(self, source: int, turns: Ints) -> Ints:
        """The batch number t of each of a source's batches."""
        if len(self._share) == 1:
            return turns
        share = self._share[source]
        found = np.empty(len(turns), np.int64)
        for epoch in np.unique(turns // share):
            labels, _ = self._epoch(int(epoch))
            mine = np.flatnonzero(turns // share == epoch)
            found[mine] = epoch * self._length + np.flatnonzero(labels == source)[turns[mine] % share]
        return found

    def draw(self, query: Bits, passage: Bits, same: NDArray[np.bool_] | bool, rng: np.random.Generator,
             ) -> tuple[Ints, Ints]:
        """A language each for query and passage, as indices of `languages`, from the masks of those possible. (B,)"""
        has_query, has_passage = (query[:, None] & self._bits) > 0, (passage[:, None] & self._bits) > 0  # (B, L)
        both = has_query & has_passage
        if same is True:
            first = self._one(both, rng)
            return first, first
        # A query language serves a pair of two languages if the passage has one besides.
        fit = has_query & (np.bitwise_count(passage)[:, None] > has_passage)
        first = self._one(fit if same is False else np.where(np.asarray(same)[:, None], both, fit), rng)
        has_passage[np.arange(len(first)), first] = False
        second = self._one(has_passage, rng)
        return first, second if same is False else np.where(same, first, second)

    def _one(self, possible: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
        """One of the possible columns for each row: the smallest of exponential times with rates w is it with w / Σw."""
        times = rng.standard_exponential(possible.shape, np.float32) / self.weights
        times[~possible] = np.inf
        return times.argmin(1)


def _weights(given: Mapping[str, float] | None, languages: tuple[str, ...]) -> NDArray[np.float64]:
    for code, weight in (given or {}).items():
        if code not in languages:
            raise ValueError(f"a weight is given for {code!r}, which is not drawn from; languages: {' '.join(languages)}")
        if not weight > 0:
            raise ValueError(f"the weight of {code!r} is {weight}; it must be above 0 (leave the language out instead)")
    return np.array([(given or {}).get(code, 1.0) for code in languages], float)


def _shares(sources: str | float | Mapping[str, float], passes: Sequence[Passes]) -> list[int]:
    """Batches an epoch of each source: they sum to those that visit every id once, one a source at least."""
    lengths = np.array([p.length for p in passes], float)
    if sources == "size":
        return [p.length for p in passes]
    if isinstance(sources, Mapping):
        names = [p.pairs.name for p in passes]
        if set(sources) != set(names) or not all(w > 0 for w in sources.values()):
            raise ValueError(f"source weights {dict(sources)} must name each of {names} once, with a weight above 0")
        weight = np.array([sources[name] for name in names], float)
    elif isinstance(sources, str):
        raise ValueError(f"sources is {sources!r}; it is 'size', a power of the size, or a weight a source by name")
    else:
        weight = lengths ** float(sources)
        if not np.isfinite(weight).all():
            raise ValueError(f"sources is {sources!r}; it is 'size', a power of the size, or a weight a source by name")
    total = int(lengths.sum()) - len(passes)
    exact = weight / weight.sum() * total
    share = np.floor(exact).astype(int)
    share[np.argsort(share - exact, kind="stable")[: total - share.sum()]] += 1
    return [int(s) + 1 for s in share]


class _Draws:
    """A random stream for each batch number, without a new seed sequence each time: Philox by key and counter."""

    def __init__(self, seed: int, sources: int) -> None:
        self._key = np.random.SeedSequence((seed, 2, sources)).generate_state(2, np.uint64)

    def __call__(self, t: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, t, 0, 0]))
