"""Search: every distinct text embedded once, and the rank of every relevant passage in every pool.

Equal scores are ordered as trec_eval does: by passage id, the larger (by its characters' code points) first. So ranks
do not depend on the order in which passages come, and trec_eval's measures of the same scores are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.data.benchmark import Benchmark
from hbtlib.probes import Floats, Removal, without_language

if TYPE_CHECKING:
    from hbtlib.encoder import Encoder

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
ALL = "all"  # the pool of all languages together; the other pools are named by their language


def embed(encoder: Encoder, benchmark: Benchmark, *, precision: str = "fp32",
          progress: bool = False) -> tuple[Vectors, Vectors]:
    """The vectors of the benchmark's queries and of its passages, (Q, d) and (N, d), rows in its order.

    Every distinct text is embedded once a role (query and passage have prefixes of their own), whatever the number of
    pools it stands in. precision: what texts are embedded in (`Encoder.embed`).
    """
    found = []
    for role, table in (("query", benchmark.queries), ("passage", benchmark.passages)):
        codes, texts = pd.factorize(table["text"])
        found.append(encoder.embed(list(texts), role, precision=precision, progress=progress)[codes])
    return found[0], found[1]


def rank(encoder: Encoder, benchmark: Benchmark, *, precision: str = "fp32", remove: Removal = None,
         progress: bool = False) -> pd.DataFrame:
    """The rank of every relevant passage in its language's pool and in the pool of all: `embed`, then `rank_vectors`."""
    return rank_vectors(*embed(encoder, benchmark, precision=precision, progress=progress), benchmark, remove=remove)


def rank_vectors(query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, *, remove: Removal = None,
                 block: int = 1024) -> pd.DataFrame:
    """The ranks table from vectors, whose rows follow the benchmark's queries and passages. Scores are dot products.

    One row a (query, relevant passage, pool): benchmark, query_id, question_id, query_language, pool (a language, or
    `all`), passage_id, passage_language, rank (1 = best), score, grade, n_passages (in the pool), n_relevant (of the
    query, in the pool). `block` queries are scored at a time (memory: block × passages × 4 bytes).

    remove: a training-free probe of how much language identity stands in the way: "mean" takes each language's mean from
    its vectors, a number r its first r language-identity components (`probes.without_language`). Raises ValueError where
    the vectors' numbers of rows or widths disagree, or a vector is not finite.
    """
    queries, passages = benchmark.queries, benchmark.passages
    rows, columns = _prepared(query_vectors, passage_vectors, benchmark, remove)
    # Passages by language, so a pool is a slice; inside it by the tie rule: of two equal scores the first is the better.
    languages, pool_codes = np.unique(passages["language"].to_numpy(), return_inverse=True)
    tie = np.argsort(_tie_order(passages))  # each passage's place in that order
    order = np.lexsort([tie, pool_codes])
    place = np.argsort(order)
    starts = np.searchsorted(pool_codes[order], np.arange(len(languages) + 1))

    gold = benchmark.judgements[benchmark.judgements["grade"] > 0]
    query_row = pd.Index(queries["query_id"]).get_indexer(pd.Index(gold["query_id"]))
    passage_row = pd.Index(passages["passage_id"]).get_indexer(pd.Index(gold["passage_id"]))
    by_query = np.lexsort([tie[passage_row], query_row])
    query_row, passage_row = query_row[by_query], passage_row[by_query]
    first = np.searchsorted(query_row, np.arange(len(queries) + 1))

    in_pool, in_all, scores = np.empty(len(gold), np.int64), np.empty(len(gold), np.int64), np.empty(len(gold), np.float32)
    for begin, end, products in _blocks(rows, columns[order], block):
        part = slice(first[begin], first[end])
        _count(products, first[begin:end + 1] - first[begin], place[passage_row[part]], pool_codes[passage_row[part]],
               tie[order], starts, in_pool[part], in_all[part], scores[part])

    asked, found = queries.iloc[query_row].reset_index(drop=True), passages.iloc[passage_row].reset_index(drop=True)
    common = pd.DataFrame({
        "benchmark": benchmark.name, "query_id": asked["query_id"], "question_id": asked["question_id"],
        "query_language": asked["language"], "passage_id": found["passage_id"], "passage_language": found["language"],
        "score": scores, "grade": gold["grade"].to_numpy(np.int16)[by_query]})
    tables = [common.assign(pool=found["language"], rank=in_pool, n_passages=np.diff(starts)[pool_codes[passage_row]]),
              common.assign(pool=ALL, rank=in_all, n_passages=len(passages))]
    # A pool of one's own language and the pool of all are the same where there is one language: no row twice.
    ranks = pd.concat(tables if len(languages) > 1 else tables[:1])
    ranks = ranks.sort_index(kind="stable").reset_index(drop=True)  # a query's rows together: they also store smaller
    ranks["n_relevant"] = ranks.groupby(["query_id", "pool"], sort=False)["rank"].transform("size")
    text = ["benchmark", "query_id", "question_id", "query_language", "pool", "passage_id", "passage_language"]
    small = ["rank", "n_passages", "n_relevant"]
    ranks = ranks.astype({**dict.fromkeys(text, "category"), **dict.fromkeys(small, "int32")})
    return ranks[[*text, "rank", "score", "grade", "n_passages", "n_relevant"]]


def top(query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark, *, k: int = 10, remove: Removal = None,
        block: int = 1024) -> pd.DataFrame:
    """The k best passages of every query in the pool of all languages: who stands where the relevant ones should.

    One row a (query, rank): benchmark, query_id, query_language, rank (1 to k), passage_id, passage_language. Arguments,
    order of equal scores and errors as in `rank_vectors`; fewer where there are not so many passages.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it is the number of passages kept of each query, 1 or more")
    queries, passages = benchmark.queries, benchmark.passages
    rows, columns = _prepared(query_vectors, passage_vectors, benchmark, remove)
    order = _tie_order(passages)
    best = nearest(rows, columns[order], k, block)
    found = passages.iloc[order[best].ravel()].reset_index(drop=True)
    asked = queries.iloc[np.repeat(np.arange(len(queries)), best.shape[1])].reset_index(drop=True)
    table = pd.DataFrame({
        "benchmark": benchmark.name, "query_id": asked["query_id"], "query_language": asked["language"],
        "rank": np.tile(np.arange(1, best.shape[1] + 1, dtype=np.int32), len(queries)),
        "passage_id": found["passage_id"], "passage_language": found["language"]})
    return table.astype(dict.fromkeys(table.columns.drop("rank"), "category"))


def nearest(query_vectors: Vectors, passage_vectors: Vectors, k: int, block: int = 1024) -> Rows:
    """The rows of each query's k best passages (or as many as there are), best first; of equal ones the earlier. (Q, k)"""
    best = np.empty((len(query_vectors), min(k, len(passage_vectors))), np.int64)
    for begin, end, products in _blocks(query_vectors, passage_vectors, block):
        _best(products, best[begin:end])
    return best


def _prepared(query_vectors: Floats, passage_vectors: Floats, benchmark: Benchmark,
              remove: Removal) -> tuple[Vectors, Vectors]:
    """The vectors as the search takes them: checked, float32, without what is to be removed."""
    rows, columns = np.ascontiguousarray(query_vectors, np.float32), np.ascontiguousarray(passage_vectors, np.float32)
    for what, vectors, table in (("query", rows, benchmark.queries), ("passage", columns, benchmark.passages)):
        if vectors.ndim != 2 or len(vectors) != len(table):
            raise ValueError(f"{what}_vectors have shape {vectors.shape}, but {benchmark.name!r} has {len(table)} "
                             f"{what} rows: give one vector a row, in its order")
        if len(wrong := np.flatnonzero(~np.isfinite(vectors).all(1))):
            raise ValueError(f"the vector of {what} row {wrong[0]} ({table.iloc[wrong[0], 0]!r}) is not finite: the model "
                             "that made it has diverged, or the text is empty")
    if rows.shape[1] != columns.shape[1]:
        raise ValueError(f"query vectors have width {rows.shape[1]}, passage vectors {columns.shape[1]}: both must come "
                         "from one encoder")
    return (rows, columns) if remove is None else without_language(rows, columns, benchmark, remove)


def _tie_order(passages: pd.DataFrame) -> Rows:
    """The rows in the order in which equal scores stand: the larger passage id first."""
    return np.argsort(passages["passage_id"].to_numpy(dtype=object), kind="stable")[::-1]


def _blocks(rows: Vectors, columns: Vectors, block: int) -> Iterator[tuple[int, int, Vectors]]:
    """(begin, end, scores (end − begin, N)) of `block` queries after `block` queries.

    Equal vectors are scored once: a matrix product may round the same column differently in another place.
    """
    keys = columns.view(np.dtype((np.void, columns.dtype.itemsize * columns.shape[1]))).ravel()
    _, first, copy_of = np.unique(keys, return_index=True, return_inverse=True)
    alike = len(first) < len(columns)
    distinct = columns[first] if alike else columns
    for begin in range(0, len(rows), block):
        products = rows[begin:begin + block] @ distinct.T
        yield begin, min(begin + block, len(rows)), products[:, copy_of] if alike else products


@numba.njit(parallel=True, cache=True, nogil=True)
def _count(scores: Vectors, first: Rows, place: Rows, pool: Rows, tie: Rows, starts: Rows, in_pool: Rows, in_all: Rows,
           gold_score: Vectors) -> None:
    """Ranks by counting: for each gold passage the passages before it, in its pool and in all. scores: (Q, N)."""
    for q in numba.prange(len(first) - 1):
        for g in range(first[q], first[q + 1]):
            at = place[g]
            mine, mine_tie = scores[q, at], tie[at]
            before_all = before_pool = 0
            for p in range(len(starts) - 1):
                before = 0
                for i in range(starts[p], starts[p + 1]):
                    before += (scores[q, i] > mine) | ((scores[q, i] == mine) & (tie[i] < mine_tie))
                before_all += before
                if p == pool[g]:
                    before_pool = before
            in_pool[g], in_all[g], gold_score[g] = before_pool + 1, before_all + 1, mine


@numba.njit(parallel=True, cache=True, nogil=True)
def _best(scores: Vectors, best: Rows) -> None:
    """The columns of each row's k highest scores, best first; of equal ones the earlier column. best: (Q, k), filled."""
    k = best.shape[1]
    for q in numba.prange(len(best)):
        held = np.empty(k, np.float32)
        count = 0
        for i in range(scores.shape[1]):
            if count == k and scores[q, i] <= held[k - 1]:
                continue
            at = min(count, k - 1)
            while at > 0 and held[at - 1] < scores[q, i]:
                held[at], best[q, at] = held[at - 1], best[q, at - 1]
                at -= 1
            held[at], best[q, at] = scores[q, i], i
            count = min(count + 1, k)
