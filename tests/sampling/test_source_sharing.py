"""Several sources share the batches of an epoch."""

from __future__ import annotations

import pytest
from plan_requests import FIVE, full, partial

from hbtlib.sampling.epochs import EpochOrder, share_epoch
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.sizes import Sized


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


@pytest.mark.parametrize("sources", ["size", 0, {"s0": 1, "s1": 3}])
@pytest.mark.parametrize("strategy", ["x-x-mono", "x-y", "hybrid"])
@pytest.mark.parametrize("steps", [1, 7, 30, 31, 95])
def test_the_shares_are_what_the_batches_hold(
    sources: str | float | dict[str, float], strategy: str, steps: int
) -> None:
    whole = full(41, name="s0")
    packed = partial(1, 60, FIVE[:3], 0.6, alike=True, least=1)
    packed.name = "s1"
    plan = BatchPlan([whole, packed], strategy, batch_size=8, sources=sources, seed=2)
    found = plan.shares(steps)
    batches = [plan[t] for t in range(steps)]
    for number, row in enumerate(found.itertuples()):
        own = [len(batch) for batch in batches if batch.source == number]
        assert (row.source, row.batches, row.pairs) == (f"s{number}", len(own), sum(own))
        assert row.passes == pytest.approx(sum(own) / row.usable)
    assert found["share"].sum() == pytest.approx(1)
    assert found["ids"].tolist() == [41, 60]
    assert found["usable"].sum() == plan.usable


def test_the_shares_of_an_epoch_by_size_visit_each_id_once() -> None:
    plan = BatchPlan([full(41, name="a"), full(160, FIVE[:3], "b")], batch_size=8)
    assert plan.shares()["passes"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="steps"):
        plan.shares(0)


def test_a_source_may_be_a_size_alone() -> None:
    sized = [Sized("a", 41, FIVE), Sized("b", 160, FIVE[:3])]
    plan = BatchPlan(sized, batch_size=8, seed=4)
    same = BatchPlan([full(41, name="a"), full(160, FIVE[:3], "b")], batch_size=8, seed=4)
    for t in range(len(plan)):
        assert plan[t].ids.tolist() == same[t].ids.tolist()
        assert plan[t].query_languages.tolist() == same[t].query_languages.tolist()
    for size, languages in ((0, FIVE), (1.5, FIVE), (3, ())):
        with pytest.raises(ValueError, match="'c'"):
            Sized("c", size, languages)  # type: ignore[arg-type]
