"""Exact search: the rank of every relevant passage, and the k best passages of every query.

**Scores.** A score is the dot product, summed in double precision and rounded to single
(`kernels.dot`). Computing all scores that way would be slow. A single-precision matrix product is
fast, but it rounds: each of its scores lies within `slack` of the exact one
(`tiles.rounding_bound`).

**Counting ranks.** A rank needs no sorting: it is 1 + the number of passages that stand before. Let
the relevant passage g have the exact score .50, and the slack be .02. For each passage of the tile
there are three cases:

===========  ===============  ====================================================================
tile score   exact score      does the passage stand before g?
===========  ===============  ====================================================================
above .52    above .50        yes: it is counted
below .48    below .50        no
.48 to .52   unknown          it is scored exactly; before g if above .50, or equal and first by tie
===========  ===============  ====================================================================

With tile scores .90, .51, .50 (g itself), .49 and .10, one passage is counted at once, two are
scored again, and g is left out. If their exact scores are .507 and .492, the rank of g is 1 + 1 + 1
= 3. The middle case is rare (a slack is some 10⁻⁵ for unit vectors), so that all ranks cost little
more than one matrix product. The passages are read pool by pool, and so one pass gives the rank in
the passage's own pool and in the pool of all languages.

**The k best.** A query's list of k passages is kept sorted. A passage whose tile score is more than
the slack below the worst of the list cannot enter it; any other is scored exactly and inserted at
its place.

Neither result depends on the shape of the tiles, the number of threads, the machine or the order in
which passages are stored.
"""

from __future__ import annotations

import numpy as np

from hbtlib.checks import check_integer
from hbtlib.search.inputs import PassageTable, RelevantPassages
from hbtlib.search.kernels import (
    GoldArrays,
    PoolStretches,
    TileArrays,
    count_before,
    keep_best,
)
from hbtlib.search.matrix import Matrix, Rows, Vectors
from hbtlib.search.tiles import Tile, tiles


def count_ranks(
    queries: Vectors, passages: PassageTable, relevant: RelevantPassages, memory: float
) -> tuple[Rows, Rows]:
    """The ranks of the relevant passages, by counting the passages that stand before each of them.

    Args:
        queries: (Q, d) the queries' vectors.
        passages: the passages.
        relevant: the G relevant passages whose ranks are wanted.
        memory: GB, as in `tiles.tiles`.

    Returns:
        The ranks, from 1 on, in the passage's own pool and in the pool of all; both (G,).
    """
    pool_by_pool = np.argsort(passages.pool, kind="stable")
    place = np.argsort(pool_by_pool, kind="stable")[relevant.passage]  # in that order
    first_of_query = np.searchsorted(relevant.query, np.arange(len(queries) + 1))
    in_pool = np.ones(len(relevant.query), np.int64)
    in_all = np.ones(len(relevant.query), np.int64)
    for tile in tiles(queries, passages.vectors, memory, pool_by_pool):
        first_gold = first_of_query[tile.asked.start : tile.asked.stop + 1]
        mine = slice(first_gold[0], first_gold[-1])
        gold = GoldArrays(
            first=first_gold - first_gold[0],
            column=place[mine] - tile.start,
            score=relevant.score[mine],
            tie=relevant.tie[mine],
            pool=relevant.pool[mine],
        )
        pools = _pool_stretches(passages.pool[tile.rows])
        arrays = _arrays(tile, passages.tie[tile.rows])
        count_before(arrays, pools, gold, in_pool[mine], in_all[mine])
    return in_pool, in_all


def nearest(
    query_vectors: Vectors,
    passage_vectors: Matrix,
    k: int,
    *,
    tie: Rows | None = None,
    memory: float = 1.0,
) -> tuple[Rows, Vectors]:
    """Finds each query's k best passages, exactly.

    Args:
        query_vectors: (Q, d) float32.
        passage_vectors: (N, d), an array or a `store.Store`.
        k: how many passages are kept of each query; fewer are returned if there are fewer.
        tie: (N,) the passages' places among equal scores: of two equal ones the one with the
            smaller place is the better. None: the earlier row is the better.
        memory: the GB the search may take, as in `rank_vectors`.

    Returns:
        Row numbers and scores of the passages, both (Q, k), best first.

    Raises:
        ValueError: if k is below 1, or `memory` is not above 0.

    Example:
        >>> import numpy as np
        >>> passages = np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32)
        >>> rows, scores = nearest(np.array([[1, 0]], np.float32), passages, k=2)
        >>> rows, scores
        (array([[0, 2]]), array([[1. , 0.5]], dtype=float32))
    """
    k = check_integer("k", k, minimum=1)
    shape = (len(query_vectors), min(k, passage_vectors.shape[0]))
    best_rows = np.full(shape, -1)
    best_ties = np.full(shape, np.iinfo(np.int64).max)
    best_scores = np.full(shape, -np.inf, np.float32)
    for tile in tiles(query_vectors, passage_vectors, memory):
        arrays = _arrays(tile, tile.rows if tie is None else tie[tile.rows])
        asked = tile.asked
        keep_best(arrays, best_rows[asked], best_ties[asked], best_scores[asked])
    return best_rows, best_scores


def _arrays(tile: Tile, tie: Rows) -> TileArrays:
    """A tile as the kernels take it, with its passages' places among equal scores."""
    return TileArrays(tile.scores, tile.slack, tile.queries, tile.passages, tile.rows, tie)


def _pool_stretches(pool: Rows) -> PoolStretches:
    """Finds the stretches of the pools among passages that are sorted by pool, (n,)."""
    starts = np.flatnonzero(np.diff(pool, prepend=-1))
    return PoolStretches(start=np.append(starts, len(pool)), pool=pool[starts])
