"""Sources without texts: so many ids in some languages, to plan with before data are at hand."""

from dataclasses import dataclass

import numpy as np

from hbtlib.checks import check_integer
from hbtlib.sampling.arrays import Bits

_MOST_LANGUAGES = 64  # a mask has a bit for each


@dataclass
class Sized:
    """A source of ids that exist in every one of its languages.

    One number stands for the masks of all ids, so that 40 million of them take no memory.

    Attributes:
        name: what the source is called.
        size: the number of ids.
        languages: the codes of its languages.

    Raises:
        ValueError: for a size below 1, and for no language, or more than 64.

    Example:
        >>> import hbtlib as hbt
        >>> from hbtlib.sampling.sizes import Sized
        >>> sizes = [Sized("large", 40_000_000, ("de", "en")), Sized("small", 4_000, ("en",))]
        >>> plan = hbt.BatchPlan(sizes, batch_size=100)
        >>> plan.shares()[["source", "batches"]].values.tolist()
        [['large', 400000], ['small', 40]]
    """

    name: str
    size: int
    languages: tuple[str, ...] = ("en",)

    def __post_init__(self) -> None:
        check_integer(f"the size of {self.name!r}", self.size, minimum=1)
        if not 1 <= len(set(self.languages)) <= _MOST_LANGUAGES:
            raise ValueError(
                f"{self.name!r} has {len(set(self.languages))} languages; give 1 to "
                f"{_MOST_LANGUAGES}"
            )
        self.languages = tuple(sorted(set(self.languages)))

    def __len__(self) -> int:
        return self.size

    @property
    def query_mask(self) -> Bits:
        """(n,) all languages' bits for every id."""
        every = (1 << len(self.languages)) - 1
        return np.broadcast_to(np.asarray(every, np.min_scalar_type(every)), (self.size,))

    @property
    def passage_mask(self) -> Bits:
        """(n,) the same."""
        return self.query_mask
