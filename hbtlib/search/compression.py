"""Vectors made smaller before they are ranked: fewer dimensions, or numbers of 8 bits or of one.

The numbers are those of sentence-transformers' `quantize_embeddings`, so that the ranks are those
of an index that holds such vectors and scores them by dot product, without scoring the best again
in full precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.checks import check_choice, check_integer
from hbtlib.search.matrix import Matrix, Vectors, float32

QUANTIZATIONS = ("int8", "binary")

_ROWS_AT_ONCE = 8192
_UNIT = 0.01  # how far from 1 the length of a vector of unit length may be: of 16 bits it is off
_EXACT = 2**24  # single precision holds every whole number up to here

Codes = NDArray[np.int8]


def check_compression(dimensions: int | None, quantize: str | None, width: int) -> None:
    """Raises ValueError for what vectors of this width cannot become."""
    if dimensions is not None:
        check_integer("dimensions", dimensions, minimum=1, maximum=width)
    if quantize is not None:
        check_choice("quantize", quantize, QUANTIZATIONS)


def first_dimensions(
    queries: Vectors, passages: Matrix, dimensions: int | None
) -> tuple[Vectors, Matrix]:
    """Keeps the first numbers of every vector, as Matryoshka models allow.

    Args:
        queries: (Q, d) the queries' vectors.
        passages: (N, d) the passages' vectors, possibly on disk.
        dimensions: how many numbers to keep; None for all.

    Returns:
        (Q, dimensions) and (N, dimensions). If all given vectors have unit length, so that their
        scores are cosines, these are scaled to unit length again. The passages are still read from
        where they are.
    """
    if dimensions is None or dimensions == queries.shape[1]:
        return queries, passages
    unit = _have_unit_length(queries) and _have_unit_length(passages)
    return _first(queries, dimensions, unit), _FirstDimensions(passages, dimensions, unit)


def quantized_scores(queries: Vectors, passages: Matrix, quantize: str) -> Any:
    """The scores of quantised vectors, for `scores.rank_scores`.

    Args:
        queries: (Q, d) the queries' vectors.
        passages: (N, d) the passages' vectors. What they become is held in memory, N · d bytes.
        quantize: "int8" or "binary", as in `codes`.

    Returns:
        A function from some queries and some passages to their scores, which are whole numbers.
    """
    ranges = _ranges(passages) if quantize == "int8" else None
    query_codes = codes(queries, ranges)
    passage_codes = np.concatenate([codes(part, ranges) for part in _parts(passages)])
    exact = queries.shape[1] * 128**2 <= _EXACT
    kind: Any = np.float32 if exact else np.float64

    def score_block(asked: pd.DataFrame, given: pd.DataFrame) -> Any:
        rows, columns = query_codes[asked.index], passage_codes[given.index]
        return rows.astype(kind) @ columns.astype(kind).T

    return score_block


def codes(vectors: Vectors, ranges: tuple[Vectors, Vectors] | None) -> Codes:
    """Quantises vectors.

    Args:
        vectors: (n, d) float32.
        ranges: of every dimension the smallest and the largest number, each (d,), between which
            there are 256 steps: int8. None: the sign alone, 1 above 0 and −1 elsewhere. The dot
            product of signs is d minus twice the Hamming distance.

    Returns:
        (n, d) int8.

    Example:
        >>> vectors = np.array([[0, 255], [51, -255], [255, 0]], np.float32)
        >>> codes(vectors, None).tolist()
        [[-1, 1], [1, -1], [1, -1]]
        >>> codes(vectors, (vectors.min(0), vectors.max(0))).tolist()
        [[-128, 127], [-77, -128], [127, -1]]
    """
    if ranges is None:
        return np.where(vectors > 0, np.int8(1), np.int8(-1))
    smallest, largest = ranges
    step = (largest - smallest) / 255
    step = np.where(step == 0, 1, step)
    numbers = np.clip(np.floor((vectors - smallest) / step), 0, 255)
    return (numbers - 128).astype(np.int8)


@dataclass(frozen=True)
class _FirstDimensions:
    """The first numbers of vectors that may lie on disk, read when they are asked for."""

    matrix: Matrix
    dimensions: int
    unit: bool

    @property
    def shape(self) -> tuple[int, int]:
        return (self.matrix.shape[0], self.dimensions)

    def __getitem__(self, rows: Any) -> Vectors:
        return _first(float32(self.matrix[rows]), self.dimensions, self.unit)


def _first(vectors: Vectors, dimensions: int, unit: bool) -> Vectors:
    """The first numbers of each vector, perhaps of unit length; a vector of zeros stays so."""
    kept = np.ascontiguousarray(vectors[:, :dimensions])
    if not unit:
        return kept
    wide = kept.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _parts(vectors: Matrix) -> Any:
    """The vectors in parts that fit into memory, in single precision."""
    for start in range(0, vectors.shape[0], _ROWS_AT_ONCE):
        yield float32(vectors[start : start + _ROWS_AT_ONCE])


def _have_unit_length(vectors: Matrix) -> bool:
    return all(
        bool((np.abs(np.linalg.norm(part, axis=1) - 1) < _UNIT).all()) for part in _parts(vectors)
    )


def _ranges(vectors: Matrix) -> tuple[Vectors, Vectors]:
    """The smallest and the largest number of every dimension, each (d,)."""
    extremes = [(part.min(axis=0), part.max(axis=0)) for part in _parts(vectors)]
    smallest, largest = zip(*extremes, strict=True)
    return np.min(smallest, axis=0), np.max(largest, axis=0)
