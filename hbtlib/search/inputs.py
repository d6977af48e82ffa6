"""What a search works on: checked vectors, the passages' pools and ties, the relevant passages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import Benchmark, rows_of
from hbtlib.search.kernels import dots
from hbtlib.search.matrix import Matrix, Rows, Vectors, float32
from hbtlib.search.removal import Removal, without_language
from hbtlib.search.ties import tie_order

_ROWS_CHECKED_AT_ONCE = 8192


@dataclass(frozen=True)
class PassageTable:
    """What the search knows of a benchmark's N passages.

    Attributes:
        vectors: (N, d), possibly on disk.
        pool: (N,) each passage's language, as an index into `languages`.
        languages: the languages of the passages, sorted; each of them is a pool.
        tie: (N,) each passage's place among equal scores, from `ties.tie_order`.
    """

    vectors: Matrix
    pool: Rows
    languages: list[str]
    tie: Rows

    @classmethod
    def of(cls, vectors: Matrix, passages: pd.DataFrame) -> PassageTable:
        """Prepares the passages of a benchmark, whose rows the vectors follow."""
        pool, languages = pd.factorize(passages["language"], sort=True)
        return cls(vectors, pool, list(languages), tie_order(passages["passage_id"]))


@dataclass(frozen=True)
class RelevantPassages:
    """The G judged pairs with a grade above 0, sorted by query; every field is (G,).

    Attributes:
        query: row of the query.
        passage: row of the passage.
        pool: the passage's pool, as in `PassageTable`.
        tie: the passage's place among equal scores.
        score: the exact score of the pair.
        grade: how relevant the passage is to the query.
    """

    query: Rows
    passage: Rows
    pool: Rows
    tie: Rows
    score: Vectors
    grade: NDArray[np.int16]

    @classmethod
    def of(cls, benchmark: Benchmark, queries: Vectors, passages: PassageTable) -> RelevantPassages:
        """Finds the relevant passages of every query and scores them exactly."""
        judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
        query = rows_of(benchmark.queries["query_id"], judged["query_id"])
        passage = rows_of(benchmark.passages["passage_id"], judged["passage_id"])
        by_query = np.lexsort([passages.tie[passage], query])
        query, passage = query[by_query], passage[by_query]
        # Of a store on disk only the distinct relevant passages are read.
        distinct, row_of_distinct = np.unique(passage, return_inverse=True)
        relevant_vectors = float32(passages.vectors[distinct])
        return cls(
            query=query,
            passage=passage,
            pool=passages.pool[passage],
            tie=passages.tie[passage],
            score=dots(queries, query, relevant_vectors, row_of_distinct),
            grade=judged["grade"].to_numpy(np.int16)[by_query],
        )


def prepare(
    query_vectors: Matrix, passage_vectors: Matrix, benchmark: Benchmark, remove: Removal
) -> tuple[Vectors, Matrix]:
    """Checks the vectors against the benchmark and removes language from them if asked to.

    Returns:
        The queries' vectors in memory, (Q, d) float32, and the passages' as they are or, after a
        removal, in memory too.

    Raises:
        ValueError: if a number of rows or a width does not fit, or a vector is not finite.
    """
    _check("query", query_vectors, benchmark.queries, benchmark.name)
    _check("passage", passage_vectors, benchmark.passages, benchmark.name)
    if query_vectors.shape[1] != passage_vectors.shape[1]:
        raise ValueError(
            f"query vectors have width {query_vectors.shape[1]}, passage vectors "
            f"{passage_vectors.shape[1]}: both must come from one encoder"
        )
    if remove is not None:
        return without_language(query_vectors[:], passage_vectors[:], benchmark, remove)
    return np.ascontiguousarray(query_vectors[:], np.float32), passage_vectors


def _check(role: str, vectors: Matrix, table: pd.DataFrame, benchmark: str) -> None:
    """Raises ValueError if there is not one finite vector for each row of the table."""
    if len(vectors.shape) != 2 or vectors.shape[0] != len(table):
        raise ValueError(
            f"{role}_vectors have shape {vectors.shape}, but {benchmark!r} has {len(table)} "
            f"{role} rows: give one vector a row, in its order"
        )
    if hasattr(vectors, "files"):  # a store's vectors were checked when they were written
        return
    for start in range(0, len(table), _ROWS_CHECKED_AT_ONCE):
        part = np.asarray(vectors[start : start + _ROWS_CHECKED_AT_ONCE], np.float32)
        finite = np.isfinite(part).all(1)
        if not finite.all():
            row = start + int(finite.argmin())
            raise ValueError(
                f"the vector of {role} row {row} ({table.iloc[row, 0]!r}) is not finite: the model "
                "that made it has diverged, or the text is empty"
            )
