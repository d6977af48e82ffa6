"""Takes language out of vectors before they are ranked, without training.

What is removed is estimated from the benchmark's texts alone, without judgements.
"""

from numbers import Integral
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark

Removal = Literal["mean"] | int | None
"""What to remove for each language: its "mean", its first r components (a number), or nothing."""

Floats = NDArray[np.floating]

_NOTHING_LEFT = 1e-5  # of a vector's length: what rounding leaves of a vector that is all language
_LARGE = 2.0**40  # squares of numbers between 1 / this and this are far from float32's limits


def without_language(
    query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, remove: Removal
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Removes from vectors what marks their language, and scales them to unit length again.

    Each language and role is treated apart, because queries and passages differ in more than
    language.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries.
        passage_vectors: (N, d), rows in the order of its passages.
        benchmark: says which language each row is in.
        remove: "mean" subtracts the mean of the language's vectors from each of them (Libovický et
            al. 2020, arXiv 2004.05160). A number r removes the projection on the first r right
            singular vectors of the language's (uncentred) matrix, its language-identity components
            (LIR; Yang et al. 2021, arXiv 2109.04727, section 3).

    Returns:
        The query and the passage vectors, float32 of unit length. A vector of which nothing is left
        (the only text of its language is its own mean) is zero.

    Raises:
        ValueError: if `remove` is something else, or an r that leaves nothing.

    Example:
        >>> import hbtlib as hbt, numpy as np, pandas as pd
        >>> texts = pd.DataFrame({"language": ["de", "de"], "text": ["ja", "nein"]})
        >>> benchmark = hbt.Benchmark(
        ...     "tiny",
        ...     texts.assign(query_id=["q1", "q2"]),
        ...     texts.assign(passage_id=["p1", "p2"]),
        ...     pd.DataFrame({"query_id": ["q1"], "passage_id": ["p1"]}),
        ... )
        >>> vectors = np.array([[3, 1], [3, -1]], np.float32)  # 3 marks German
        >>> without_language(vectors, vectors, benchmark, "mean")[0].tolist()
        [[0.0, 1.0], [0.0, -1.0]]
    """
    _check_removal(remove, passage_vectors.shape[1])
    return (
        _without_language(query_vectors, benchmark.queries, remove),
        _without_language(passage_vectors, benchmark.passages, remove),
    )


def _without_language(vectors: Floats, table: pd.DataFrame, remove: Removal) -> NDArray[np.float32]:
    """Treats the vectors of one role, whose rows the table's `language` describes."""
    vectors = _of_common_size(np.asarray(vectors))
    rest = np.array(vectors, np.float32)
    for rows in table.groupby("language").indices.values():
        if remove == "mean":
            rest[rows] -= rest[rows].mean(0)
        else:
            right_singular_vectors = np.linalg.svd(rest[rows], full_matrices=False)[2]
            components = right_singular_vectors[:remove]  # (r, d)
            rest[rows] -= (rest[rows] @ components.T) @ components
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    lengths_before = np.linalg.norm(vectors, axis=1, keepdims=True)
    something_left = lengths > _NOTHING_LEFT * lengths_before
    unit = rest / np.where(something_left, lengths, 1.0)
    return np.where(something_left, unit, np.float32(0))


def _of_common_size(vectors: Floats) -> Floats:
    """The vectors, divided by a power of two if their squares might leave single precision.

    Their lengths are lost in any case, and dividing by a power of two rounds nothing.
    """
    largest = float(np.abs(vectors).max(initial=0))
    if largest == 0 or 1 / _LARGE <= largest <= _LARGE:
        return vectors
    return np.ldexp(vectors.astype(np.float64), -int(np.frexp(largest)[1]))


def _check_removal(remove: Removal, width: int) -> None:
    """Raises ValueError if this cannot be removed from vectors of this width."""
    if isinstance(remove, str) and remove == "mean":
        return
    is_number = isinstance(remove, Integral) and not isinstance(remove, bool)
    if not is_number or not 1 <= remove < width:  # type: ignore[operator]
        raise ValueError(
            f"remove is {short(remove)}; it is 'mean', or the number of language-identity "
            f"components to remove, 1 to {width - 1} (the vectors' width is {width})"
        )
