"""Packing: cutting a pass into batches where ids lack languages.

The problem
-----------
In a batch of a homogeneous kind (x-x-mono, x-y-mono) all queries share one language and all
passages share one. Such a pair of languages serves an id only if the id's texts exist in both. If
texts are missing, an arbitrary slice of a shuffle may have no language in common. So we look for as
few batches as possible such that every id is in exactly one, none holds more than `size` ids, and
in each some pair of languages serves all ids. Finding the fewest is a covering problem that is hard
in general. A greedy method comes close, because few ids lack the common languages.

The method
----------
Ids of one class (see classes.py) are interchangeable, so the method works with counts. The function
`pack` follows these steps:

1. For each class, list the pairs of languages that serve it. A class that few pairs serve is the
   least flexible one.
2. Cut whole batches of one class as long as a class has `size` ids: any of its pairs of languages
   serves all of them. Fewer than `size` ids of each class are left.
3. Take the least flexible class that still has ids. Among the pairs that serve it, choose the one
   that serves most of the ids that are left, of all classes together. Fill one batch with ids that
   this pair serves, those of the least flexible classes first.
4. Repeat step 3 until no id is left.

The language of a batch is not decided here. It is drawn later, among all those that its ids share.

What it guarantees
------------------
Step 3 always uses up the class that it starts from, so there are at most K batches (one a class)
besides the whole ones. If one pair of languages serves all ids (say, if everything exists in
English), the number of batches is the smallest possible: all are full but the last.

An example
----------
Batches of 4 of the kind x-x-mono, from three classes:

    class   texts exist in   ids   pairs that serve it
    A       en                 5   en-en
    B       de, en             3   de-de, en-en
    C       de, fr             3   de-de, fr-fr

A is the least flexible. Step 2 makes one whole batch of it: 4 A. What is left is 1 A, 3 B, 3 C.
Step 3 starts from A, which only en-en serves, and fills up with B: 1 A + 3 B. It starts again from
C, where de-de and fr-fr serve the same 3 ids: 3 C. These are three batches for eleven ids, the
fewest possible. Had de-de been chosen first, B and C would have shared batches, and A's last id
would have been alone in a fourth one.

Two kinds
---------
A strategy of two kinds first divides the ids between them (`split_between_kinds`): ids that can
serve one kind only go there, and the others are shared out so that the first kind gets its share α
of all ids, as far as this is possible. Each kind is then packed by itself. The result is a
`Recipe`: how many ids of each class are in each batch. It is the same for every pass. What is drawn
anew in each pass is which ids of a class these are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hbtlib.sampling.arrays import Bools, Ints
from hbtlib.sampling.classes import Classes
from hbtlib.sampling.strategies import Kind, Strategy

# What a batch is made of: (class, number of its ids), for each class that is in it.
Portions = list[tuple[int, int]]


@dataclass(frozen=True)
class Recipe:
    """How many ids of each class are in each batch of a pass.

    Attributes:
        share: the share of the ids that batches of the first kind should hold.
        batch_size: the largest size of a batch.
        counts: for each of the two kinds, (K,) the number of ids of each class in its batches.
        packed: for each of the two kinds, the portions of its batches; None if any ids of the kind
            can be in one batch, because its languages are mixed.
    """

    share: float
    batch_size: int
    counts: tuple[Ints, Ints]
    packed: tuple[list[Portions] | None, list[Portions] | None]

    @property
    def n_batches(self) -> int:
        """The number of batches of both kinds."""
        return self._n_batches_of(0) + self._n_batches_of(1)

    def _n_batches_of(self, number: int) -> int:
        """The number of batches of one of the two kinds."""
        packed = self.packed[number]
        if packed is not None:
            return len(packed)
        return -(-int(self.counts[number].sum()) // self.batch_size)  # rounded up

    def draw_batches(
        self, classes: Classes, rng: np.random.Generator
    ) -> tuple[list[Ints], list[Ints]]:
        """Draws the ids of one pass.

        Args:
            classes: the classes that the recipe was made for.
            rng: the stream of the pass.

        Returns:
            The batches of the first kind and those of the second, each an array of ids.
        """
        ids = _ShuffledIds(classes, rng)
        of_first = self._draw_kind(0, ids, rng)
        of_second = self._draw_kind(1, ids, rng)
        return of_first, of_second

    def _draw_kind(self, number: int, ids: "_ShuffledIds", rng: np.random.Generator) -> list[Ints]:
        """The batches of one of the two kinds."""
        packed = self.packed[number]
        if packed is not None:
            return [ids.take(portions) for portions in packed]
        # Batches of ids of any class: a shuffle of all of them, cut into pieces.
        mixed = ids.take(list(enumerate(self.counts[number].tolist())))
        rng.shuffle(mixed)
        starts = range(0, len(mixed), self.batch_size)
        return [mixed[start : start + self.batch_size] for start in starts]


class _ShuffledIds:
    """The ids of each class in random order, to be taken one after the other."""

    def __init__(self, classes: Classes, rng: np.random.Generator) -> None:
        self._ids = classes.copy_of_ids()
        bounds = [0, *np.cumsum(classes.sizes).tolist()]
        for start, end in pairwise(bounds):
            rng.shuffle(self._ids[start:end])
        self._next = bounds[:-1]  # where the next id of each class is

    def take(self, portions: Portions) -> Ints:
        """The next ids of some classes, as many as the portions say."""
        taken = []
        for number, count in portions:
            start = self._next[number]
            self._next[number] = start + count
            taken.append(self._ids[start : start + count])
        return np.concatenate(taken)


def make_recipe(
    classes: Classes,
    strategy: Strategy,
    batch_size: int,
    share: float,
    languages: Sequence[str] = (),
) -> Recipe:
    """Plans the batches of a pass.

    Args:
        classes: the ids, grouped by the languages they exist in.
        strategy: one or two kinds of batches.
        batch_size: the largest size of a batch.
        share: the share of the ids that batches of the first kind should hold, between 0 and 1.
        languages: the plan's L languages; a kind with a pivot needs them.

    Returns:
        The recipe that every pass with this share follows.
    """
    counts = split_between_kinds(classes, share)
    packed = (
        _pack_kind(strategy.first, counts[0], classes, batch_size, languages),
        _pack_kind(strategy.second, counts[1], classes, batch_size, languages),
    )
    return Recipe(share, batch_size, counts, packed)


def split_between_kinds(classes: Classes, share: float) -> tuple[Ints, Ints]:
    """Divides the ids of each class between the two kinds of a strategy.

    Args:
        classes: the ids, grouped by the languages they exist in.
        share: the share of all ids that the first kind should get.

    Returns:
        (K,) the number of ids of each class for the first kind, and (K,) for the second. The share
        is met as nearly as the ids that can serve one kind only allow. The others are taken from
        their classes in proportion to the classes' sizes.
    """
    first, second, sizes = classes.serves_first, classes.serves_second, classes.sizes
    only_first = np.where(first & ~second, sizes, 0)
    free = np.where(first & second, sizes, 0)
    wanted_of_free = np.clip(round(classes.usable * share) - only_first.sum(), 0, free.sum())
    # Rounding the running sum down, and not each term, makes the terms add up to what is wanted.
    # The small number keeps a sum that should be whole from falling below it.
    exact = np.cumsum(free) * (wanted_of_free / max(free.sum(), 1))
    of_free = np.diff(np.floor(exact + 1e-9).astype(np.int64), prepend=0)
    for_first = only_first + of_free
    return for_first, sizes - for_first


def _pack_kind(
    kind: Kind | None, counts: Ints, classes: Classes, size: int, languages: Sequence[str]
) -> list[Portions] | None:
    """The portions of a kind's batches; None if any ids of the kind can be in one batch."""
    if kind is None or not kind.homogeneous:
        return None
    return pack(
        counts,
        classes.has_query,
        classes.has_passage,
        same_language=kind.same,
        size=size,
        pivot=None if kind.pivot is None else languages.index(kind.pivot),
    )


def pack(
    counts: Ints,
    has_query: Bools,
    has_passage: Bools,
    *,
    same_language: bool,
    size: int,
    pivot: int | None = None,
) -> list[Portions]:
    """Cuts ids into batches that have a pair of languages in common.

    The module's docstring explains the method.

    Args:
        counts: (K,) the number of ids in each class.
        has_query: (K, L) bool, the languages that the queries of each class exist in.
        has_passage: (K, L) bool, the same for its passages.
        same_language: whether query and passage share their language.
        size: the largest size of a batch.
        pivot: the language that one side of every pair is in; None if any may be.

    Returns:
        For each batch its portions: (class, number of its ids).

    Example:
        The example of the module's docstring, with the languages de, en, fr:

        >>> import numpy as np
        >>> from hbtlib.sampling.packing import pack
        >>> exists = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1]], bool)
        >>> pack(np.array([5, 3, 3]), exists, exists, same_language=True, size=4)
        [[(0, 4)], [(0, 1), (1, 3)], [(2, 3)]]
    """
    serves = _language_pairs(has_query, has_passage, same_language, pivot)  # (K, P)
    least_flexible_first = np.argsort(serves.sum(axis=1), kind="stable").tolist()

    batches = [
        [(number, size)] for number in least_flexible_first for _ in range(counts[number] // size)
    ]
    left = counts % size
    for number in least_flexible_first:
        if left[number]:  # then one batch takes all of them
            portions = _fill_batch(number, left, serves, least_flexible_first, size)
            for other, count in portions:
                left[other] -= count
            batches.append(portions)
    return batches


def _language_pairs(
    has_query: Bools, has_passage: Bools, same_language: bool, pivot: int | None
) -> Bools:
    """Which pairs of a query's and a passage's language serve which classes.

    Args:
        has_query: (K, L) bool, the languages that the queries of each class exist in.
        has_passage: (K, L) bool, the same for its passages.
        same_language: whether the two languages of a pair must be the same, or must differ.
        pivot: the language that one of the two must be; None if any may be.

    Returns:
        (K, P) bool, a column for each pair of languages that serves any class.
    """
    is_same = np.eye(has_query.shape[1], dtype=bool)
    serves_any = has_query.T @ has_passage  # (L, L)
    allowed = is_same == same_language
    if pivot is not None:
        has_pivot = np.arange(len(is_same)) == pivot
        allowed &= has_pivot[:, None] | has_pivot
    query, passage = np.nonzero(serves_any & allowed)
    return has_query[:, query] & has_passage[:, passage]


def _fill_batch(
    number: int, left: Ints, serves: Bools, least_flexible_first: list[int], size: int
) -> Portions:
    """Step 3 of the method: one batch that holds ids of a given class.

    Args:
        number: the class to start from.
        left: (K,) how many ids of each class are left.
        serves: (K, P) bool, which pairs of languages serve which classes.
        least_flexible_first: the classes in the order in which they are put into the batch.
        size: the largest size of the batch.

    Returns:
        The batch's portions.
    """
    ids_served = np.where(serves[number], left @ serves, -1)  # (P,)
    pair = np.argmax(ids_served)
    order = np.array(least_flexible_first)
    available = np.where(serves[order, pair], left[order], 0)
    size_after = np.minimum(np.cumsum(available), size)  # the batch's size after each class
    counts = np.diff(size_after, prepend=0)
    chosen = np.flatnonzero(counts)
    return list(zip(order[chosen].tolist(), counts[chosen].tolist(), strict=True))
