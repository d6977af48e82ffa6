"""Equal scores: the larger passage id first, wherever in a tile the passages are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from rankings import with_doubles

import hbtlib as hbt


@pytest.mark.parametrize(
    ("queries", "passages", "width"), [(1, 37, 4), (3, 37, 384), (33, 100, 64)]
)
def test_passages_of_equal_vectors_are_tied(queries: int, passages: int, width: int) -> None:
    """A sentence that stands twice has one vector: it is the id that says which comes first.

    A matrix product may round equal columns differently by their place (BLAS's kernels for the
    edges), so that a product alone does not see the tie.
    """
    benchmark, q, p = with_doubles(1, queries, passages, width)
    ranks = hbt.rank_vectors(q, p, benchmark)
    joint = ranks[ranks["pool"] == "all"].astype({"passage_id": "str", "query_id": "str"})
    joint = joint.merge(benchmark.passages[["passage_id", "text"]])
    same = joint.groupby(["query_id", "text"])
    assert (same["score"].min() == same["score"].max()).all(), "one vector, two scores"
    by_id = joint.sort_values("passage_id", ascending=False, kind="stable").groupby(
        ["query_id", "text"]
    )["rank"]
    assert by_id.apply(lambda rank: (np.diff(rank) == 1).all()).all(), (
        "one vector, not in the order of ids"
    )


def test_a_tie_goes_to_the_larger_id_by_code_points() -> None:
    ids = ["p10", "p9", "P9", "pé", "p中", "p\uffee", "p😀"]  # UTF-16 would put 😀 before U+FFEE
    queries = pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["?"]})
    passages = pd.DataFrame({"passage_id": ids, "language": "en", "text": "one"})
    judgements = pd.DataFrame({"query_id": "q", "passage_id": ids})
    ranks = hbt.rank_vectors(
        np.ones((1, 2)), np.ones((7, 2)), hbt.Benchmark("ties", queries, passages, judgements)
    )
    assert ranks.sort_values("rank")["passage_id"].tolist() == [
        "p😀",
        "p\uffee",
        "p中",
        "pé",
        "p9",
        "p10",
        "P9",
    ]
