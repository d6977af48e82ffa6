"""Types for vectors and row numbers, and reading some rows of a matrix that may lie on disk."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


class Matrix(Protocol):
    """Vectors, one a row: an array in memory or mapped from disk, or a `store.Store`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and the width of a row."""
        ...

    def __getitem__(self, rows: Any, /) -> Any: ...


class RowSubset:
    """Some rows of a matrix, read from it only when they are asked for.

    Args:
        matrix: the whole matrix, (N, d).
        rows: (n,), which of its rows this subset holds, and in which order.
    """

    def __init__(self, matrix: Matrix, rows: Rows) -> None:
        self.matrix = matrix
        self.rows = rows
        self.shape = (len(rows), *matrix.shape[1:])

    def __getitem__(self, rows: Any) -> Any:
        return take(self.matrix, self.rows[rows])


def take(matrix: Matrix, rows: Rows) -> Any:
    """Reads rows of a matrix, as a slice where they follow each other, so that nothing is copied.

    Args:
        matrix: (N, d).
        rows: (n,) row numbers.

    Returns:
        (n, d), whatever the matrix returns for these rows.
    """
    consecutive = len(rows) > 0 and (np.diff(rows) == 1).all()
    if consecutive:
        return matrix[int(rows[0]) : int(rows[-1]) + 1]
    return matrix[rows]


def float32(vectors: Any) -> Vectors:
    """Vectors of any kind (array, tensor) as a contiguous float32 array, copied only if needed."""
    return np.ascontiguousarray(np.asarray(vectors), np.float32)
