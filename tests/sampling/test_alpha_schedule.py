"""The share of the two kinds of batches follows α, and α its schedule."""

from __future__ import annotations

import numpy as np
import pytest
from plan_requests import FIVE, Masks, full, pairs_of, partial, within

from hbtlib.sampling.plan import BatchPlan

HOLES = partial(
    0, 8000, FIVE, 0.5, alike=True, least=2
)  # two languages at least, and so the choice between the kinds


BOTH = pytest.mark.parametrize("source", [full(8000), HOLES], ids=["full", "partial"])


@pytest.mark.parametrize("alpha", [0, 0.1, 0.5, 0.8, 1])
@BOTH
def test_kinds_follow_alpha(alpha: float, source: Masks) -> None:
    plan = BatchPlan(source, "hybrid", alpha, batch_size=10)
    batches = [plan[t] for t in range(len(plan))]
    assert max(map(len, batches)) == 10
    first = sum(len(b) for b in batches if b.kind == "x-x-mono")
    assert first == 8000 * alpha if alpha in (0, 1) else within(first // 10, 800, alpha)
    plan = BatchPlan(source, "hybrid", alpha, batch_size=10, mix="pair")
    batches = [plan[t] for t in range(len(plan))]
    assert within(sum(a == b for batch in batches for a, b in pairs_of(batch)), 8000, alpha)
    mixed = sum(len({a == b for a, b in pairs_of(batch)}) == 2 for batch in batches)
    assert mixed == 0 if alpha in (0, 1) else mixed > 0.5 * len(batches), (
        "kinds do not meet in a batch"
    )


@BOTH
def test_kinds_follow_a_linear_schedule(source: Masks) -> None:
    plan = BatchPlan(source, "hybrid", {"linear": [0.9, 0.1]}, batch_size=10, steps=4000)
    batches = [plan[t] for t in range(4400)]
    assert [b.alpha for b in batches] == pytest.approx(
        [0.9 - 0.8 * min(t / 4000, 1) for t in range(4400)]
    )
    for start in range(0, 4400, 400):
        window = batches[start : start + 400]
        assert within(
            sum(b.kind == "x-x-mono" for b in window),
            400,
            float(np.mean([b.alpha for b in window])),
        )


@pytest.mark.parametrize("sources", ["size", 0.0, {"a": 9, "b": 1}])
def test_kinds_follow_a_step_schedule_to_the_batch(sources: str | float | dict[str, float]) -> None:
    two = [
        full(300, name="a"),
        full(700, name="b"),
    ]  # a pass of a source spans epochs: their orders are wanted in turn
    plan = BatchPlan(
        two,
        "hybrid",
        {"step": [[0, 0], [0.25, 1], [0.5, 0]]},
        batch_size=10,
        sources=sources,
        steps=1000,
    )
    assert [plan[t].alpha for t in (0, 249, 250, 499, 500, 9999)] == [0, 0, 1, 1, 0, 0]
    assert [plan[t].kind for t in range(1200)] == ["x-y"] * 250 + ["x-x-mono"] * 250 + ["x-y"] * 700
