"""Ranking in pools of English and one other language."""

from __future__ import annotations

import pandas as pd

from hbtlib.data.benchmark import Benchmark, rows_of
from hbtlib.search.inputs import prepare
from hbtlib.search.matrix import Matrix, take
from hbtlib.search.ranking import rank_vectors

ENGLISH = "en"


def rank_english_plus_one(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    memory: float = 1.0,
) -> pd.DataFrame:
    """Ranks the queries in each language, and in English, in the pool of that one and English.

    These are the pools of arXiv 2604.05684, in which every query has its answer in two languages.

    Args:
        query_vectors: (Q, d), rows in the order of the benchmark's queries.
        passage_vectors: (N, d), rows in the order of its passages.
        benchmark: the queries and passages; it must have English passages.
        memory: as in `hbt.rank_vectors`.

    Returns:
        The columns of `hbt.rank_vectors` and beside_english, the pool's other language. The pool of
        all, here, is that of the two. `hbt.english_plus_one` measures it.

    Raises:
        ValueError: for a benchmark without English passages or without others, and as
            `hbt.rank_vectors` does.
    """
    queries, passages = prepare(query_vectors, passage_vectors, benchmark, None)
    pools = sorted(benchmark.passages["language"].unique())
    others = [code for code in pools if code != ENGLISH]
    if ENGLISH not in pools or not others:
        raise ValueError(
            f"benchmark {benchmark.name!r} has passages in {' '.join(pools)}; pools of English and "
            "one other language need passages in English and in another language"
        )
    parts = []
    for code in others:
        small = benchmark.restrict([ENGLISH, code])
        of_queries = rows_of(benchmark.queries["query_id"], small.queries["query_id"])
        of_passages = rows_of(benchmark.passages["passage_id"], small.passages["passage_id"])
        pool = take(passages, of_passages)
        ranks = rank_vectors(queries[of_queries], pool, small, memory=memory)
        parts.append(ranks.assign(beside_english=code))
    return pd.concat(parts, ignore_index=True)
