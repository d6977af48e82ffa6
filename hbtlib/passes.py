"""One source's batches: which ids stand together, so that each is visited once a pass.

Where every id exists in the same languages, a pass is a shuffle cut into batches. Where ids differ, they are grouped
by what exists of them, so that batches of one language are made of ids that have one in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hbtlib.strategies import Kind

if TYPE_CHECKING:
    from hbtlib.sampler import BatchPlan

Ints = NDArray[np.integer]
Bits = NDArray[np.unsignedinteger]
_PIECE = 1 << 20  # ids looked at at a time, so that nothing as long as the source is made beside it


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


def generator(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


class Passes:
    """Pass after pass through a source's usable ids, each pass planned as a whole when first asked for."""

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
        n, step = len(pairs), _PIECE
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
        rng = generator(self.plan.seed, 3, self.number, number)
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
