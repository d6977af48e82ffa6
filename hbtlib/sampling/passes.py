"""One source's batches: which ids stand together, so that each is visited once a pass. Where every id exists in the same
languages, a pass is a shuffle cut into batches. Where ids differ, they are grouped by what exists of them (a class of ids),
so that batches of one language are made of ids that have one in common.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.sampling.strategies import Kind

if TYPE_CHECKING:
    from hbtlib.sampling.plan import BatchPlan

Ints = NDArray[np.integer]
Bits = NDArray[np.unsignedinteger]
Bools = NDArray[np.bool_]
_PIECE = 1 << 20  # ids looked at at a time, so that nothing as long as the source is made beside it


class Source(Protocol):
    """What the sampler needs of training pairs: `hbtlib.Pairs` has it."""

    name: str
    languages: tuple[str, ...]

    @property
    def query_mask(self) -> Bits: ...  # one bit a language: does the id's query exist in it
    @property
    def passage_mask(self) -> Bits: ...  # the same for the id's passage
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


def fits(kind: Kind | None, query: Bools, passage: Bools) -> Bools:
    """Can ids that exist in these languages, (n, L) each, serve the kind. (n,)"""
    same = (query & passage).sum(1)
    if kind is None:
        return np.zeros(len(query), bool)
    return same > 0 if kind.same else query.sum(1) * passage.sum(1) > same


class Passes:
    """Pass after pass through a source's usable ids, each pass planned as a whole when first asked for."""

    def __init__(self, pairs: Source, number: int, plan: "BatchPlan") -> None:
        self.pairs, self.number, self.plan, self.strategy = pairs, number, plan, plan.strategy
        # The bit of each of the plan's languages in the source's masks; 0, where the source does not have it. (L,)
        self._bits = np.array(
            [
                1 << pairs.languages.index(code) if code in pairs.languages else 0
                for code in plan.languages
            ],
            pairs.query_mask.dtype,
        )
        self._group()
        size = plan.batch_size
        if self.usable < size:
            raise ValueError(
                f"a batch of {size} needs {size} ids, but {pairs.name!r} has {self.usable} of "
                f"{len(pairs)} that can serve this strategy in {' '.join(plan.languages)}: make the batch "
                "smaller, or add pairs or languages"
            )
        # Is any slice of a shuffle a batch: ids all alike, or every batch of any ids.
        kinds = [k for k in self.strategy[:2] if k]
        any_ids = not any(k.homogeneous for k in kinds) and (len(kinds) == 1 or plan.mix == "pair")
        self._plain = len(self.sizes) == 1 or any_ids
        # Where ids differ, a pass has as many batches as the share of its kinds asks for at most; a schedule's shares
        # are rounded, so that all there can be are counted here.
        shares = plan.alpha.levels if plan.alpha.constant else np.linspace(0, 1, 33)
        self._recipes = [] if self._plain else [_Recipe(self, float(share)) for share in shares]
        self.length = (
            -(-self.usable // size) if self._plain else max(r.batches for r in self._recipes)
        )
        self._pass: tuple[int, Ints, Ints, Bools] | None = (
            None  # number, and what _plan_pass says of it
        )

    def _group(self) -> None:
        """Groups the usable ids by what exists of them. Of the K classes: languages of query and passage (K, L), which kinds
        they serve, sizes (K,), and `ids`, class after class; None if all are of one class: forty million cost nothing.
        """
        masks, n = (self.pairs.query_mask, self.pairs.passage_mask), len(self.pairs)
        wanted = np.bitwise_or.reduce(self._bits)
        starts = range(0, 1 if all(mask.strides[0] == 0 for mask in masks) else max(n, 1), _PIECE)

        def classes(start: int) -> pd.DataFrame:
            return pd.DataFrame(
                {side: mask[start : start + _PIECE] & wanted for side, mask in enumerate(masks)}
            )

        counts = (
            pd.concat([classes(start).value_counts(sort=False) for start in starts])
            .groupby(level=[0, 1])
            .sum()
        )
        query, passage = (
            (counts.index.get_level_values(side).to_numpy(self._bits.dtype)[:, None] & self._bits)
            > 0
            for side in (0, 1)
        )
        first, second = (fits(kind, query, passage) for kind in self.strategy[:2])
        order = np.lexsort(
            np.hstack([passage, query]).T
        )  # whatever the order of the source's languages
        order = order[(first | second)[order]]
        self.query, self.passage, self.first, self.second = (
            a[order] for a in (query, passage, first, second)
        )
        self.sizes = counts.to_numpy()[order] if len(counts) > 1 else np.full(len(order), n)
        self.usable, self.ids = int(self.sizes.sum()), None
        if len(counts) > 1:
            self.ids, ends = np.empty(self.usable, np.uint32), np.cumsum(self.sizes) - self.sizes
            for start in starts:  # a counting sort, a piece at a time
                label = pd.Series(
                    counts.index[order].get_indexer(pd.MultiIndex.from_frame(classes(start)))
                )
                label = label[label >= 0]
                self.ids[ends[label] + label.groupby(label).cumcount()] = start + label.index
                ends += np.bincount(label, minlength=len(ends))

    def batch(self, turn: int, t: int) -> Batch:
        """The source's batch number `turn`, which is the training's batch t."""
        number, index = divmod(turn, self.length)
        if self._pass is None or self._pass[0] != number:
            self._pass = number, *self._plan_pass(number)
        _, order, bounds, is_first = self._pass
        ids = order[bounds[index] : bounds[index + 1]].astype(np.int64)
        query, passage = (
            (mask[ids][:, None] & self._bits) > 0
            for mask in (self.pairs.query_mask, self.pairs.passage_mask)
        )  # (B, L)
        rng, alpha = self.plan.draws(t), float(self.plan.alpha(np.int64(t)))
        first, second, _ = self.strategy
        kind = first if is_first[index] or second is None else second
        same: Bools | bool = kind.same  # (B, 1)
        if self.plan.mix == "pair" and second is not None:
            kind = Kind("hybrid", False, False)
            wanted = rng.random(len(ids)) < alpha
            of_first = (
                fits(first, query, passage) & wanted | ~fits(second, query, passage) & ~wanted
            )
            same = np.array([second.same, first.same])[of_first.astype(int), None]
        if kind.homogeneous:  # one draw for the batch, from what all its ids have
            query, passage = (
                np.logical_and.reduce(there, keepdims=True) for there in (query, passage)
            )
        names = np.array(self.plan.languages)
        asked, answered = (
            names[drawn.repeat(len(ids) // len(drawn))]
            for drawn in self._draw(query, passage, same, rng)
        )
        return Batch(ids, asked, answered, self.number, kind.name, alpha)

    def _draw(
        self, query: Bools, passage: Bools, same: Bools | bool, rng: np.random.Generator
    ) -> tuple[Ints, Ints]:
        """A language each for query and passage, as indices of the plan's, from those that exist. (B, L) → (B,)"""

        def one(
            possible: Bools,
        ) -> Ints:  # the smallest of exponential times with rates w is w's with w / Σw
            times = rng.standard_exponential(possible.shape, np.float32) / self.plan.weights
            return np.where(possible, times, np.inf).argmin(1)

        if same is True:
            return (one(query & passage),) * 2
        # A query language serves a pair of two languages if the passage has one besides.
        first = one(query & np.where(same, passage, passage.sum(1, keepdims=True) > passage))
        passage[np.arange(len(first)), first] = False
        return first, np.where(np.ravel(same), first, one(passage))

    def _plan_pass(self, number: int) -> tuple[Ints, Ints, Bools]:
        """The pass: ids in batch order, the bounds of the batches, and which are of the first kind."""
        rng = generator(self.plan.seed, 3, self.number, number)
        size, length = self.plan.batch_size, self.length
        alphas = self.plan.alpha(
            self.plan.times(self.number, range(number * length, (number + 1) * length))
        )
        if self.strategy.second is None or self.plan.mix == "pair":
            alphas = np.ones(length)
        with np.errstate(divide="ignore"):
            odds = np.clip(np.log(alphas) - np.log1p(-alphas), -1e3, 1e3) + rng.logistic(
                size=length
            )
        if self._plain:
            order = np.arange(self.usable, dtype=np.uint32) if self.ids is None else self.ids.copy()
            rng.shuffle(order)
            # Ids all alike may be such that one kind alone will do.
            is_first = (odds > 0) & self.first.any() | ~self.second.any()
            return order, np.minimum(np.arange(length + 1) * size, self.usable), is_first
        parts, kinds = min(self._recipes, key=lambda r: abs(r.share - alphas.mean())).follow(rng)
        while len(parts) < length:  # another share needs more: halve the largest
            largest = max(range(len(parts)), key=lambda i: len(parts[i]))
            parts[largest], rest = np.split(parts[largest], [len(parts[largest]) // 2])
            parts.append(rest)
            kinds.append(kinds[largest])
        is_first = np.argsort(np.argsort(-odds, kind="stable")) < sum(
            kinds
        )  # the places of the highest odds
        place = np.empty(length, np.int64)
        for value in (True, False):
            place[is_first == value] = rng.permutation(np.flatnonzero(np.array(kinds) == value))
        parts = [parts[i] for i in place]
        return np.concatenate(parts), np.cumsum([0, *map(len, parts)]), is_first


class _Recipe:
    """How many ids of each class stand in each batch of a pass, for one share of the first kind; the same every pass. What
    is drawn anew each pass is which ids of a class they are, and which batch comes when.
    """

    def __init__(self, source: Passes, share: float) -> None:
        self.source, self.share, self.size = source, share, source.plan.batch_size
        first, second, sizes = source.first, source.second, source.sizes
        free, forced = np.where(first & second, sizes, 0), np.where(first & ~second, sizes, 0)
        wanted = np.clip(round(source.usable * share) - forced.sum(), 0, free.sum())
        exact = np.cumsum(free) * (wanted / max(free.sum(), 1))
        taken = forced + np.diff(np.floor(exact + 1e-9).astype(np.int64), prepend=0)
        self.left = (
            taken,
            sizes - taken,
        )  # ids of each class, for batches of the first kind and the second (K,)
        self.pieces = [
            self._cut(kind, left.copy()) if kind and kind.homogeneous else None
            for kind, left in zip(source.strategy[:2], self.left, strict=True)
        ]
        self.batches = sum(
            -(-int(left.sum()) // self.size) if pieces is None else len(pieces)
            for pieces, left in zip(self.pieces, self.left, strict=True)
        )

    def _cut(self, kind: Kind, left: Ints) -> list[list[tuple[int, int]]]:
        """Batches of one language each, as (class, how many of it): the least flexible ids first, what fits beside them."""
        query, passage = self.source.query, self.source.passage
        # A cell is a language for all queries and one for all passages; a row a class, a column a cell: does it serve.
        a, b = np.nonzero((query.T @ passage) & (np.eye(query.shape[1], dtype=bool) == kind.same))
        serves = query[:, a] & passage[:, b]
        flexible = np.argsort(serves.sum(1), kind="stable").tolist()
        # Whole batches of one class: any language it has will do.
        pieces = [[(c, self.size)] for c in flexible for _ in range(left[c] // self.size)]
        left %= self.size
        for c in flexible:
            while left[c]:  # nothing is left of those before it
                cell = np.argmax(np.where(serves[c], left @ serves, -1))
                counts = np.diff(
                    np.minimum(np.cumsum(left[flexible] * serves[flexible, cell]), self.size),
                    prepend=0,
                )
                left[flexible] -= counts
                pieces.append(
                    [
                        (other, count)
                        for other, count in zip(flexible, counts.tolist(), strict=True)
                        if count
                    ]
                )
        return pieces

    def follow(self, rng: np.random.Generator) -> tuple[list[Ints], list[bool]]:
        """The batches of one pass, and which are of the first kind."""
        assert self.source.ids is not None
        ids, bounds = self.source.ids.copy(), np.cumsum([0, *self.source.sizes])
        for start, end in pairwise(bounds):
            rng.shuffle(ids[start:end])

        def take(c: int, count: int) -> Ints:
            bounds[c] += count
            return ids[bounds[c] - count : bounds[c]]

        found: list[list[Ints]] = []
        for pieces, left in zip(self.pieces, self.left, strict=True):
            if pieces is None:
                mixed = np.concatenate([take(c, count) for c, count in enumerate(left)])
                rng.shuffle(mixed)
                found.append([mixed[i : i + self.size] for i in range(0, len(mixed), self.size)])
            else:
                found.append(
                    [np.concatenate([take(c, count) for c, count in piece]) for piece in pieces]
                )
        return found[0] + found[1], [True] * len(found[0]) + [False] * len(found[1])
