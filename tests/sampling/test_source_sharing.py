"""Several sources share the batches of an epoch."""

from __future__ import annotations

import pytest
from plan_requests import FIVE, full

from hbtlib.sampling.epochs import EpochOrder, share_epoch
from hbtlib.sampling.plan import BatchPlan


@pytest.mark.parametrize(
    ("sources", "batches"),
    [
        ("size", (10, 40)),
        (1.0, (10, 40)),
        (0, (25, 25)),
        (0.5, (16.7, 33.3)),
        ({"a": 3, "b": 1}, (37.5, 12.5)),
        ({"a": 1e9, "b": 1}, (49, 1)),
    ],
)
def test_sources_share_an_epoch(
    sources: str | float | dict[str, float], batches: tuple[float, float]
) -> None:
    plan = BatchPlan(
        [full(100, name="a"), full(400, FIVE[:3], "b")], batch_size=10, sources=sources
    )
    epochs = [[plan[epoch * 50 + t].source for t in range(50)] for epoch in range(3)]
    assert len(plan) == 50
    assert [epochs[0].count(s) for s in (0, 1)] == pytest.approx(batches, abs=1)
    assert epochs[0] != sorted(epochs[0]), "one source after the other"
    assert not epochs[0] == epochs[1] == epochs[2], "every epoch in the same order"


def test_shares_are_rounded_by_the_largest_remainder() -> None:
    assert share_epoch({"a": 5, "b": 3, "c": 2}, ["a", "b", "c"], [4, 4, 4]) == [5, 4, 3]
    with pytest.raises(ValueError, match="sources is 'even'"):
        share_epoch("even", ["a", "b"], [1, 1])


def test_turns_and_batch_numbers_are_each_other_s_inverse() -> None:
    order = EpochOrder(seed=3, shares=[4, 1, 7])
    found = [order.find(t) for t in range(5 * len(order))]
    for source in range(3):
        turns = [turn for other, turn in found if other == source]
        assert turns == list(range(len(turns)))
        asked = range(2, len(turns))
        numbers = [t for t, (other, turn) in enumerate(found) if other == source and turn in asked]
        assert order.batch_numbers(source, asked).tolist() == numbers
