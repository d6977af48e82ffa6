"""The tables that search returns: one of ranks, one of the passages at the top."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import ALL, RANK_COLUMNS, RANK_NAMES, Benchmark
from hbtlib.search.inputs import Pools, RelevantPassages
from hbtlib.search.matrix import Rows


def ranks_table(
    benchmark: Benchmark,
    passages: Pools,
    relevant: RelevantPassages,
    in_pool: NDArray,
    in_all: NDArray,
    rank_type: str = "int32",
    tied: NDArray | None = None,
) -> pd.DataFrame:
    """One row per query, relevant passage and pool; `ranking.rank_vectors` lists the columns.

    Args:
        benchmark: where the ids are from.
        passages: the passages and their pools.
        relevant: the G relevant passages.
        in_pool: (G,) their ranks in their own pools.
        in_all: (G,) their ranks in the pool of all languages.
        rank_type: the column type of ranks; "Int32" if some are missing.
        tied: (G, 2) how many other passages have the same score, in the passage's own pool and in
            that of all, which becomes the column n_tied; None: there is no such column.
    """
    common = _relevant_rows(benchmark, relevant)
    pool_sizes = np.bincount(passages.pool)
    own = common.assign(
        pool=common["passage_language"], rank=in_pool, n_passages=pool_sizes[relevant.pool]
    )
    joint = common.assign(pool=ALL, rank=in_all, n_passages=len(benchmark.passages))
    if tied is not None:
        own, joint = own.assign(n_tied=tied[:, 0]), joint.assign(n_tied=tied[:, 1])
    # With one language, its pool and the pool of all are the same: no row twice.
    ranks = pd.concat([own, joint] if len(passages.languages) > 1 else [own])
    # A query's rows stand together, which also makes the table smaller on disk.
    ranks = ranks.sort_index(kind="stable").reset_index(drop=True)
    of_query_and_pool = ranks.groupby(["query_id", "pool"], sort=False)["passage_id"]
    ranks["n_relevant"] = of_query_and_pool.transform("size")
    types = {
        **dict.fromkeys(RANK_NAMES, "category"),
        "rank": rank_type,
        "n_passages": "int32",
        "n_relevant": "int32",
    }
    columns = list(RANK_COLUMNS)
    if tied is not None:
        types["n_tied"] = "int32"
        columns.append("n_tied")
    return ranks.astype(types)[columns]


def with_recall(ranks: pd.DataFrame, depth: int, recall: Mapping[str, float]) -> pd.DataFrame:
    """Adds what is known of a search index: its depth, and its recall by pool."""
    return ranks.assign(depth=np.int32(depth), recall=ranks["pool"].map(recall).astype("float64"))


def top_table(benchmark: Benchmark, best: Rows) -> pd.DataFrame:
    """One row per query and rank; `ranking.top` lists the columns.

    Args:
        benchmark: where the ids are from.
        best: (Q, k) rows of the passages, best first.
    """
    n_queries, k = best.shape
    found = benchmark.passages[["passage_id", "language"]].iloc[best.ravel()]
    asked = benchmark.queries[["query_id", "language"]].iloc[np.repeat(np.arange(n_queries), k)]
    found, asked = found.reset_index(drop=True), asked.reset_index(drop=True)
    table = pd.DataFrame(
        {
            "benchmark": benchmark.name,
            "query_id": asked["query_id"],
            "query_language": asked["language"],
            "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), n_queries),
            "passage_id": found["passage_id"],
            "passage_language": found["language"],
        }
    )
    return table.astype(dict.fromkeys(table.columns.drop("rank"), "category"))


def _relevant_rows(benchmark: Benchmark, relevant: RelevantPassages) -> pd.DataFrame:
    """The columns that do not depend on the pool, one row per relevant passage."""
    # Texts are left out: they may be many, and on disk.
    query_columns = benchmark.queries[["query_id", "question_id", "language"]]
    passage_columns = benchmark.passages[["passage_id", "language"]]
    asked = query_columns.iloc[relevant.query].reset_index(drop=True)
    found = passage_columns.iloc[relevant.passage].reset_index(drop=True)
    return pd.DataFrame(
        {
            "benchmark": benchmark.name,
            "query_id": asked["query_id"],
            "question_id": asked["question_id"],
            "query_language": asked["language"],
            "passage_id": found["passage_id"],
            "passage_language": found["language"],
            "score": relevant.score,
            "grade": relevant.grade,
        }
    )
