"""What a search works on: checked vectors, the passages' pools and ties, the relevant passages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.checks import short
from hbtlib.data.benchmark import Benchmark, rows_of
from hbtlib.search.kernels import dots
from hbtlib.search.matrix import Matrix, Rows, Vectors, float32
from hbtlib.search.removal import Removal, without_language
from hbtlib.search.ties import tie_order
from hbtlib.search.tiles import PAST_SINGLE_PRECISION
from hbtlib.search.vectors import check_finite, real_matrix


@dataclass(frozen=True)
class Pools:
    """The pools of a benchmark's N passages.

    Attributes:
        pool: (N,) each passage's language, as an index into `languages`.
        languages: the languages of the passages, sorted; each of them is a pool.
    """

    pool: Rows
    languages: list[str]

    @classmethod
    def of_table(cls, passages: pd.DataFrame) -> Pools:
        """Finds the pools of a benchmark's passages."""
        pool, languages = pd.factorize(passages["language"], sort=True)
        return Pools(pool, list(languages))


@dataclass(frozen=True)
class PassageTable(Pools):
    """What the search knows of a benchmark's N passages.

    Attributes:
        vectors: (N, d), possibly on disk.
        tie: (N,) each passage's place among equal scores, from `ties.tie_order`.
    """

    vectors: Matrix
    tie: Rows

    @classmethod
    def of(cls, vectors: Matrix, passages: pd.DataFrame) -> PassageTable:
        """Prepares the passages of a benchmark, whose rows the vectors follow."""
        pools = Pools.of_table(passages)
        return cls(pools.pool, pools.languages, vectors, tie_order(passages["passage_id"]))


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
        """Finds the relevant passages of every query and scores them exactly.

        Raises:
            ValueError: if a score is past single precision.
        """
        query, passage, grade = relevant_pairs(benchmark, passages.tie)
        # Of a store on disk only the distinct relevant passages are read.
        distinct, row_of_distinct = np.unique(passage, return_inverse=True)
        relevant_vectors = float32(passages.vectors[distinct])
        score = dots(queries, query, relevant_vectors, row_of_distinct)
        if not np.isfinite(score).all():
            raise ValueError(PAST_SINGLE_PRECISION)
        return cls(
            query=query,
            passage=passage,
            pool=passages.pool[passage],
            tie=passages.tie[passage],
            score=score,
            grade=grade,
        )


def relevant_pairs(benchmark: Benchmark, tie: Rows) -> tuple[Rows, Rows, NDArray[np.int16]]:
    """Finds the G judged pairs with a grade above 0, sorted by query and then by `tie`.

    Args:
        benchmark: the queries, passages and judgements.
        tie: (N,) each passage's place among equal scores.

    Returns:
        The rows of the queries, the rows of the passages, and the grades, each (G,).
    """
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    query = rows_of(benchmark.queries["query_id"], judged["query_id"])
    passage = rows_of(benchmark.passages["passage_id"], judged["passage_id"])
    by_query = np.lexsort([tie[passage], query])
    return query[by_query], passage[by_query], judged["grade"].to_numpy(np.int16)[by_query]


def check_not_empty(benchmark: Benchmark) -> None:
    """Raises ValueError if a benchmark has no queries or no passages."""
    n_queries, n_passages = len(benchmark.queries), len(benchmark.passages)
    if not n_queries or not n_passages:
        raise ValueError(
            f"{benchmark.name!r} has {n_queries} queries and {n_passages} passages: there is "
            "nothing to rank"
        )


def prepare(
    query_vectors: Any, passage_vectors: Any, benchmark: Benchmark, remove: Removal
) -> tuple[Vectors, Matrix]:
    """Checks the vectors against the benchmark and removes language from them if asked to.

    Returns:
        The queries' vectors in memory, (Q, d) float32, and the passages' as they are or, after a
        removal, in memory too.

    Raises:
        ValueError: if the vectors are not of real numbers, a number of rows or a width does not
            fit, or a vector is not finite.
    """
    check_benchmark(benchmark)
    queries = real_matrix("query_vectors", query_vectors)
    passages = real_matrix("passage_vectors", passage_vectors)
    _check_shapes(queries, passages, benchmark)
    for role, vectors, table in (
        ("query", queries, benchmark.queries),
        ("passage", passages, benchmark.passages),
    ):
        if not hasattr(vectors, "files"):  # a store's vectors were checked when they were written
            check_finite(role, vectors, table[f"{role}_id"])
    if remove is not None:
        return without_language(queries[:], passages[:], benchmark, remove)
    return np.ascontiguousarray(queries[:], np.float32), passages


def check_benchmark(benchmark: object) -> None:
    """Raises ValueError if this is no benchmark, such as the name of one."""
    if not isinstance(benchmark, Benchmark):
        raise ValueError(
            f"the benchmark is {short(benchmark)}; give an hbt.Benchmark (hbt.load_benchmark(name) "
            "loads one)"
        )


def _check_shapes(queries: Matrix, passages: Matrix, benchmark: Benchmark) -> None:
    """Raises ValueError if there is not one vector for each row, all of one width."""
    check_not_empty(benchmark)
    n_queries, n_passages = len(benchmark.queries), len(benchmark.passages)
    given = (queries.shape[:1], passages.shape[:1])
    if n_queries != n_passages and given == ((n_passages,), (n_queries,)):
        raise ValueError(
            f"query_vectors have {n_passages} rows and passage_vectors {n_queries}, but "
            f"{benchmark.name!r} has {n_queries} queries and {n_passages} passages: the two have "
            "changed places"
        )
    for role, vectors, rows in (("query", queries, n_queries), ("passage", passages, n_passages)):
        if len(vectors.shape) != 2 or vectors.shape[0] != rows or not vectors.shape[1]:
            raise ValueError(
                f"{role}_vectors have shape {tuple(vectors.shape)}, but {benchmark.name!r} has "
                f"{rows} {role} rows: give one vector a row, in its order"
            )
    if queries.shape[1] != passages.shape[1]:
        raise ValueError(
            f"query vectors have width {queries.shape[1]}, passage vectors {passages.shape[1]}: "
            "both must come from one encoder"
        )
