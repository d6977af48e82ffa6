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
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Bits = NDArray[np.unsignedinteger]


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


class Source(Protocol):
    """What the sampler needs of training pairs: `hbtlib.Pairs` has it."""

    name: str
    languages: tuple[str, ...]

    @property
    def query_mask(self) -> Bits:
        """One bit a language: does the id's query exist in it."""

    @property
    def passage_mask(self) -> Bits:
        """The same for the id's passage."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Batch:
    """One batch: the i-th pair is id `ids[i]` of pairs number `source`, in these two languages."""

    ids: NDArray[np.int64]
    query_languages: NDArray[np.str_]
    passage_languages: NDArray[np.str_]
    source: int
    kind: str
    alpha: float

    def __len__(self) -> int:
        return len(self.ids)


class BatchPlan:
    """Every batch of a training run, before it runs: `plan[t]` is batch t, a pure function of (seed, epoch, t).

    pairs: one source, or several. sources: how several share the batches: "size" (in proportion), a power of the size
    (0: evenly), or a weight a source by name. strategy: a name of `STRATEGIES` or a `Strategy`. alpha: see `Alpha`; a
    schedule needs `steps`, the length of the training. mix: "batch" draws the kind of a whole batch, "pair" of every
    pair by itself (its batches mix languages). language_weights: how often a language is drawn, 1 where not given.

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
        self.alpha = _Alpha(alpha, steps)
        self.pairs: list[Source] = list(pairs) if isinstance(pairs, Sequence) else [pairs]
        if not self.pairs:
            raise ValueError("no pairs to draw from: give one source at least")
        self.languages = self._languages(languages)
        self.weights = _weights(language_weights, self.languages)
        self._sources = [_Passes(p, i, self) for i, p in enumerate(self.pairs)]
        self.usable = sum(s.usable for s in self._sources)
        self._length = sum(s.length for s in self._sources)
        self._share = _shares(sources, self._sources)
        self._order: tuple[int, Ints, Ints] | None = None
        self._draws = _Draws(seed, len(self.pairs))

    def _languages(self, languages: Sequence[str] | None) -> tuple[str, ...]:
        have = sorted({code for p in self.pairs for code in p.languages})
        chosen = languages if languages is not None else self.strategy.languages or have
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

    def _epoch(self, epoch: int) -> tuple[Ints, Ints]:
        """For each batch of the epoch: the number of its source, and which of that source's batches it is."""
        if self._order is None or self._order[0] != epoch:
            labels = np.repeat(np.arange(len(self._share), dtype=np.int16), self._share)
            _rng(self.seed, 1, epoch).shuffle(labels)
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
        count = len(self.languages)
        bits = np.arange(count, dtype=query.dtype)
        has_query, has_passage = (query[:, None] >> bits) & 1 > 0, (passage[:, None] >> bits) & 1 > 0  # (B, L)
        # A query language serves a same-language pair if the passage has it, another if the passage has one besides.
        others = has_passage.sum(1, keepdims=True) - has_passage > 0
        one = np.asarray(same).reshape(-1, 1)
        fit = has_query & np.where(one, has_passage, others)
        # The smallest of exponential times with rates w is drawn with probability w / Σw.
        first = np.where(fit, rng.standard_exponential(fit.shape) / self.weights, np.inf).argmin(1)
        rest = has_passage & (bits != first[:, None])
        second = np.where(rest, rng.standard_exponential(fit.shape) / self.weights, np.inf).argmin(1)
        return first, np.where(one[:, 0], first, second)


class _Alpha:
    """α at a point of the training, checked."""

    def __init__(self, alpha: Alpha, steps: int | None) -> None:
        self.steps = steps
        if isinstance(alpha, Mapping):
            form, points = next(iter(alpha.items())) if len(alpha) == 1 else ("", [])
            if form == "linear" and len(points) == 2:
                self.at, self.values, self.linear = np.array([0.0, 1.0]), np.array(points, float), True
            elif form == "step" and points and points[0][0] == 0:
                self.at, self.values = np.array(points, float).T
                self.linear = False
            else:
                raise ValueError(f'alpha is {alpha!r}; a schedule is {{"linear": [start, end]}} or '
                                 '{"step": [[0, α], [share of the steps, α], …]}')
            if steps is None:
                raise ValueError("alpha follows a schedule: give steps, the number of steps of the training")
            if (np.diff(self.at) <= 0).any() or self.at[-1] > 1:
                raise ValueError(f"alpha's steps begin at {self.at.tolist()}; they must rise from 0 to 1 at most")
        else:
            self.at, self.values, self.linear = np.array([0.0]), np.array([alpha], float), False
        if not ((self.values >= 0) & (self.values <= 1)).all():
            raise ValueError(f"alpha is {alpha!r}; it is a probability, from 0 (x-y alone) to 1 (x-x-mono alone)")

    def __call__(self, t: Ints) -> NDArray[np.float64]:
        if len(self.values) == 1:
            return np.full(np.shape(t), self.values[0])
        share = np.minimum(np.asarray(t) / self.steps, 1.0)
        if self.linear:
            return np.interp(share, self.at, self.values)
        return self.values[np.searchsorted(self.at, share, side="right") - 1]


def _weights(given: Mapping[str, float] | None, languages: tuple[str, ...]) -> NDArray[np.float64]:
    for code, weight in (given or {}).items():
        if code not in languages:
            raise ValueError(f"a weight is given for {code!r}, which is not drawn from; languages: {' '.join(languages)}")
        if not weight > 0:
            raise ValueError(f"the weight of {code!r} is {weight}; it must be above 0 (leave the language out instead)")
    return np.array([(given or {}).get(code, 1.0) for code in languages], float)


def _shares(sources: str | float | Mapping[str, float], passes: Sequence[_Passes]) -> list[int]:
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
    total = int(lengths.sum()) - len(passes)
    exact = weight / weight.sum() * total
    share = np.floor(exact).astype(int)
    share[np.argsort(share - exact, kind="stable")[: total - share.sum()]] += 1
    return [int(s) + 1 for s in share]


def _rng(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


class _Draws:
    """A random stream for each batch number, without a new seed sequence each time: Philox by key and counter."""

    def __init__(self, seed: int, sources: int) -> None:
        self._key = np.random.SeedSequence((seed, 2, sources)).generate_state(2, np.uint64)

    def __call__(self, t: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, t, 0, 0]))


class _Passes:
    """One source's batches: pass after pass through its usable ids, each pass planned as a whole when first asked."""

    def __init__(self, pairs: Source, number: int, plan: BatchPlan) -> None:
        self.pairs, self.number, self.plan = pairs, number, plan
        self.strategy = plan.strategy
        self._language_names = np.array(plan.languages)
        self._classes(pairs)
        self._cells = [self._cell_masks(kind) if kind else np.zeros((0, 2), self._bits) for kind in self.strategy[:2]]
        size = plan.batch_size
        if self.usable < size:
            raise ValueError(f"a batch of {size} needs {size} ids, but {pairs.name!r} has {self.usable} of "
                             f"{len(pairs)} that can serve this strategy in {' '.join(plan.languages)}: make the batch "
                             "smaller, or add pairs or languages")
        # Every id once: short batches come last, one for each cell and kind that may leave a rest.
        rests = sum(len(c) if k and k.homogeneous else bool(k)
                    for c, k in zip(self._cells, self.strategy[:2], strict=True))
        self.length = -(-self.usable // size) if len(self._masks) == 1 else self.usable // size + rests
        self._pass: tuple[int, NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]] | None = None

    def _classes(self, pairs: Source) -> None:
        """Groups the ids by what exists of them: `_masks` (K, 2), and `_ids`, the usable ids class after class."""
        wanted = [pairs.languages.index(code) if code in pairs.languages else -1 for code in self.plan.languages]
        count = len(wanted)
        self._bits = np.min_scalar_type((1 << count) - 1)
        whole = wanted == list(range(len(pairs.languages)))

        def project(mask: Bits) -> Bits:
            if whole:
                return mask
            out = np.zeros(len(mask), self._bits)
            for new, old in enumerate(wanted):
                if old >= 0:
                    out |= ((mask >> mask.dtype.type(old)) & mask.dtype.type(1)).astype(self._bits) << self._bits.type(new)
            return out

        self._project = project
        n, step = len(pairs), 1 << 20
        constant = pairs.query_mask.strides[0] == 0 and pairs.passage_mask.strides[0] == 0
        both = np.concatenate([
            np.unique(np.stack([project(pairs.query_mask[i:i + step]), project(pairs.passage_mask[i:i + step])], 1), axis=0)
            for i in range(0, 1 if constant else n, step)
        ]) if n else np.zeros((0, 2), self._bits)
        masks = np.unique(both, axis=0)
        first, second = (self._fits(masks, kind) for kind in self.strategy[:2])
        fit = first | second
        self._masks, self._first, self._second = masks[fit], first[fit], second[fit]
        if len(masks) == 1:
            self._ids, self._sizes = None, np.array([n if fit[0] else 0])
            self.usable = int(self._sizes[0])
            return
        label = np.full(len(masks), -1, np.int64)
        label[fit] = np.arange(fit.sum())

        def labels(i: int) -> Ints:
            part = np.stack([project(pairs.query_mask[i:i + step]), project(pairs.passage_mask[i:i + step])], 1)
            keys = masks.astype(np.uint64) @ np.array([1 << 32, 1], np.uint64)
            return label[np.searchsorted(keys, part.astype(np.uint64) @ np.array([1 << 32, 1], np.uint64))]

        counts = np.zeros(len(self._masks), np.int64)
        for i in range(0, n, step):
            counts += np.bincount(labels(i)[labels(i) >= 0], minlength=len(counts))
        self._sizes, self.usable = counts, int(counts.sum())
        ids, ends = np.empty(self.usable, np.uint32), np.concatenate([[0], np.cumsum(counts)])[:-1]
        for i in range(0, n, step):  # a counting sort, a piece at a time
            found = labels(i)
            order = np.argsort(found, kind="stable")
            order = order[found[order] >= 0]
            for c in np.unique(found[order]):
                mine = order[found[order] == c]
                ids[ends[c]:ends[c] + len(mine)] = i + mine
                ends[c] += len(mine)
        self._ids = ids

    def _fits(self, masks: Bits, kind: Kind | None) -> NDArray[np.bool_]:
        """Can ids with these masks serve the kind."""
        if kind is None:
            return np.zeros(len(masks), bool)
        query, passage = masks[:, 0], masks[:, 1]
        if kind.same:
            return (query & passage) > 0
        alone = (query == passage) & (np.bitwise_count(query) == 1)
        return (query > 0) & (passage > 0) & ~alone

    def _cell_masks(self, kind: Kind) -> Bits:
        """The (query language, passage language) bits of every batch of one language each that the ids allow."""
        found = []
        for a in range(len(self.plan.languages)):
            for b in [a] if kind.same else [b for b in range(len(self.plan.languages)) if b != a]:
                if ((self._masks[:, 0] >> a) & (self._masks[:, 1] >> b) & 1).any():
                    found.append((1 << a, 1 << b))
        return np.array(found, self._bits).reshape(-1, 2)

    def batch(self, turn: int, t: int) -> Batch:
        """The source's batch number `turn`, which is the training's batch t."""
        number, index = divmod(turn, self.length)
        if self._pass is None or self._pass[0] != number:
            self._pass = (number, *self._plan_pass(number))
        _, order, bounds, is_first = self._pass
        rng = self.plan._draws(t)
        plan, size = self.plan, int(bounds[index + 1] - bounds[index])
        ids = order[bounds[index]:bounds[index + 1]].astype(np.int64)
        alpha = float(plan.alpha(np.int64(t)))
        query, passage = self._project(self.pairs.query_mask[ids]), self._project(self.pairs.passage_mask[ids])
        first, second = self.strategy.first, self.strategy.second
        if plan.mix == "pair" and second is not None:
            can_first, can_second = (self._fits(np.stack([query, passage], 1), k) for k in (first, second))
            chosen: NDArray[np.bool_] | bool = np.where(rng.random(size) < alpha, can_first, ~can_second)
            same: NDArray[np.bool_] | bool = np.where(chosen, first.same, second.same)
            kind = Kind("hybrid", False, False)
        else:
            kind = first if is_first[index] or second is None else second
            same = kind.same
        if kind.homogeneous:  # one draw for the batch, from what all its ids have
            query, passage = (np.bitwise_and.reduce(m, keepdims=True) for m in (query, passage))
        a, b = plan.draw(query, passage, same, rng)
        if kind.homogeneous:
            a, b = np.repeat(a, size), np.repeat(b, size)
        return Batch(ids, self._language_names[a], self._language_names[b], self.number, kind.name, alpha)

    def _plan_pass(self, number: int) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]]:
        """The pass: ids in batch order, the bounds of the batches, and which are of the first kind."""
        rng = _rng(self.plan.seed, 3, self.number, number)
        size, length = self.plan.batch_size, self.length
        times = self.plan.times(self.number, number * length + np.arange(length))
        alphas = self.plan.alpha(times) if self.strategy.second and self.plan.mix == "batch" else np.ones(length)
        with np.errstate(divide="ignore"):
            odds = np.clip(np.log(alphas) - np.log1p(-alphas), -1e3, 1e3)
        odds += rng.logistic(size=length)
        if len(self._masks) == 1:  # all ids alike: any slice of a shuffle will do
            order = np.arange(self.usable, dtype=np.uint32)
            rng.shuffle(order)
            return order, np.minimum(np.arange(length + 1) * size, self.usable), odds > 0
        parts, kinds = [], []
        for ids, kind in zip(self._divide(float((odds > 0).mean()), rng), self.strategy[:2], strict=True):
            pieces = self._cut(ids, kind, rng) if kind else []
            parts += pieces
            kinds += [kind is self.strategy.first] * len(pieces)
        while len(parts) < length:  # an epoch has a fixed number of batches: halve the largest
            largest = max(range(len(parts)), key=lambda i: len(parts[i]))
            half = len(parts[largest]) // 2
            parts[largest], rest = parts[largest][:half], parts[largest][half:]
            parts.append(rest)
            kinds.append(kinds[largest])
        is_first = np.zeros(length, bool)
        is_first[np.argsort(-odds, kind="stable")[: sum(kinds)]] = True
        place = np.empty(length, np.int64)
        for value in (True, False):
            place[is_first == value] = rng.permutation(np.flatnonzero(np.array(kinds) == value))
        bounds = np.concatenate([[0], np.cumsum([len(parts[i]) for i in place])])
        return np.concatenate([parts[i] for i in place]), bounds, is_first

    def _divide(self, share: float, rng: np.random.Generator) -> list[list[NDArray[np.uint32]]]:
        """The ids of the first and of the second kind, class by class, shuffled; the first have `share` if they can."""
        assert self._ids is not None
        free = np.where(self._first & self._second, self._sizes, 0)
        forced = int(self._sizes[self._first & ~self._second].sum())
        wanted = int(np.clip(round(self.usable * share) - forced, 0, free.sum()))
        taken = rng.multivariate_hypergeometric(free, wanted, method="marginals") if free.sum() else free
        taken = np.where(self._first & ~self._second, self._sizes, taken)
        first, second, start = [], [], 0
        for end, count in zip(np.cumsum(self._sizes), taken, strict=True):
            ids = self._ids[start:end].copy()
            rng.shuffle(ids)
            first.append(ids[:count])
            second.append(ids[count:])
            start = end
        return [first, second]

    def _cut(self, by_class: list[NDArray[np.uint32]], kind: Kind, rng: np.random.Generator,
             ) -> list[NDArray[np.uint32]]:
        """Batches of one kind: mixed ones from all ids, others from ids that have a language in common."""
        size = self.plan.batch_size
        if not kind.homogeneous:
            ids = np.concatenate(by_class)
            rng.shuffle(ids)
            return [ids[i:i + size] for i in range(0, len(ids), size)]
        parts, rests = [], []
        for ids in by_class:
            whole = len(ids) // size * size
            parts += [ids[i:i + size] for i in range(0, whole, size)]
            rests.append(ids[whole:])
        cells = self._cells[0 if kind is self.strategy.first else 1]
        serves = ((self._masks[:, None, 0] & cells[:, 0]) > 0) & ((self._masks[:, None, 1] & cells[:, 1]) > 0)  # (K, C)
        left = np.array([len(r) for r in rests])
        while left.sum():
            reach = left @ serves  # how many of the rest each cell could take
            full = np.flatnonzero(reach >= size)
            cell = rng.choice(full) if full.size else rng.permutation(np.flatnonzero(reach == reach.max()))[0]
            piece, room = [], size
            for c in rng.permutation(np.flatnonzero(serves[:, cell] & (left > 0))):
                count = min(room, left[c])
                piece.append(rests[c][len(rests[c]) - left[c]:][:count])
                left[c] -= count
                room -= count
            parts.append(np.concatenate(piece))
        return parts
