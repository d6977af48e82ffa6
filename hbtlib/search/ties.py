"""The order of passages with equal scores, which is trec_eval's: the larger passage id comes first.

Ids are compared by their characters' code points. With one rule for ties, ranks do not depend on
the order in which passages are stored, and trec_eval computes the same measures from the same
scores.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hbtlib.search.matrix import Rows, Vectors


def tie_order(passage_ids: pd.Series) -> Rows:
    """Gives each passage its place among all passages if all scores were equal.

    Args:
        passage_ids: (N,) distinct ids.

    Returns:
        (N,) places from 0 on. Of two passages with equal scores the one with the smaller place is
        ranked first.

    Example:
        >>> tie_order(pd.Series(["p1", "p9", "p10"])).tolist()
        [2, 0, 1]
    """
    # Arrow compares UTF-8 bytes, whose order is that of the code points.
    descending = pc.sort_indices(pa.array(passage_ids), sort_keys=[("", "descending")])
    return np.argsort(descending.to_numpy().astype(np.int64), kind="stable")


def best_first(rows: Rows, scores: Vectors, tie: Rows, k: int) -> tuple[Rows, Vectors]:
    """Sorts each query's candidates by score, equal ones by the tie rule, and keeps the k best.

    Args:
        rows: (Q, n) passage rows; −1 where nothing was found, with the score −inf, stands last.
        scores: (Q, n) their scores.
        tie: (N,) each passage's place among equals, from `tie_order`.
        k: how many candidates to keep.

    Returns:
        Rows and scores, both (Q, min(k, n)).
    """
    order = np.lexsort((tie[rows], -scores))[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
