"""The loops of exact search, compiled by numba: exact scores, counting ranks, keeping the k best.

The last three are of scores that some function gave (`scores`), where many may be equal.

Each kernel has a plain numpy twin in `tests/search/test_kernels.py`. `exact` explains the method
that the kernels serve. All kernels run their queries (or pairs) in parallel, and no result depends
on the number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hbtlib.search.matrix import Rows, Vectors


@numba.njit(cache=True, nogil=True)
def dot(a: Vectors, b: Vectors) -> np.float32:
    """The score of two vectors: summed in double precision, always in the same order.

    Four sums run side by side, which lets the processor multiply four numbers at once:

        a·b   i = 0  1  2  3  4  5  6  7  8  9
        sum       0  1  2  3  0  1  2  3  0  0    (what is left after the last four goes to sum 0)
    """
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
    """The scores of G pairs: `query` and `passage`, both (G,), are rows of the two matrices."""
    scores = np.empty(len(query), np.float32)
    for g in numba.prange(len(query)):
        scores[g] = dot(queries[query[g]], passages[passage[g]])
    return scores


@numba.njit(cache=True, nogil=True)
def count_band(scores: Vectors, low: np.float32, high: np.float32) -> tuple[np.int64, np.int64]:
    """Counts the scores above `high`, and those from `low` to `high`.

        score    .9   .6   .5   .4   .1          low = .4, high = .6
                 ^^   ^^^^^^^^^^^^^^
                above    in between              → (1, 3)

    The counters have 32 bits, so that the loop becomes vector instructions of twice as many
    numbers: 512 × 8,192 scores take 2.3 ms for 11 gold passages each, and 3.5 ms with 64 bits (one
    core, AVX-512).
    """
    above = np.int32(0)
    at_least_low = np.int32(0)
    for i in range(len(scores)):
        above = np.int32(above + np.int32(scores[i] > high))
        at_least_low = np.int32(at_least_low + np.int32(scores[i] >= low))
    return np.int64(above), np.int64(at_least_low - above)


@numba.njit(cache=True, nogil=True)
def count_close_before(
    scores: Vectors,
    low: np.float32,
    high: np.float32,
    query: Vectors,
    passages: Vectors,
    rescored: Vectors,
    tie: Rows,
    gold_score: np.float32,
    gold_tie: np.int64,
) -> int:
    """Counts the passages before the gold one, of those with scores from `low` to `high`.

        tile's score   .9    .6    .5    .4    .1       low = .4, high = .6
        exact score     –    .51   .50   .50   –        gold: .50 with tie 7
        tie             –     4     7     3    –
        before?         –    yes  itself  yes  –        → 2

    `rescored` (n,) holds the exact scores that this query has needed so far, NaN elsewhere, so that
    no pair is scored twice.
    """
    before = 0
    for i in range(len(scores)):
        if low <= scores[i] <= high:
            if np.isnan(rescored[i]):
                rescored[i] = dot(query, passages[i])
            score = rescored[i]
            before += (score > gold_score) | ((score == gold_score) & (tie[i] < gold_tie))
    return before


class TileArrays(NamedTuple):
    """A tile as the kernels take it: q queries, n passages.

    Attributes:
        scores: (q, n) the tile's scores, each at most `slack` from the exact one.
        slack: (q,) how far a score may lie from the exact one.
        queries: (q, d) the vectors of the queries.
        passages: (n, d) the vectors of the passages.
        rows: (n,) the passages' row numbers.
        tie: (n,) the passages' places among equal scores.
    """

    scores: Vectors
    slack: Vectors
    queries: Vectors
    passages: Vectors
    rows: Rows
    tie: Rows


class PoolStretches(NamedTuple):
    """Where a tile's passages, which are sorted by pool, change from one pool to the next.

    Attributes:
        start: (P + 1,) the column at which each of the tile's P pools starts, then n.
        pool: (P,) which pools these are.
    """

    start: Rows
    pool: Rows


class GoldArrays(NamedTuple):
    """The G relevant passages of a tile's queries, sorted by query.

    Attributes:
        first: (q + 1,) where each query's relevant passages start in the arrays below, then G.
        column: (G,) their columns in the tile; outside 0 to n − 1 if they are not in it.
        score: (G,) their exact scores.
        tie: (G,) their places among equal scores.
        pool: (G,) their pools.
    """

    first: Rows
    column: Rows
    score: Vectors
    tie: Rows
    pool: Rows


@numba.njit(parallel=True, cache=True, nogil=True)
def count_before(
    tile: TileArrays, pools: PoolStretches, gold: GoldArrays, in_pool: Rows, in_all: Rows
) -> None:
    """Adds to each gold (relevant) passage's ranks the passages of a tile that stand before it.

    The passages of a pool stand side by side, so that a row of the tile falls into one stretch a
    pool:

        pool             de           en           fr
        start            0            3            5        7
        scores of q   | .2  .7  .3 | .9  .4     | .1  .8 |
                                          ^ gold: English, score .4
        before it     |      1     |  1         |      1 |    in_pool += 1, in_all += 3

    Args:
        tile: scores, vectors and ties.
        pools: the stretches of the pools in the tile.
        gold: the relevant passages of the tile's queries.
        in_pool: (G,) their ranks in their own pools so far; changed in place.
        in_all: (G,) their ranks in the pool of all so far; changed in place.
    """
    n_passages = tile.scores.shape[1]
    for q in numba.prange(len(tile.scores)):
        rescored = np.full(n_passages, np.float32(np.nan))
        for g in range(gold.first[q], gold.first[q + 1]):
            low = np.float32(gold.score[g] - tile.slack[q])
            high = np.float32(gold.score[g] + tile.slack[q])
            for p in range(len(pools.pool)):
                start, stop = pools.start[p], pools.start[p + 1]
                before, close = count_band(tile.scores[q, start:stop], low, high)
                is_itself = start <= gold.column[g] < stop
                if close > is_itself:  # passages other than itself may be before or after
                    before += count_close_before(
                        tile.scores[q, start:stop],
                        low,
                        high,
                        tile.queries[q],
                        tile.passages[start:stop],
                        rescored[start:stop],
                        tile.tie[start:stop],
                        gold.score[g],
                        gold.tie[g],
                    )
                in_all[g] += before
                if pools.pool[p] == gold.pool[g]:
                    in_pool[g] += before


@numba.njit(parallel=True, cache=True, nogil=True)
def keep_best(tile: TileArrays, best_rows: Rows, best_ties: Rows, best_scores: Vectors) -> None:
    """Inserts the passages of a tile where they belong among each query's k best so far.

        k = 3            best_scores    best_rows
        so far           .9  .7  .4     5   2   8
        row 11, .8       .9  .8  .7     5  11   2       row 8 is no longer among the best

    A passage is scored exactly only if its score in the tile may reach the worst that is kept.

    Args:
        tile: scores, vectors and ties.
        best_rows: (q, k) row numbers, best first; changed in place, as are the next two.
        best_ties: (q, k) their places among equal scores.
        best_scores: (q, k) their exact scores.
    """
    last = best_rows.shape[1] - 1
    for q in numba.prange(len(tile.scores)):
        for i in range(tile.scores.shape[1]):
            if tile.scores[q, i] < best_scores[q, last] - tile.slack[q]:
                continue
            score = dot(tile.queries[q], tile.passages[i])
            place = last + 1
            while place > 0 and (
                best_scores[q, place - 1] < score
                or (best_scores[q, place - 1] == score and best_ties[q, place - 1] > tile.tie[i])
            ):
                if place <= last:  # the one before moves down
                    best_scores[q, place] = best_scores[q, place - 1]
                    best_ties[q, place] = best_ties[q, place - 1]
                    best_rows[q, place] = best_rows[q, place - 1]
                place -= 1
            if place <= last:
                best_scores[q, place] = score
                best_ties[q, place] = tile.tie[i]
                best_rows[q, place] = tile.rows[i]


Keys = NDArray[np.uint64]


@numba.njit(cache=True, nogil=True)
def mixed(key: np.uint64, query_key: np.uint64) -> np.uint64:
    """A passage's place among those that tie for a query: smaller is better.

    The finaliser of splitmix64 (Steele et al. 2014), which is one to one: different keys stay
    different. Each query has an order of its own, so that no passage is lucky with all of them.
    """
    z = key ^ query_key
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(parallel=True, cache=True, nogil=True)
def count_ties(
    scores: Vectors, pool: Rows, key: Keys, query_key: Keys, mix: bool, first: Rows, column: Rows
) -> NDArray[np.int64]:
    """Counts the passages with higher and with equal scores for each gold (relevant) passage.

        scores of q     .4    .0    .0    .7    .0      gold: the second, in the pool "en"
        pool            en    en    de    de    en
        key                    5     9           2
                      higher gold  equal higher equal, and before gold by its key

        → own pool: 1 higher, 1 equal, 1 of these before; all: 2 higher, 2 equal, 1 before

    Args:
        scores: (q, N) the scores of some queries and all passages.
        pool: (N,) each passage's pool.
        key: (N,) different numbers, by which passages with equal scores are ordered.
        query_key: (q,) what these numbers are mixed with.
        mix: whether they are mixed; otherwise the smaller key is the better in every query.
        first: (q + 1,) where each query's gold passages start in `column`, then G.
        column: (G,) the gold passages.

    Returns:
        (G, 2, 3): higher, equal (itself not counted) and equal before it; in the passage's own
        pool, then in the pool of all.
    """
    counts = np.zeros((len(column), 2, 3), np.int64)
    for q in numba.prange(len(scores)):
        for g in range(first[q], first[q + 1]):
            gold = column[g]
            score = scores[q, gold]
            gold_key = mixed(key[gold], query_key[q]) if mix else key[gold]
            for i in range(scores.shape[1]):
                other = scores[q, i]
                if other < score or i == gold:
                    continue
                is_own = pool[i] == pool[gold]
                if other > score:
                    counts[g, 0, 0] += is_own
                    counts[g, 1, 0] += 1
                    continue
                counts[g, 0, 1] += is_own
                counts[g, 1, 1] += 1
                other_key = mixed(key[i], query_key[q]) if mix else key[i]
                if other_key < gold_key:
                    counts[g, 0, 2] += is_own
                    counts[g, 1, 2] += 1
    return counts


@numba.njit(parallel=True, cache=True, nogil=True)
def first_of_scores(scores: Vectors, key: Keys, query_key: Keys, mix: bool, k: int) -> Rows:
    """Finds the k best passages of each query; equal scores are ordered as in `count_ties`.

    Args:
        scores: (q, N) the scores of some queries and all passages.
        key: (N,) different numbers, by which passages with equal scores are ordered.
        query_key: (q,) what these numbers are mixed with.
        mix: whether they are mixed.
        k: how many passages are kept, N at most.

    Returns:
        (q, k) columns, best first.
    """
    best = np.full((len(scores), k), -1)
    for q in numba.prange(len(scores)):
        keys = np.empty(k, np.uint64)
        for i in range(scores.shape[1]):
            score = scores[q, i]
            n_kept = min(i, k)
            if n_kept == k and score < scores[q, best[q, k - 1]]:
                continue
            own = mixed(key[i], query_key[q]) if mix else key[i]
            place = n_kept
            while place > 0:
                other = scores[q, best[q, place - 1]]
                if other > score or (other == score and keys[place - 1] < own):
                    break
                if place < k:  # the one before moves down
                    best[q, place] = best[q, place - 1]
                    keys[place] = keys[place - 1]
                place -= 1
            if place < k:
                best[q, place] = i
                keys[place] = own
    return best
