"""The chance levels that measures of retrieval declare, against the mean over every ranking."""

from __future__ import annotations

from itertools import permutations
from math import comb, log2

import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.evaluation.metrics import parse, per_query
from hbtlib.evaluation.retrieval_measures import MEASURES


def every_ranking(passages: int, grades: list[int]) -> pd.DataFrame:
    """Ranks of as many queries as there are ways to rank these relevant passages in a pool."""
    rows = [
        {"query_id": f"q{i}", "passage_id": f"p{j}", "rank": rank, "grade": grade}
        for i, ranks in enumerate(permutations(range(1, passages + 1), len(grades)))
        for j, (rank, grade) in enumerate(zip(ranks, grades, strict=True))
    ]
    shared = {"query_language": "en", "pool": "all", "n_relevant": len(grades)}
    return pd.DataFrame(rows).assign(question_id=lambda table: table["query_id"], **shared)


@pytest.mark.parametrize(
    ("passages", "grades", "k"),
    [(6, [1], 3), (6, [1], 6), (6, [2, 1], 2), (6, [1, 1, 3], 4), (5, [1, 1, 1, 1, 1], 2)],
)
def test_chance_is_the_mean_over_every_ranking(passages: int, grades: list[int], k: int) -> None:
    relevant = len(grades)
    harmonic = sum(1 / r for r in range(1, k + 1))
    gains = [1 / log2(r + 1) for r in range(1, k + 1)]
    best = sum(g * gain for g, gain in zip(sorted(grades, reverse=True), gains, strict=False))
    others = (relevant - 1) / (passages - 1)
    expected = {
        f"mAP@{k}": (harmonic + (k - harmonic) * others) / passages,
        f"MRR@{k}": sum(
            comb(passages - r, relevant - 1) / (r * comb(passages, relevant))
            for r in range(1, k + 1)
        ),
        f"nDCG@{k}": sum(grades) / passages * sum(gains) / best,
        f"R@{k}": k / passages,
        "rank-distance": hbt.chance_rank_distance(passages, relevant),
    }
    found = per_query(every_ranking(passages, grades), list(expected))[list(expected)].mean()
    assert found.to_dict() == pytest.approx(expected)


def test_every_metric_is_declared_and_documented() -> None:
    documented = " ".join((hbt.measure.__doc__ or "").split())
    for name, declared in MEASURES.items():
        assert parse(f"{name}@3") == (name, 3)
        assert declared.definition in documented
        assert f"Chance: {' '.join(declared.chance.split())}." in documented
