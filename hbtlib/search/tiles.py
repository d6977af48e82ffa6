"""All scores of all queries and passages, in tiles small enough for the memory that is given.

A tile is one matrix product in single precision, on a GPU where there is one. Such a product
rounds, and how it rounds depends on the machine and on the tile's shape. Each tile therefore says
by how much its scores may be off (`slack`), and whoever reads it scores again, exactly, what that
leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hbtlib.checks import check_number
from hbtlib.search.matrix import Matrix, Rows, Vectors, take

MOST_ROWS = 512
MOST_COLUMNS = 8192
PAST_SINGLE_PRECISION = (
    "scores of these vectors are past single precision: give them at a smaller scale"
)


@dataclass(frozen=True)
class Tile:
    """The scores of q queries and n passages.

    Attributes:
        asked: which queries these are.
        queries: (q, d) their vectors.
        start: the place of the first passage in the order in which passages are read.
        rows: (n,) the passages' row numbers.
        passages: (n, d) their vectors.
        scores: (q, n) their scores, rounded as a single-precision product rounds.
        slack: (q,) how far from the exact score a score may lie.
    """

    asked: slice
    queries: Vectors
    start: int
    rows: Rows
    passages: Vectors
    scores: Vectors
    slack: Vectors


def tiles(
    queries: Vectors, passages: Matrix, memory: float, order: Rows | None = None
) -> Iterator[Tile]:
    """Yields every score once. Each passage is read once, and scored against all queries in turn.

    Args:
        queries: (Q, d) in memory.
        passages: (N, d), possibly on disk.
        memory: the GB that one tile and its passages' vectors may take.
        order: (N,) the rows in the order in which passages are read; None for their own.

    Raises:
        ValueError: if `memory` is not above 0, or a score may exceed single precision's range.
    """
    import torch

    n_passages, width = passages.shape
    n_rows, n_columns = tile_shape(width, memory)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    queries_on_device = torch.from_numpy(queries).to(device)
    query_lengths = np.sqrt(_squared_lengths(queries))
    for start in range(0, n_passages, n_columns):
        if order is None:
            rows = np.arange(start, min(start + n_columns, n_passages))
        else:
            rows = order[start : start + n_columns]
        vectors = np.ascontiguousarray(np.asarray(take(passages, rows)), np.float32)
        writable = vectors if vectors.flags.writeable else vectors.copy()  # torch warns otherwise
        vectors_on_device = torch.from_numpy(writable).to(device)
        slack = rounding_bound(query_lengths, vectors)
        for first in range(0, len(queries), n_rows):
            asked = slice(first, min(first + n_rows, len(queries)))
            scores = _product(queries_on_device[asked], vectors_on_device)
            yield Tile(asked, queries[asked], start, rows, vectors, scores, slack[asked])


def tile_shape(width: int, memory: float) -> tuple[int, int]:
    """How many queries and passages a tile has, so that it stays within `memory` GB.

    Tiles of `MOST_ROWS` × `MOST_COLUMNS` are large enough for a matrix product at full speed. With
    less memory the columns shrink first: each is given the room of four copies of its passage's
    vector (which is read, converted and moved to the device) and of two times `MOST_ROWS` scores.
    Where not even one such column fits, the rows shrink too.

    Args:
        width: the width d of the vectors.
        memory: GB.

    Returns:
        The numbers of rows (queries) and columns (passages), each at least 1.

    Raises:
        ValueError: if `memory` is not a number above 0.

    Example:
        >>> tile_shape(768, memory=1.0), tile_shape(768, memory=0.001)
        ((512, 8192), (512, 61))
    """
    floats = check_number("memory (GB)", memory, above=0) * 1e9 / 4
    vector_copies = 4 * width
    columns = int(min(max(floats // (vector_copies + 2 * MOST_ROWS), 1), MOST_COLUMNS))
    rows = int(min(max(floats / columns - vector_copies, 1), MOST_ROWS))
    return rows, columns


def rounding_bound(query_lengths: NDArray[np.float64], passages: Vectors) -> Vectors:
    """How far a single-precision score may lie from the exact one, for each query.

    A sum of d products of float32 numbers, taken in any order, is off by at most about d · 2⁻²⁴
    times the sum of the products' sizes (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 3.1), and that sum is at most |q| · |p| (Cauchy-Schwarz). Two more roundings
    are those of the exact score to float32 and of the bound itself. The second term covers products
    below the smallest normal number.

    Args:
        query_lengths: (Q,) the lengths of the queries' vectors.
        passages: (n, d) the passages' vectors.

    Returns:
        (Q,) float32.

    Raises:
        ValueError: if a score may exceed the range of single precision.
    """
    width = passages.shape[1]
    largest_score = query_lengths * np.sqrt(_squared_lengths(passages).max())
    if not (largest_score < np.finfo(np.float32).max).all():
        raise ValueError(PAST_SINGLE_PRECISION)
    slack = largest_score * (width + 2) * 2.0**-24 + width * 2.0**-149
    return slack.astype(np.float32)


def _squared_lengths(vectors: Vectors) -> NDArray[np.float64]:
    """(n, d) → (n,), summed in double precision."""
    squared: NDArray[np.float64] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return squared


def _product(queries: Any, passages: Any) -> Vectors:
    """The scores of two blocks of vectors, torch tensors (q, d) and (n, d), as an array (q, n)."""
    from hbtlib.encoders.linear import product

    with _full_precision():
        scores: Vectors = product(queries, passages).cpu().numpy()
    return scores


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products in full single precision; a training may have set a lower one."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
