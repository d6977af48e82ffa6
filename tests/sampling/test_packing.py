"""Packing ids that lack languages: few batches, and each of them sound."""

from __future__ import annotations

import numpy as np
import pytest
from plan_requests import FIVE, Masks, Request, check_batch, of_codes, partial

from hbtlib.sampling.classes import group_ids
from hbtlib.sampling.drawing import language_bits
from hbtlib.sampling.packing import pack, split_between_kinds
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import X_X_MONO, X_Y


@pytest.mark.parametrize("strategy", ["x-x-mono", "hybrid", "x-y-mono"])
@pytest.mark.parametrize("n", [436, 10_000])
def test_a_few_holes_leave_most_batches_whole(strategy: str, n: int) -> None:
    """A batch's size is its number of negatives, in which strategies compared must not differ.

    Every id has de and en here.
    """
    plan = BatchPlan(
        partial(0, n, (*FIVE, "ar", "es", "hi", "zh"), 0.9, alike=True, least=2),
        strategy,
        batch_size=96,
    )
    assert len(plan) <= n // 96 + 3, (
        f"{len(plan)} batches for {n} ids, of {n / len(plan):.1f} on average"
    )


# Sources each hard in one way; random ones meet them rarely.
SMALLEST = {
    "one class serves, and it is not the first": (of_codes("de", "de", "de en", "de en"), "x-y", 2),
    "ids all alike, for one kind alone": (of_codes(*[("de", "en")] * 9), "hybrid", 1),
    "batches of one id": (of_codes("de en", "de"), "x-x", 1),
    "as many ids as languages": (of_codes(*FIVE, " ".join(FIVE)), "x-x-mono", 6),
    "both kinds, ids for one each": (of_codes("de", ("de", "en"), "de", ("en", "de")), "hybrid", 2),
}


def check_epoch(source: Masks, strategy: str, size: int) -> None:
    request = Request(
        [source], {"strategy": strategy, "batch_size": size, "alpha": 0.5, "mix": "batch"}
    )
    plan = request.plan()
    batches = [plan[t] for t in range(len(plan))]
    for batch in batches:
        check_batch(request, batch)
    assert sorted(i for b in batches for i in b.ids.tolist()) == request.usable(0)


@pytest.mark.parametrize("case", SMALLEST)
def test_smallest_sources(case: str) -> None:
    check_epoch(*SMALLEST[case])


@pytest.mark.parametrize("count", [16, 17, 32, 33, 64])
def test_many_languages(count: int) -> None:
    rng, dtype = np.random.default_rng(count), np.min_scalar_type((1 << count) - 1)
    bits = [0, *range(count - 7, count)]  # the lowest bit and the highest ones
    masks = [
        np.array([sum(1 << int(b) for b in rng.choice(bits, 3, False)) for _ in range(80)], dtype)
        for _ in "qp"
    ]
    check_epoch(Masks("many", tuple(f"l{i:02}" for i in range(count)), *masks), "hybrid", 8)


def random_classes(seed: int, languages: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Up to 12 classes that any kind can serve: their sizes, and the languages they exist in."""
    rng = np.random.default_rng(seed)
    exists = rng.random((2, 12, languages)) < 0.5
    exists[:, :, 0] |= ~exists.any(axis=2)
    query, passage = exists
    both = (query & passage).sum(axis=1)
    usable = (both > 0) & (query.sum(axis=1) * passage.sum(axis=1) > both)
    return rng.integers(0, 40, usable.sum()), query[usable], passage[usable]


@pytest.mark.parametrize(("same", "pivot"), [(True, None), (False, None), (False, 0)])
@pytest.mark.parametrize("seed", range(20))
def test_packing_keeps_its_promises(seed: int, same: bool, pivot: int | None) -> None:
    counts, query, passage = random_classes(seed, languages=4)
    if pivot is not None:
        query[:, pivot], passage[:, pivot + 1] = True, True  # every class can serve
    size = 7
    batches = pack(counts, query, passage, same_language=same, size=size, pivot=pivot)
    packed = np.zeros_like(counts)
    for portions in batches:
        classes = [number for number, _ in portions]
        assert len(set(classes)) == len(classes)
        assert 1 <= sum(count for _, count in portions) <= size
        served = [
            (a, b)
            for a in range(4)
            for b in range(4)
            if (a == b) == same and pivot in (None, a, b)
            if query[classes, a].all() and passage[classes, b].all()
        ]
        assert served, "no pair of languages serves the whole batch"
        for number, count in portions:
            packed[number] += count
    assert packed.tolist() == counts.tolist(), "each id in exactly one batch"
    assert len(batches) <= (counts // size).sum() + len(counts)


@pytest.mark.parametrize("seed", range(10))
def test_a_language_that_all_have_gives_the_fewest_batches(seed: int) -> None:
    counts, query, passage = random_classes(seed, languages=4)
    query[:, 2] = True
    passage[:, 2] = True
    batches = pack(counts, query, passage, same_language=True, size=7)
    assert len(batches) == -(-counts.sum() // 7)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_first_kind_gets_its_share_as_far_as_ids_allow(share: float) -> None:
    source = of_codes(*[("de", "en")] * 10, *["de"] * 20, *["de en"] * 30, *["de fr"] * 40)
    bits = language_bits(source, source.languages)
    classes = group_ids(source, bits, X_X_MONO, X_Y)
    for_first, for_second = split_between_kinds(classes, share)
    assert (for_first + for_second).tolist() == classes.sizes.tolist()
    assert not for_first[~classes.serves_first].any()
    assert not for_second[~classes.serves_second].any()
    assert for_first.sum() == {0.0: 20, 0.3: 30, 1.0: 90}[share]
