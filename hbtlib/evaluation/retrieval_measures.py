"""The measures of retrieval: mAP, MRR, nDCG, recall and the rank distance, each of one query.

They are trec_eval's, computed from the ranks of the relevant passages alone. In the chance levels N
is the number of passages in the pool, n the number of those relevant to the query, and H_k = 1 +
1/2 + … + 1/k; without a cut-off, k is N.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hbtlib.evaluation.declaration import measure

Floats = NDArray[np.float64]


class RankedQueries:
    """A ranks table, grouped by query and pool, each group's rows sorted from best to worst.

    Args:
        ranks: R rows, one per query, relevant passage and pool.

    Attributes:
        group: (R,) the group of each row.
        starts: (G,) the first row of each group.
        rank: (R,) the ranks; infinity where a search index did not find the passage.
        place: (R,) 1 for the best relevant passage of the group, 2 for the next, and so on.
        grade: (R,) how relevant the passage is; 1 if the table has no grades.
        n_relevant: (G,) how many passages of the pool are relevant to the query.
        agrees: (R,) whether a row gives the same number of relevant passages as its group.
        table: query_id, question_id, query_language and pool of each group.
    """

    def __init__(self, ranks: pd.DataFrame) -> None:
        groups = ranks.groupby(["query_id", "pool"], observed=True).ngroup().to_numpy()
        rank = ranks["rank"].to_numpy(np.float64, na_value=np.inf)
        order = np.lexsort([rank, groups])
        self.group = groups[order]
        self.starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        self.rank = rank[order]
        self.place = np.arange(len(order)) - self.starts[self.group] + 1.0
        graded = "grade" in ranks
        self.grade = ranks["grade"].to_numpy(np.float64)[order] if graded else np.ones(len(order))
        n_relevant = ranks["n_relevant"].to_numpy(np.float64)[order]
        self.n_relevant = n_relevant[self.starts]
        self.agrees = n_relevant == self.n_relevant[self.group]
        keys = ["query_id", "question_id", "query_language", "pool"]
        # The columns are taken one by one: that copies no others, which may be many and long.
        first = order[self.starts]
        self.table = pd.DataFrame({key: ranks[key].array[first] for key in keys})

    def sum(self, values: Floats) -> Floats:
        """Sums values over each group's rows: (R,) → (G,)."""
        return np.add.reduceat(values, self.starts) if len(values) else values


@measure(
    "mAP",
    unit="share",
    bounds="0 to 1",
    better="higher",
    chance="[H_k + (k − H_k)(n − 1) / (N − 1)] / N",
    source="trec_eval's map and map_cut",
)
def average_precision(queries: RankedQueries, k: float) -> Floats:
    """Average precision.

    The sum over the relevant passages in the top k of (place among the relevant passages / rank),
    divided by the number of all relevant passages.
    """
    precision = np.where(queries.rank <= k, queries.place / queries.rank, 0.0)
    return queries.sum(precision) / queries.n_relevant


@measure(
    "MRR",
    unit="1 / rank",
    bounds="0 to 1",
    better="higher",
    chance="Σ_{r ≤ k} C(N − r, n − 1) / (r · C(N, n)), for n = 1: H_k / N",
    source="trec_eval's recip_rank",
)
def reciprocal_rank(queries: RankedQueries, k: float) -> Floats:
    """Reciprocal rank: 1 / rank of the best relevant passage, 0 if that rank is past k."""
    best = queries.rank[queries.starts]
    return np.where(best <= k, 1.0 / best, 0.0)


@measure(
    "nDCG",
    unit="share of the best order's gain",
    bounds="0 to 1",
    better="higher",
    chance="(sum of the grades / N) · Σ_{r ≤ k} 1 / log₂(r + 1), over the best order's sum",
    source="Järvelin & Kekäläinen 2002; trec_eval's ndcg and ndcg_cut",
)
def ndcg(queries: RankedQueries, k: float) -> Floats:
    """Normalised discounted cumulative gain.

    The sum over the top k of grade / log₂(rank + 1), divided by the same sum for the best possible
    order. The gain is the grade itself, as in trec_eval.
    """
    gain = np.where(queries.rank <= k, queries.grade / np.log2(queries.rank + 1), 0.0)
    best_order = np.lexsort([-queries.grade, queries.group])  # each group's grades, high to low
    best_gain = queries.grade[best_order] / np.log2(queries.place + 1)
    return queries.sum(gain) / queries.sum(np.where(queries.place <= k, best_gain, 0.0))


@measure(
    "R",
    unit="share",
    bounds="0 to 1",
    better="higher",
    chance="k / N",
    source="trec_eval's recall",
    needs_cutoff=True,
)
def recall(queries: RankedQueries, k: float) -> Floats:
    """Recall: the share of the relevant passages that are in the top k."""
    return queries.sum((queries.rank <= k).astype(np.float64)) / queries.n_relevant


@measure(
    "rank-distance",
    unit="ranks",
    bounds="n − 1 to N − 1, with a cut-off 0 to k − 1",
    better="lower",
    chance="(N + 1)(n − 1) / (n + 1) without a cut-off",
    source="arXiv 2408.10536, section 5.3",
)
def rank_distance(queries: RankedQueries, k: float) -> Floats:
    """The largest minus the smallest rank of the relevant passages; ranks past k count as k."""
    capped = np.minimum(queries.rank, k)
    return np.maximum.reduceat(capped, queries.starts) - capped[queries.starts]


MEASURES = {
    one.name: one for one in (average_precision, reciprocal_rank, ndcg, recall, rank_distance)
}
