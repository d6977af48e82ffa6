"""Classes of ids: ids whose texts exist in the same languages are interchangeable.

How batches can be made depends on a source's classes and their sizes only. There are few classes
(one, if every text exists), so that planning works on short arrays, and only the last step of a
plan handles millions of ids. Ids are looked at a piece at a time, so that nothing as long as the
source is made beside it: 40 million ids that all exist in every language cost nothing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.sampling.arrays import Bits, Bools, Ints
from hbtlib.sampling.batch import Source
from hbtlib.sampling.drawing import can_serve, unpack
from hbtlib.sampling.strategies import Kind

_PIECE = 1 << 20  # ids looked at at a time


@dataclass(frozen=True)
class Classes:
    """The ids of a source that can serve a strategy, in K classes.

    Attributes:
        has_query: (K, L) bool, the languages that the queries of each class exist in.
        has_passage: (K, L) bool, the same for its passages.
        serves_first: (K,) bool, whether its ids can be in batches of the strategy's first kind.
        serves_second: (K,) bool, the same for the second kind.
        sizes: (K,) the number of ids in each class.
        ids: (Σ sizes,) the ids, class after class; None if they are simply 0, 1, …, n − 1.
    """

    has_query: Bools
    has_passage: Bools
    serves_first: Bools
    serves_second: Bools
    sizes: Ints
    ids: NDArray[np.uint32] | None

    def __len__(self) -> int:
        """The number of classes, K."""
        return len(self.sizes)

    @property
    def usable(self) -> int:
        """The number of ids in all classes."""
        return int(self.sizes.sum())

    def copy_of_ids(self) -> NDArray[np.uint32]:
        """The ids, class after class, in an array that may be changed."""
        if self.ids is None:
            return np.arange(self.usable, dtype=np.uint32)
        return self.ids.copy()


def group_ids(
    source: Source, bits: Bits, first: Kind, second: Kind | None, languages: Sequence[str] = ()
) -> Classes:
    """Groups the ids of a source by the languages that their texts exist in.

    Args:
        source: the pairs.
        bits: (L,) the bit of each of the plan's languages in the source's masks.
        first: the strategy's first kind.
        second: its second kind, or None.
        languages: the plan's L languages; a kind with a pivot needs them.

    Returns:
        The classes whose ids can serve one of the two kinds. Their order depends on their languages
        alone, not on the order in which the source lists its languages.
    """
    counts = _count_classes(source, bits)
    has_query = unpack(counts.index.get_level_values(0).to_numpy(bits.dtype), bits)  # (K, L)
    has_passage = unpack(counts.index.get_level_values(1).to_numpy(bits.dtype), bits)  # (K, L)
    serves_first = can_serve(first, has_query, has_passage, languages)
    serves_second = can_serve(second, has_query, has_passage, languages)

    by_languages = np.lexsort(np.hstack([has_passage, has_query]).T)
    is_usable = serves_first | serves_second
    order = by_languages[is_usable[by_languages]]

    if len(counts) > 1:
        sizes = counts.to_numpy()[order]
        index = counts.index[order]
        assert isinstance(index, pd.MultiIndex)
        ids = _sort_by_class(source, bits, index, sizes)
    else:  # all ids are alike, and perhaps only a first piece of them was counted
        sizes = np.full(len(order), len(source))
        ids = None
    return Classes(
        has_query[order],
        has_passage[order],
        serves_first[order],
        serves_second[order],
        sizes,
        ids,
    )


def _starts_of_pieces(source: Source) -> Sequence[int]:
    """Where the pieces begin that have to be looked at: one alone, if all ids share their masks."""
    is_shared = all(mask.strides[0] == 0 for mask in (source.query_mask, source.passage_mask))
    return range(0, 1 if is_shared else max(len(source), 1), _PIECE)


def _masks_of_piece(source: Source, bits: Bits, start: int) -> pd.DataFrame:
    """The masks of the ids from `start` on, without the languages that the plan does not use."""
    wanted = np.bitwise_or.reduce(bits)
    piece = slice(start, start + _PIECE)
    return pd.DataFrame(
        {"query": source.query_mask[piece] & wanted, "passage": source.passage_mask[piece] & wanted}
    )


def _count_classes(source: Source, bits: Bits) -> pd.Series:
    """How many ids have each combination of query mask and passage mask, which are the index."""
    counts = [
        _masks_of_piece(source, bits, start).value_counts(sort=False)
        for start in _starts_of_pieces(source)
    ]
    return pd.concat(counts).groupby(level=[0, 1]).sum()


def _sort_by_class(
    source: Source, bits: Bits, classes: pd.MultiIndex, sizes: Ints
) -> NDArray[np.uint32]:
    """Sorts the ids by class: a counting sort that reads the source once, a piece at a time.

    Args:
        source: the pairs.
        bits: (L,) the bit of each of the plan's languages in the source's masks.
        classes: query mask and passage mask of each of the K classes; ids of others are left out.
        sizes: (K,) the number of ids in each class.

    Returns:
        (Σ sizes,) the ids, class after class, ascending within each.
    """
    ids = np.empty(sizes.sum(), np.uint32)
    next_place = np.cumsum(sizes) - sizes  # (K,) where the next id of each class goes
    for start in _starts_of_pieces(source):
        masks = _masks_of_piece(source, bits, start)
        class_of = pd.Series(classes.get_indexer(pd.MultiIndex.from_frame(masks)))
        class_of = class_of[class_of >= 0]
        seen_before = class_of.groupby(class_of).cumcount()  # of its class, in this piece
        ids[next_place[class_of] + seen_before] = start + class_of.index
        next_place += np.bincount(class_of, minlength=len(next_place))
    return ids
