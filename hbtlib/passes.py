"""One source's batches: which ids stand together, so that each is visited once a pass.

Where every id exists in the same languages, a pass is a shuffle cut into batches. Where ids differ, they are grouped
by what exists of them, so that batches of one language are made of ids that have one in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
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
        size = plan.batch_size
        if self.usable < size:
            raise ValueError(f"a batch of {size} needs {size} ids, but {pairs.name!r} has {self.usable} of "
                             f"{len(pairs)} that can serve this strategy in {' '.join(plan.languages)}: make the batch "
                             "smaller, or add pairs or languages")
        kinds = [k for k in self.strategy[:2] if k]
        # Is any slice of a shuffle a batch: ids all alike, or every batch of any ids.
        self._plain = len(self._masks) == 1 or (
            not any(k.homogeneous for k in kinds) and (len(kinds) == 1 or plan.mix == "pair"))
        # Where ids differ, a pass has as many batches as the share of its kinds asks for at most; a schedule's shares
        # are rounded, so that all there can be are counted here.
        shares = plan.alpha.values if plan.alpha.constant else np.linspace(0, 1, 33)
        self._recipes = [] if self._plain else [_Recipe(self, float(share)) for share in shares]
        self.length = -(-self.usable // size) if self._plain else max(r.batches for r in self._recipes)
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
        values = [np.unique(masks[:, 0]), np.unique(masks[:, 1])]

        def keys(query: Bits, passage: Bits) -> Ints:  # rising with the rows of masks
            return np.searchsorted(values[0], query) * len(values[1]) + np.searchsorted(values[1], passage)

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
            part = keys(project(pairs.query_mask[i:i + step]), project(pairs.passage_mask[i:i + step]))
            return label[np.searchsorted(keys(masks[:, 0], masks[:, 1]), part)]

        counts = np.zeros(len(self._masks), np.int64)
        for i in range(0, n, step):
            found = labels(i)
            counts += np.bincount(found[found >= 0], minlength=len(counts))
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

    def cells(self, kind: Kind) -> Bits:
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
        alphas = self.plan.alpha(self.plan.times(self.number, number * length + np.arange(length)))
        if self.strategy.second is None or self.plan.mix == "pair":
            alphas = np.ones(length)
        with np.errstate(divide="ignore"):
            odds = np.clip(np.log(alphas) - np.log1p(-alphas), -1e3, 1e3)
        odds += rng.logistic(size=length)
        if self._plain:
            order = np.arange(self.usable, dtype=np.uint32) if self._ids is None else self._ids.copy()
            rng.shuffle(order)
            # Ids all alike may be such that one kind alone will do.
            first = (odds > 0) & self._first.any() | ~self._second.any()
            return order, np.minimum(np.arange(length + 1) * size, self.usable), first
        share = float(alphas.mean())
        parts, kinds = min(self._recipes, key=lambda r: abs(r.share - share)).follow(rng)
        while len(parts) < length:  # another share needs more: halve the largest
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


class _Recipe:
    """How many ids of each class stand in each batch of a pass, for one share of the first kind; the same every pass.

    What is drawn anew each pass is which ids of a class they are, and which batch comes when.
    """

    def __init__(self, source: Passes, share: float) -> None:
        self.source, self.share = source, share
        first, second, sizes = source._first, source._second, source._sizes
        free, forced = np.where(first & second, sizes, 0), np.where(first & ~second, sizes, 0)
        wanted = np.clip(round(source.usable * share) - forced.sum(), 0, free.sum())
        exact = np.cumsum(free) * (wanted / max(free.sum(), 1))
        self.taken = forced + np.diff(np.floor(exact + 1e-9).astype(np.int64), prepend=0)
        size = source.plan.batch_size
        self.pieces: list[list[list[tuple[int, int]]] | None] = []
        self.batches = 0
        for kind, left in zip(source.strategy[:2], (self.taken, sizes - self.taken), strict=True):
            pieces = self._cut(kind, left.copy()) if kind and kind.homogeneous else None
            self.pieces.append(pieces)
            self.batches += len(pieces) if pieces is not None else -(-int(left.sum()) // size)

    def _cut(self, kind: Kind, left: Ints) -> list[list[tuple[int, int]]]:
        """Batches of one language each, as (class, how many of it): the least flexible ids first, what fits beside them."""
        size, masks = self.source.plan.batch_size, self.source._masks
        cells = self.source.cells(kind)
        serves = ((masks[:, None, 0] & cells[:, 0]) > 0) & ((masks[:, None, 1] & cells[:, 1]) > 0)  # (classes, cells)
        flexible = np.argsort(serves.sum(1), kind="stable")
        pieces: list[list[tuple[int, int]]] = []
        for c in flexible:  # whole batches of one class: any language it has will do
            pieces += [[(int(c), size)]] * int(left[c] // size)
        left %= size
        for c in flexible:
            while left[c]:
                cell = int(np.argmax(np.where(serves[c], left @ serves, -1)))
                piece, room = [], size
                for other in [c, *flexible]:
                    count = int(min(room, left[other])) if serves[other, cell] else 0
                    if count:
                        piece.append((int(other), count))
                        left[other] -= count
                        room -= count
                pieces.append(piece)
        return pieces

    def follow(self, rng: np.random.Generator) -> tuple[list[NDArray[np.uint32]], list[bool]]:
        """The batches of one pass, and which are of the first kind."""
        source, size = self.source, self.source.plan.batch_size
        assert source._ids is not None
        ids = source._ids.copy()
        starts = np.concatenate([[0], np.cumsum(source._sizes)])
        for start, end in pairwise(starts):
            rng.shuffle(ids[start:end])
        next_, ends = starts[:-1].copy(), starts[:-1] + self.taken
        parts, kinds = [], []
        for pieces, is_first in zip(self.pieces, (True, False), strict=True):
            if pieces is None:
                mixed = np.concatenate([ids[a:b] for a, b in zip(next_, ends, strict=True)])
                rng.shuffle(mixed)
                found = [mixed[i:i + size] for i in range(0, len(mixed), size)]
            else:
                found = []
                for piece in pieces:
                    found.append(np.concatenate([ids[next_[c]:next_[c] + count] for c, count in piece]))
                    for c, count in piece:
                        next_[c] += count
            parts += found
            kinds += [is_first] * len(found)
            next_, ends = starts[:-1] + self.taken, starts[1:]
        return parts, kinds
