"""What the tests of search share: ranks by sorting, and benchmarks with repeated texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import hbtlib as hbt

Key = tuple[str, str, str]  # query_id, passage_id, pool
KEY = ["query_id", "passage_id", "pool"]


def brute_force(
    benchmark: hbt.Benchmark, q: NDArray, p: NDArray
) -> dict[Key, tuple[int, float, int, int, int]]:
    """rank, score, grade, n_passages and n_relevant of every relevant passage, by sorting pools."""
    scores = q.astype(np.float64) @ p.T.astype(np.float64)
    grades = {
        (j.query_id, j.passage_id): j.grade
        for j in benchmark.judgements.itertuples()
        if j.grade > 0
    }
    passages = list(
        zip(benchmark.passages["passage_id"], benchmark.passages["language"], strict=True)
    )
    languages = sorted({language for _, language in passages})
    expected = {}
    for query, row in zip(benchmark.queries["query_id"], scores.tolist(), strict=True):
        for pool in [*languages, "all"] if len(languages) > 1 else languages:
            members = [
                (score, i)
                for (i, code), score in zip(passages, row, strict=True)
                if pool in (code, "all")
            ]
            members.sort(reverse=True)  # the larger score first; of equal ones the larger id
            relevant = [
                (rank, s, i) for rank, (s, i) in enumerate(members, 1) if (query, i) in grades
            ]
            for rank, score, i in relevant:
                expected[query, i, pool] = (
                    rank,
                    score,
                    grades[query, i],
                    len(members),
                    len(relevant),
                )
    return expected


def found(ranks: pd.DataFrame) -> dict[Key, tuple[int, float, int, int, int]]:
    rows = {
        (r.query_id, r.passage_id, r.pool): (r.rank, r.score, r.grade, r.n_passages, r.n_relevant)
        for r in ranks.itertuples()
    }
    assert len(rows) == len(ranks), "a row stands twice"
    return rows


def shuffled(
    benchmark: hbt.Benchmark, q: NDArray, p: NDArray, seed: int
) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    """The same benchmark with its three tables, and the vectors, in another order."""
    rng = np.random.default_rng(seed)
    a, b, c = (
        rng.permutation(len(t))
        for t in (benchmark.queries, benchmark.passages, benchmark.judgements)
    )
    return (
        hbt.Benchmark(
            benchmark.name,
            benchmark.queries.iloc[a],
            benchmark.passages.iloc[b],
            benchmark.judgements.iloc[c],
        ),
        q[a],
        p[b],
    )


def with_doubles(
    seed: int, queries: int, passages: int, width: int
) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    """Unit vectors that are not round numbers, and passages of which two thirds are repeated."""
    rng = np.random.default_rng(seed)
    distinct = rng.standard_normal((passages // 3, width)).astype(np.float32)
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    text = rng.integers(0, len(distinct), passages)
    p = distinct[text]
    q = rng.standard_normal((queries, width)).astype(np.float32)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    codes = rng.choice(["aa", "bb"], passages)
    query_table = pd.DataFrame(
        {"query_id": [f"q{i}" for i in range(queries)], "language": "aa", "text": "?"}
    )
    passage_table = pd.DataFrame(
        {
            "passage_id": [f"p{i}" for i in range(passages)],
            "language": codes,
            "text": [f"text {t}" for t in text],
        }
    )
    judgements = query_table[["query_id"]].merge(
        passage_table[["passage_id"]], how="cross"
    )  # every passage's rank is seen
    return hbt.Benchmark("doubles", query_table, passage_table, judgements), q, p
