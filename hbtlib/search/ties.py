"""The order of passages with equal scores.

Of vectors it is trec_eval's: the larger passage id comes first, by its characters' code points.
With one rule for ties, ranks do not depend on the order in which passages are stored, and trec_eval
computes the same measures from the same scores.

Where scores tie by the thousand, as the zeros of BM25 do, that rule is a bias: ids often begin with
a language's code, and the order of the alphabet would read as a preference for languages. There an
order by hash of the texts (`text_keys`) treats all passages alike.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

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


def text_keys(texts: pd.Series, role: str = "passage") -> NDArray[np.uint64]:
    """A number for each text that depends neither on its id nor on its language.

    Args:
        texts: (N,) texts, of which some may be equal.
        role: "query" or "passage"; a text has another number in the other role.

    Returns:
        (N,) a hash of the text and of how many equal texts stand before it, so that equal texts
        have different numbers.

    Example:
        >>> keys = text_keys(pd.Series(["Rome", "Oslo", "Rome"]))
        >>> len(set(keys.tolist()))
        3
    """
    seen: dict[str, int] = {}
    keys = np.empty(len(texts), np.uint64)
    for i, text in enumerate(texts):
        seen[text] = seen.get(text, -1) + 1
        said = f"{role}: {text}".encode("utf-8", "surrogatepass")
        keys[i] = xxh3_64_intdigest(said, seed=seen[text])
    return keys


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
