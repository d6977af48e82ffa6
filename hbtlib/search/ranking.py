"""Search: every distinct text embedded once, and the rank of every relevant passage in every pool.

A score is the dot product, summed in double precision and rounded to single. Equal scores are ordered as trec_eval does: by
passage id, the larger (by its characters' code points) first. So ranks depend neither on the order in which passages come
nor on blocks, threads or machine, and trec_eval's measures of the same scores are ours. Matrix products in single precision
settle what they can; what lies nearer than they round is scored once more, as said.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numba
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hbtlib.data.benchmark import Benchmark, rows_of
from hbtlib.search.removal import Removal, without_language

if TYPE_CHECKING:
    from hbtlib.encoders.encoder import Encoder

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
ALL = "all"  # the pool of all languages together; the other pools are named by their language


class Matrix(Protocol):
    """Vectors, one a row: an array in memory or mapped from disk, or a `store.Store`."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, rows: Any, /) -> Any: ...


def embed(
    encoder: Encoder,
    benchmark: Benchmark,
    *,
    precision: str = "fp32",
    store: str | Path | None = None,
    dtype: str = "float32",
    progress: bool = False,
) -> tuple[Matrix, Matrix]:
    """The vectors of the benchmark's queries and of its passages, (Q, d) and (N, d), rows in its order.

    Every distinct text is embedded once a role (query and passage have prefixes of their own), whatever the number of
    pools it stands in. precision: what texts are embedded in (`Encoder.embed`). store: a folder in which vectors are kept
    on disk in this dtype, and found again (`store.embed_to`), for what does not fit the memory or takes hours; by default
    the one that HBT_EMBEDDINGS names, if it does.
    """
    store, found = os.environ.get("HBT_EMBEDDINGS") if store is None else store, list[Matrix]()
    for role, table in (("query", benchmark.queries), ("passage", benchmark.passages)):
        if store:
            from hbtlib.search.store import embed_to

            found.append(
                embed_to(
                    store,
                    encoder,
                    table["text"],
                    role,
                    precision=precision,
                    dtype=dtype,
                    progress=progress,
                )
            )
        else:
            codes, texts = pd.factorize(table["text"])
            found.append(
                encoder.embed(list(texts), role, precision=precision, progress=progress)[codes]
            )
    return found[0], found[1]


def rank(
    encoder: Encoder,
    benchmark: Benchmark,
    *,
    precision: str = "fp32",
    store: str | Path = "",
    dtype: str = "float32",
    progress: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """The rank of every relevant passage in its language's pool and in the pool of all: `embed` (in no store unless one is
    given, for a training asks this again and again), then `rank_vectors`, to which the `options` go.
    """
    vectors = embed(
        encoder, benchmark, precision=precision, store=store, dtype=dtype, progress=progress
    )
    return rank_vectors(*vectors, benchmark, **options)


def rank_vectors(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    remove: Removal = None,
    memory: float = 1.0,
    index: str | None = None,
    index_options: str = "",
    depth: int = 100,
) -> pd.DataFrame:
    """The ranks table from vectors, whose rows follow the benchmark's queries and passages. Scores are dot products.

    One row a (query, relevant passage, pool): benchmark, query_id, question_id, query_language, pool (a language, or
    `all`), passage_id, passage_language, rank (1 = best), score, grade, n_passages (in the pool), n_relevant (of the
    query, in the pool). Exact, at the cost of one matrix product, on a GPU where there is one. memory: the GB it may take
    beside the queries' vectors and some 30 bytes a passage, whatever the pools' size (`remove` and `index` take more).

    index: each language's passages are searched with a faiss index instead, made by this factory string ("IVF4096,PQ64",
    "HNSW32") and searched with `index_options` ("nprobe=64"); see `indexes.search`. A rank past `depth` is then missing
    (NA), and two columns say how good it is: depth, and recall, the share of each query's exact `depth` best passages that
    the index found (the mean over a sample of queries, by pool).

    remove: a training-free probe of how much language identity stands in the way: "mean" takes each language's mean from
    its vectors, a number r its first r language-identity components (`removal.without_language`). Raises ValueError where
    the vectors' numbers of rows or widths disagree, or a vector is not finite.
    """
    queries, passages = benchmark.queries, benchmark.passages
    rows, columns = _prepared(query_vectors, passage_vectors, benchmark, remove)
    pool, languages = pd.factorize(passages["language"], sort=True)
    tie = _ties(passages)
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    query, passage = (
        rows_of(queries["query_id"], judged["query_id"]),
        rows_of(passages["passage_id"], judged["passage_id"]),
    )
    by_query = np.lexsort([tie[passage], query])
    query, passage = query[by_query], passage[by_query]
    distinct, which = np.unique(passage, return_inverse=True)
    score = dots(rows, query, np.ascontiguousarray(columns[distinct], np.float32), which)
    gold = Gold(query, passage, pool[passage], tie[passage], score)
    if index is None:
        in_pool, in_all = _ranks(rows, columns, gold, pool, tie, memory)
    else:
        from hbtlib.search import indexes

        asked_of = (rows, columns, gold, pool, tie, list(languages))
        in_pool, in_all, recall = indexes.ranks(*asked_of, index, index_options, depth, memory)
    asked, found = (
        queries.iloc[query],
        passages[["passage_id", "language"]].iloc[passage],
    )  # no texts
    asked, found = asked.reset_index(drop=True), found.reset_index(drop=True)
    common = pd.DataFrame(
        {
            "benchmark": benchmark.name,
            "query_id": asked["query_id"],
            "question_id": asked["question_id"],
            "query_language": asked["language"],
            "passage_id": found["passage_id"],
            "passage_language": found["language"],
            "score": gold.score,
            "grade": judged["grade"].to_numpy(np.int16)[by_query],
        }
    )
    tables = [
        common.assign(
            pool=found["language"], rank=in_pool, n_passages=np.bincount(pool)[gold.pool]
        ),
        common.assign(pool=ALL, rank=in_all, n_passages=len(passages)),
    ]
    # A pool of one's own language and the pool of all are the same where there is one language: no row twice.
    ranks = pd.concat(tables if len(languages) > 1 else tables[:1])
    ranks = ranks.sort_index(kind="stable").reset_index(
        drop=True
    )  # a query's rows together: they also store smaller
    ranks["n_relevant"] = ranks.groupby(["query_id", "pool"], sort=False)["passage_id"].transform(
        "size"
    )
    text = [
        "benchmark",
        "query_id",
        "question_id",
        "query_language",
        "pool",
        "passage_id",
        "passage_language",
    ]
    small = {
        "rank": "int32" if index is None else "Int32",
        "n_passages": "int32",
        "n_relevant": "int32",
    }
    ranks = ranks.astype({**dict.fromkeys(text, "category"), **small})[
        [*text, "rank", "score", "grade", *list(small)[1:]]
    ]
    if index is None:
        return ranks
    return ranks.assign(depth=np.int32(depth), recall=ranks["pool"].map(recall).astype("float64"))


def top(
    query_vectors: Matrix,
    passage_vectors: Matrix,
    benchmark: Benchmark,
    *,
    k: int = 10,
    remove: Removal = None,
    memory: float = 1.0,
) -> pd.DataFrame:
    """The k best passages of every query in the pool of all languages: who stands where the relevant ones should.

    One row a (query, rank): benchmark, query_id, query_language, rank (1 to k), passage_id, passage_language. Arguments,
    order of equal scores and errors as in `rank_vectors`; fewer where there are not so many passages.
    """
    queries, passages = benchmark.queries, benchmark.passages
    rows, columns = _prepared(query_vectors, passage_vectors, benchmark, remove)
    best, _ = nearest(rows, columns, k, tie=_ties(passages), memory=memory)
    found = passages[["passage_id", "language"]].iloc[best.ravel()].reset_index(drop=True)
    asked = queries.iloc[np.repeat(np.arange(len(queries)), best.shape[1])].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "benchmark": benchmark.name,
            "query_id": asked["query_id"],
            "query_language": asked["language"],
            "rank": np.tile(np.arange(1, best.shape[1] + 1, dtype=np.int32), len(queries)),
            "passage_id": found["passage_id"],
            "passage_language": found["language"],
        }
    )
    return table.astype(dict.fromkeys(table.columns.drop("rank"), "category"))


def nearest(
    query_vectors: Vectors,
    passage_vectors: Matrix,
    k: int,
    *,
    tie: Rows | None = None,
    memory: float = 1.0,
) -> tuple[Rows, Vectors]:
    """Each query's k best passages (or as many as there are), best first: their rows and scores, both (Q, k), exact. Of
    equal ones the one with the smaller `tie` (N,) is the better, by default the earlier. memory: as in `rank_vectors`.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it is the number of passages kept of each query, 1 or more")
    shape = (len(query_vectors), min(k, passage_vectors.shape[0]))
    best, ties = np.full(shape, -1), np.full(shape, np.iinfo(np.int64).max)
    held = np.full(shape, -np.inf, np.float32)
    for tile in _tiles(query_vectors, passage_vectors, memory):
        _best(
            tile.scores,
            tile.queries,
            tile.passages,
            tile.slack,
            tile.rows,
            tile.rows if tie is None else tie[tile.rows],
            best[tile.asked],
            ties[tile.asked],
            held[tile.asked],
        )
    return best, held


def take(matrix: Matrix, rows: Rows) -> Any:
    """matrix[rows], as a slice where the rows follow each other: nothing is copied."""
    follow = len(rows) > 0 and (np.diff(rows) == 1).all()
    return matrix[int(rows[0]) : int(rows[-1]) + 1] if follow else matrix[rows]


class Gold(NamedTuple):
    """The relevant passages, sorted by query: whose, which row, in which pool, its place among equals, its score; (G,)."""

    query: Rows
    passage: Rows
    pool: Rows
    tie: Rows
    score: Vectors


def _prepared(
    query_vectors: Matrix, passage_vectors: Matrix, benchmark: Benchmark, remove: Removal
) -> tuple[Vectors, Matrix]:
    """The vectors as the search takes them: checked, without what is to be removed, the queries' in memory."""
    given = (
        ("query", query_vectors, benchmark.queries),
        ("passage", passage_vectors, benchmark.passages),
    )
    for what, vectors, table in given:
        if len(vectors.shape) != 2 or vectors.shape[0] != len(table):
            raise ValueError(
                f"{what}_vectors have shape {vectors.shape}, but {benchmark.name!r} has {len(table)} "
                f"{what} rows: give one vector a row, in its order"
            )
        for start in range(
            0, 0 if hasattr(vectors, "files") else len(table), 8192
        ):  # a store's are checked
            finite = np.isfinite(np.asarray(vectors[start : start + 8192], np.float32)).all(1)
            if not finite.all():
                row = start + int(finite.argmin())
                raise ValueError(
                    f"the vector of {what} row {row} ({table.iloc[row, 0]!r}) is not finite: the model "
                    "that made it has diverged, or the text is empty"
                )
    if query_vectors.shape[1] != passage_vectors.shape[1]:
        raise ValueError(
            f"query vectors have width {query_vectors.shape[1]}, passage vectors {passage_vectors.shape[1]}: "
            "both must come from one encoder"
        )
    if remove is not None:
        return without_language(query_vectors[:], passage_vectors[:], benchmark, remove)
    return np.ascontiguousarray(query_vectors[:], np.float32), passage_vectors


def _ties(passages: pd.DataFrame) -> Rows:
    """Each passage's place in the order in which equal scores stand: the larger passage id first."""
    order = pc.sort_indices(
        pa.array(passages["passage_id"]), sort_keys=[("", "descending")]
    ).to_numpy()
    return np.argsort(order.astype(np.int64), kind="stable")


def _ranks(
    queries: Vectors, passages: Matrix, gold: Gold, pool: Rows, tie: Rows, memory: float
) -> tuple[Rows, Rows]:
    """The ranks of the relevant passages by counting those before them: in their own pool, and in all."""
    order = np.argsort(pool, kind="stable")  # a pool's passages side by side
    place = np.argsort(order, kind="stable")[gold.passage]
    first = np.searchsorted(gold.query, np.arange(len(queries) + 1))
    in_pool, in_all = np.ones(len(gold.query), np.int64), np.ones(len(gold.query), np.int64)
    for tile in _tiles(queries, passages, memory, order):
        codes = pool[tile.rows]
        starts = np.r_[np.flatnonzero(np.diff(codes, prepend=-1)), len(codes)]
        bounds = first[tile.asked.start : tile.asked.stop + 1]
        part = slice(bounds[0], bounds[-1])
        _count(
            tile.scores,
            tile.queries,
            tile.passages,
            tile.slack,
            tie[tile.rows],
            starts,
            codes[starts[:-1]],
            bounds - bounds[0],
            place[part] - tile.start,
            gold.score[part],
            gold.tie[part],
            gold.pool[part],
            in_pool[part],
            in_all[part],
        )
    return in_pool, in_all


class _Tile(NamedTuple):
    """The scores of some queries and passages."""

    asked: slice  # which queries, and their vectors (q, d)
    queries: Vectors
    start: int  # of the passages in their order, from where on; which rows; their vectors (n, d)
    rows: Rows
    passages: Vectors
    scores: Vectors  # (q, n), and how far from the score they may lie (q,)
    slack: Vectors


def _tiles(
    queries: Vectors, passages: Matrix, memory: float, order: Rows | None = None
) -> Iterator[_Tile]:
    """All scores, in tiles of which one and its passages' vectors are held within `memory` GB; passages in the order given,
    each read once. Slack bounds the rounding of d products and their sum, in whatever order (Higham 2002, section 3.1).
    """
    import torch

    from hbtlib.encoders.linear import product

    (n, width), free = passages.shape, memory * 1e9 / 4
    if not memory > 0:
        raise ValueError(f"memory is {memory}; it is a number of GB above 0")
    wide = int(min(max(free // (4 * width + 1024), 1), 8192))
    high = int(min(max(free / wide - 4 * width, 1), 512))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    asked = torch.from_numpy(queries).to(device)
    lengths = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
    precision = (
        torch.get_float32_matmul_precision()
    )  # a training may have left a lower one, which slack does not know
    for start in range(0, n, wide):
        rows = (
            np.arange(start, min(start + wide, n)) if order is None else order[start : start + wide]
        )
        found = np.ascontiguousarray(np.asarray(take(passages, rows)), np.float32)
        block = torch.from_numpy(found if found.flags.writeable else found.copy()).to(device)
        most = lengths * np.sqrt(np.einsum("ij,ij->i", found, found, dtype=np.float64).max())
        if not (most < np.finfo(np.float32).max).all():
            raise ValueError(
                "scores of these vectors are past single precision: give them at a smaller scale"
            )
        slack = (most * (width + 2) * 2.0**-24 + width * 2.0**-149).astype(np.float32)
        for begin in range(0, len(queries), high):
            part = slice(begin, min(begin + high, len(queries)))
            torch.set_float32_matmul_precision("highest")
            try:
                scores = product(asked[part], block).cpu().numpy()
            finally:
                torch.set_float32_matmul_precision(precision)
            yield _Tile(part, queries[part], start, rows, found, scores, slack[part])


@numba.njit(cache=True, nogil=True)
def _dot(a: Vectors, b: Vectors) -> np.float32:
    """The score: summed in double precision, always in one order."""
    s0 = s1 = s2 = s3 = 0.0
    for i in range(0, len(a) - 3, 4):
        s0 += np.float64(a[i]) * np.float64(b[i])
        s1 += np.float64(a[i + 1]) * np.float64(b[i + 1])
        s2 += np.float64(a[i + 2]) * np.float64(b[i + 2])
        s3 += np.float64(a[i + 3]) * np.float64(b[i + 3])
    for i in range(len(a) // 4 * 4, len(a)):
        s0 += np.float64(a[i]) * np.float64(b[i])
    return np.float32((s0 + s1) + (s2 + s3))


@numba.njit(parallel=True, cache=True, nogil=True)
def dots(queries: Vectors, query: Rows, passages: Vectors, passage: Rows) -> Vectors:
    """The scores of some (query row, passage row), each (G,)."""
    scores = np.empty(len(query), np.float32)
    for g in numba.prange(len(query)):
        scores[g] = _dot(queries[query[g]], passages[passage[g]])
    return scores


@numba.njit(parallel=True, cache=True, nogil=True)
def _count(
    scores: Vectors,
    queries: Vectors,
    passages: Vectors,
    slack: Vectors,
    tie: Rows,
    starts: Rows,
    pools: Rows,
    first: Rows,
    place: Rows,
    gold_score: Vectors,
    gold_tie: Rows,
    gold_pool: Rows,
    in_pool: Rows,
    in_all: Rows,
) -> None:
    """Adds to each gold passage's ranks the passages of a tile that stand before it, in its pool and in all."""
    for q in numba.prange(len(scores)):
        exact = np.full(
            scores.shape[1], np.float32(np.nan)
        )  # scores taken again, once for all gold passages
        for g in range(first[q], first[q + 1]):
            low, high = np.float32(gold_score[g] - slack[q]), np.float32(gold_score[g] + slack[q])
            for p in range(len(pools)):
                part, begin = scores[q, starts[p] : starts[p + 1]], starts[p]
                both = np.int32(
                    0
                )  # how many are above high, and in the upper half above low (a tile has 2**13 columns)
                for i in range(len(part)):
                    both = np.int32(
                        both + np.int32(part[i] > high) + (np.int32(part[i] >= low) << np.int32(16))
                    )
                before = np.int64(both & 65535)
                if (both >> 16) - before > (
                    begin <= place[g] < begin + len(part)
                ):  # others than itself
                    for i in range(len(part)):
                        if low <= part[i] <= high:
                            if np.isnan(exact[begin + i]):
                                exact[begin + i] = _dot(queries[q], passages[begin + i])
                            mine = exact[begin + i]
                            before += (mine > gold_score[g]) | (
                                (mine == gold_score[g]) & (tie[begin + i] < gold_tie[g])
                            )
                in_all[g] += before
                if pools[p] == gold_pool[g]:
                    in_pool[g] += before


@numba.njit(parallel=True, cache=True, nogil=True)
def _best(
    scores: Vectors,
    queries: Vectors,
    passages: Vectors,
    slack: Vectors,
    rows: Rows,
    tie: Rows,
    best: Rows,
    ties: Rows,
    held: Vectors,
) -> None:
    """Puts the passages of a tile where they belong among each query's best so far: rows, ties and scores, each (q, k)."""
    last = best.shape[1] - 1
    for q in numba.prange(len(scores)):
        for i in range(scores.shape[1]):
            if scores[q, i] < held[q, last] - slack[q]:
                continue
            mine, at = _dot(queries[q], passages[i]), last + 1
            while at > 0 and (
                held[q, at - 1] < mine or (held[q, at - 1] == mine and ties[q, at - 1] > tie[i])
            ):
                if at <= last:
                    held[q, at], ties[q, at], best[q, at] = (
                        held[q, at - 1],
                        ties[q, at - 1],
                        best[q, at - 1],
                    )
                at -= 1
            if at <= last:
                held[q, at], ties[q, at], best[q, at] = mine, tie[i], rows[i]
