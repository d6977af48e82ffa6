"""The batch plan, held against what its docstring promises, with sources made at random."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_requests import (
    CHECKED,
    FIVE,
    Masks,
    Request,
    check_batch,
    full,
    of_codes,
    pairs_of,
    partial,
    plain,
    requests,
)

from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import STRATEGIES, X_X_MONO, Strategy


@CHECKED
@given(requests())
def test_epochs_visit_every_usable_id_once_and_each_batch_is_sound(request_: Request) -> None:
    usable = [request_.usable(s) for s in range(len(request_.sources))]
    different = any(k and not k.same for k in request_.strategy[:2])
    if (
        min(map(len, usable)) < request_.options["batch_size"]
        or (different and len(request_.drawn) < 2)
        or any(all(c not in s.languages for s in request_.sources) for c in request_.drawn)
        or any(k and k.pivot not in (None, *request_.drawn) for k in request_.strategy[:2])
    ):
        with pytest.raises(
            ValueError, match=r"make the batch smaller|give two or more|Leave it out|add it, or use"
        ):
            request_.plan()
        return
    plan = request_.plan()
    assert plan.usable == sum(map(len, usable))
    seen: list[list[int]] = [[] for _ in usable]
    for epoch in range(3):
        batches = [plan[t] for t in range(epoch * len(plan), (epoch + 1) * len(plan))]
        for batch in batches:
            check_batch(request_, batch)
            seen[batch.source] += batch.ids.tolist()
        assert {b.source for b in batches} == set(range(len(usable))), "a source without a batch"
        if request_.options.get("sources", "size") == "size":
            assert list(map(len, seen)) == [(epoch + 1) * len(u) for u in usable]
    for visits, ids in zip(seen, usable, strict=True):
        passes = [visits[i : i + len(ids)] for i in range(0, len(visits), len(ids))]
        assert all(sorted(p) == ids for p in passes[:-1]), (
            "an id again before the others had their turn"
        )
        assert len(set(passes[-1]) & set(ids)) == len(passes[-1])


@CHECKED
@given(requests(), st.lists(st.integers(0, 200), max_size=4))
def test_a_batch_is_a_function_of_seed_and_number_alone(
    request_: Request, asked: list[int]
) -> None:
    try:
        plan = request_.plan()
    except ValueError:
        return
    run = [plain(plan[t]) for t in range(max(asked, default=0) + 1)]
    assert [plain(plan[t]) for t in asked] == [run[t] for t in asked], "any order"
    assert [plain(request_.plan()[t]) for t in asked] == [run[t] for t in asked], (
        "a fresh plan asked for t alone"
    )
    assert plain(plan[10**9]) == plain(request_.plan()[10**9])


def far_apart(*numbers: int) -> list[Any]:
    plan = BatchPlan([partial(0, 200, FIVE, 0.7, alike=False), full(90)], batch_size=9, sources=0.0)
    return [plain(plan[t]) for t in numbers]


def test_another_process_draws_the_same_batches() -> None:
    code = "import json, test_batch_plan; print(json.dumps(test_batch_plan.far_apart(77, 3, 0)))"
    env = {
        **os.environ,
        "PYTHONPATH": f"{Path(__file__).parents[2]}:{Path(__file__).parent}",
        "OMP_NUM_THREADS": "2",
        "PYTHONHASHSEED": "7",  # sets and dictionaries of texts have another order
    }
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(out) == far_apart(0, 3, 77)[::-1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_full_masks_fill_every_batch_but_the_last(strategy: str) -> None:
    for n in (60, 61, 69, 10):
        plan = BatchPlan(full(n), strategy, batch_size=10)
        assert [len(plan[t]) for t in range(2 * len(plan))] == (
            [10] * (n // 10) + [n % 10] * (n % 10 > 0)
        ) * 2
    plan = BatchPlan(
        [full(45, name="a"), full(83, name="b")], strategy, batch_size=10
    )  # the last of each source
    batches = [plan[t] for t in range(len(plan))]
    assert [[len(b) for b in batches if b.source == s] for s in (0, 1)] == [
        [10] * 4 + [5],
        [10] * 8 + [3],
    ]
    with pytest.raises(
        IndexError, match="numbered from 0 up"
    ):  # a sequence's own error, as of a list
        plan[-1]


@pytest.mark.parametrize(
    "source", [full(60), partial(0, 60, FIVE, 0.6, alike=True, least=2)], ids=["full", "partial"]
)
def test_other_seeds_and_epochs_give_other_batches(source: Masks) -> None:
    plans = [BatchPlan(source, "x-y", batch_size=20, seed=s) for s in range(4)]
    n = len(plans[0])
    for batches in (
        [p[0] for p in plans],
        [plans[0][e * n] for e in range(4)],
        [plans[0][t] for t in range(n)],
    ):
        assert len({tuple(b.ids.tolist()) for b in batches}) == len(batches)
        assert len({tuple(pairs_of(b)) for b in batches}) == len(batches), (
            "other ids, but the same languages"
        )


@pytest.mark.parametrize("strategy", ["x-x-mono", "x-y", "x-y-mono", "x-en", "hybrid"])
def test_every_epoch_brings_other_ids_together(strategy: str) -> None:
    source = partial(
        0, 2000, FIVE[:3], 0.5, alike=True, least=2
    )  # two classes: with fr and without
    plan = BatchPlan(source, strategy, batch_size=20)
    epochs = [[plan[epoch * len(plan) + t] for t in range(len(plan))] for epoch in (0, 1)]
    met = [
        {(i, j) for b in epoch for i in b.ids.tolist() for j in b.ids.tolist() if i < j}
        for epoch in epochs
    ]
    assert len(met[0] & met[1]) < 0.05 * len(met[0])
    classes = [
        len(set(source.query_mask[b.ids].tolist()))
        for b in epochs[0]
        if b.kind == "x-y" and len(b) == 20
    ]
    assert all(c == 2 for c in classes), "a mixed batch of one class of ids"


GOOD, TWO = full(50), [full(50), full(50, name="b")]


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (GOOD, {"batch_size": 51}, "batch smaller"),
    (
        of_codes(*["de"] * 8, *["de en"] * 4),
        {"strategy": "x-y", "batch_size": 5},
        "4 of 12 .*batch smaller",
    ),
    ([GOOD, full(5, name="few")], {"batch_size": 6}, "'few' has 5 .*batch smaller"),
    (full(0), {"batch_size": 1}, "has 0 of 0"),
    (full(50, ("en",)), {"strategy": "x-y"}, "give two or more"),
    (GOOD, {"languages": ["en"]}, "give two or more"),
    *[
        (full(50, ("de", "fr")), o, "no pairs in 'en'.*Leave it out")
        for o in ({"strategy": "en-en"}, {"languages": ["en"]})
    ],
    (GOOD, {"strategy": "en-en", "languages": ["de", "fr"]}, "draws from en alone.*de fr.*add it"),
    *[
        (source, {"strategy": "x-en", **o}, "'en' on one side.*de fr.*add it, or use x-y")
        for source, o in ((full(50, ("de", "fr")), {}), (GOOD, {"languages": ["de", "fr"]}))
    ],
    (of_codes(*["de fr"] * 12, *["en"] * 12), {"strategy": "x-en"}, "has 0 of 24"),
    (
        GOOD,
        {"strategy": Strategy(X_X_MONO._replace(pivot="en"))},
        "a pivot is for pairs of two: give it same=False",
    ),
    (GOOD, {"strategy": "y-x"}, "strategy is 'y-x'; did you mean 'x-x'"),
    *[(GOOD, {"batch_size": size}, "1 or more|a whole number") for size in (0, -1, 2.5)],
    (GOOD, {"mix": "token"}, "mix is 'token'; there are batch, pair"),
    ([], {}, "one source at least"),
    *[
        (GOOD, {"languages": FIVE[:2], "language_weights": {c: 1}}, f"'{c}'.*languages: de en")
        for c in ("xx", "sw")
    ],
    *[
        (GOOD, {"language_weights": {"en": w}}, "above 0.*leave the language out|finite")
        for w in (0, -1, np.nan)
    ],
    *[
        (TWO, {"sources": weights}, "must name each of")
        for weights in ({"full": 1, "b": 1, "other": 1}, {"b": 1})
    ],
    *[(TWO, {"sources": {"full": w, "b": 1}}, "above 0|finite") for w in (0, -1, np.nan)],
    *[(TWO, {"sources": s}, "'size', a power") for s in ("even", np.nan)],
    (GOOD, {"alpha": {"linear": [0, 1]}}, "give steps"),
    *[(GOOD, {"alpha": {"linear": [0, 1]}, "steps": n}, "steps") for n in (0, -5)],
    *[
        (GOOD, {"alpha": a}, "it is a probability, from 0")
        for a in (-0.1, 1.1, np.nan, np.inf, None)
    ],
    *[(GOOD, {"alpha": a}, "alpha is .*(probability|schedule)") for a in ([0, 1], "half")],
    *[
        (GOOD, {"alpha": a, "steps": 9}, "it is a probability")
        for a in ({"linear": [0, 1.5]}, {"linear": [np.nan, 1]}, {"step": [[0, 0.5], [0.5, -1]]})
    ],
    *[
        (GOOD, {"alpha": a, "steps": 9}, "a schedule is|must rise")
        for a in (
            {},
            {"cosine": [0, 1]},
            {"linear": [0, 1], "step": [[0, 1]]},
            {"linear": [0, 0.5, 1]},
            {"linear": 0.5},
            {"linear": ["low", "high"]},
            {"step": []},
            {"step": [[0.1, 1]]},
            {"step": [0, 1]},
            {"step": [[0, 0.1], [0.5]]},
            {"step": [[0, 0.1, 0.2]]},
            {"step": [[0, 0.1], [0, 0.2]]},
            {"step": [[0, 0.1], [0.6, 1], [0.5, 0]]},
            {"step": [[0, 0.1], [1.5, 1]]},
            {"step": [[0, 0.1], [np.nan, 1]]},
        )
    ],
]


@pytest.mark.parametrize(
    ("source", "options", "message"), REFUSED, ids=[str(options) for _, options, _ in REFUSED]
)
def test_what_cannot_be_met_is_refused_with_what_to_do(
    source: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        BatchPlan(source, **{"batch_size": 10, **options})
