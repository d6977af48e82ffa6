"""What goes into a plan and what comes out of it: a source of pairs, and a batch."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hbtlib.sampling.arrays import Bits


class Source(Protocol):
    """What a plan needs to know of training pairs; `hbtlib.Pairs` provides it.

    Attributes:
        name: what the source is called in messages and in weights of sources.
        languages: the codes of its languages; the position of a code is its bit in the two masks.
    """

    name: str
    languages: tuple[str, ...]

    @property
    def query_mask(self) -> Bits:
        """(n,) one bit a language: set if the id's query exists in it."""

    @property
    def passage_mask(self) -> Bits:
        """(n,) one bit a language: set if the id's passage exists in it."""

    def __len__(self) -> int:
        """The number of ids, n."""


@dataclass(frozen=True)
class Batch:
    """One batch: the i-th pair is the id `ids[i]` in the two languages at position i.

    Attributes:
        ids: (B,) row numbers in the source; no id occurs twice.
        query_languages: (B,) the language code of each query.
        passage_languages: (B,) the language code of each passage.
        source: the number of the source in the plan's `pairs`.
        kind: the name of the batch's kind, such as `x-x-mono`; `hybrid` if kinds mix within it.
        alpha: the mixing probability that held for this batch.
    """

    ids: NDArray[np.int64]
    query_languages: NDArray[np.str_]
    passage_languages: NDArray[np.str_]
    source: int
    kind: str
    alpha: float

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(self.ids)
