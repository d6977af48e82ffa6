"""The batch plan, held against what its docstring promises: an oracle of a few lines, and sources made at random."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hbtlib.sampling.plan import STRATEGIES, Batch, BatchPlan, Strategy
from hbtlib.sampling.strategies import X_X, X_X_MONO, X_Y, X_Y_MONO, Kind

FIVE = ("de", "en", "fr", "ja", "sw")
OWN = (Strategy(X_X_MONO, X_Y_MONO), Strategy(X_Y_MONO, X_X), Strategy(X_X, X_Y))
CHECKED = settings(deadline=None, max_examples=80, derandomize=True, database=None)


@dataclass
class Masks:
    """Pairs without texts: all that the sampler asks for."""

    name: str
    languages: tuple[str, ...]
    query_mask: np.ndarray
    passage_mask: np.ndarray

    def __len__(self) -> int:
        return len(self.query_mask)


def full(n: int, languages: tuple[str, ...] = FIVE, name: str = "full") -> Masks:
    mask = np.broadcast_to(np.uint16((1 << len(languages)) - 1), (n,))
    return Masks(name, languages, mask, mask)


def of_codes(*ids: str | tuple[str, str]) -> Masks:
    """Written out: an id is the codes of its query and those of its passage ("de en", "fr"), or of both alike."""
    both = [(i, i) if isinstance(i, str) else i for i in ids]
    codes = sorted({code for pair in both for text in pair for code in text.split()})
    masks = [
        np.array([sum(1 << codes.index(c) for c in pair[role].split()) for pair in both], np.uint16)
        for role in (0, 1)
    ]
    return Masks("made", tuple(codes), *masks)


def partial(
    seed: int, n: int, languages: tuple[str, ...], fill: float, *, alike: bool, least: int = 0
) -> Masks:
    """Each text there with probability `fill`, and the first `least` languages always."""
    there = np.random.default_rng(seed).random((2, n, len(languages))) < fill
    there[:, :, :least] = True
    masks = (there << np.arange(len(languages))).sum(2).astype(np.uint16)
    return Masks("partial", languages, masks[0], masks[0 if alike else 1])


@dataclass
class Request:
    """What a plan is asked for, and what can be said of it without the library: its oracle."""

    sources: list[Masks]
    options: dict[str, Any]

    def plan(self) -> BatchPlan:
        return BatchPlan(self.sources if len(self.sources) > 1 else self.sources[0], **self.options)

    @property
    def strategy(self) -> Strategy:
        strategy = self.options["strategy"]
        return STRATEGIES[strategy] if isinstance(strategy, str) else strategy

    @property
    def drawn(self) -> list[str]:
        have = sorted({code for s in self.sources for code in s.languages})
        return list(
            self.strategy.languages or self.options.get("languages") or have
        )  # en-en stays English

    def there(self, source: int, i: int) -> list[set[str]]:
        """The languages of an id's query and passage, of those drawn from."""
        s = self.sources[source]
        return [
            {c for b, c in enumerate(s.languages) if int(mask[i]) >> b & 1 and c in self.drawn}
            for mask in (s.query_mask, s.passage_mask)
        ]

    def can(self, source: int, i: int, kind: Kind | None) -> bool:
        query, passage = self.there(source, i)
        return kind is not None and any((a == b) == kind.same for a in query for b in passage)

    def usable(self, source: int) -> list[int]:
        return [
            i
            for i in range(len(self.sources[source]))
            if any(self.can(source, i, k) for k in self.strategy[:2])
        ]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Most of them can be met; those that cannot come out by themselves."""
    sources = []
    for number in range(draw(st.sampled_from([1, 1, 2, 3]))):
        languages = draw(
            st.sampled_from([FIVE, FIVE[:2], FIVE[:3], FIVE[1:], *[FIVE[1:2]] * (number > 0)])
        )
        n, form = (
            draw(st.integers(8, 70)),
            draw(st.sampled_from(["full", "free", "alike", "apart"])),
        )
        seed, fill = draw(st.integers(0, 99)), draw(st.sampled_from([0.9, 0.6, 0.3, 1]))
        source = (
            full(n, languages)
            if form == "full"
            else partial(seed, n, languages, fill, alike=form == "alike")
        )
        if (
            form == "apart" and len(languages) > 1
        ):  # each side has languages of its own: no x-x is possible
            source.query_mask, source.passage_mask = (
                source.query_mask & np.uint16(1),
                source.passage_mask & ~np.uint16(1),
            )
        source.name = f"s{number}"
        sources.append(source)
    have = sorted({c for s in sources for c in s.languages})
    alphas = [0.3, 0.0, 1.0, {"linear": [0, 1]}, {"step": [[0, 1], [0.2, 0.5], [0.7, 0]]}]
    options = {
        "strategy": draw(st.sampled_from(["hybrid", *STRATEGIES, *OWN])),
        "seed": draw(st.integers(0, 9)),
        "mix": draw(st.sampled_from(["batch", "pair"])),
        "steps": draw(st.integers(1, 60)),
        "alpha": draw(st.sampled_from(alphas)),
    }
    if draw(st.booleans()):
        options["languages"] = draw(st.permutations(have))[: draw(st.sampled_from([2, 3, 4, 1]))]
    request = Request(sources, options)
    if set(request.drawn) <= set(have) and draw(st.booleans()):
        options["language_weights"] = {request.drawn[0]: draw(st.sampled_from([0.1, 5]))}
    if len(sources) > 1:
        options["sources"] = draw(
            st.sampled_from(["size", 0.0, 0.5, {s.name: 2.0**-i for i, s in enumerate(sources)}])
        )
    fewest = min(len(request.usable(s)) for s in range(len(sources)))
    options["batch_size"] = max(1, draw(st.sampled_from([fewest // 5, fewest // 2, fewest, 3, 1])))
    return request


def plain(b: Batch) -> list[Any]:
    return [
        b.ids.tolist(),
        b.query_languages.tolist(),
        b.passage_languages.tolist(),
        b.source,
        b.kind,
        b.alpha,
    ]


def pairs_of(b: Batch) -> list[tuple[str, str]]:
    return list(zip(b.query_languages.tolist(), b.passage_languages.tolist(), strict=True))


def check_batch(request: Request, batch: Batch) -> None:
    """What one batch alone can break."""
    assert 1 <= len(batch) <= request.options["batch_size"], "an empty batch, or one too large"
    assert len(set(batch.ids.tolist())) == len(batch), "an id twice in a batch"
    first, second = request.strategy[:2]
    by_pair = second is not None and request.options["mix"] == "pair"
    kind = None if by_pair else next(k for k in (first, second) if k and k.name == batch.kind)
    for i, (a, b) in zip(batch.ids.tolist(), pairs_of(batch), strict=True):
        query, passage = request.there(batch.source, i)
        assert a in query, "no such query"
        assert b in passage, "no such passage"
        assert (a == b) in {k.same for k in ([kind] if kind else request.strategy[:2]) if k}, (
            f"{a}-{b} in {batch.kind}"
        )
        if second and request.options["alpha"] in (
            0.0,
            1.0,
        ):  # the other kind is for ids that have no choice
            wanted = first if request.options["alpha"] == 1 else second
            assert (a == b) == wanted.same or not request.can(batch.source, i, wanted), (
                "alpha 0 or 1 not kept to"
            )
    assert not (kind and kind.homogeneous) or len(set(pairs_of(batch))) == 1, (
        "several languages in a batch of one"
    )


@CHECKED
@given(requests())
def test_epochs_visit_every_usable_id_once_and_each_batch_is_sound(request_: Request) -> None:
    usable = [request_.usable(s) for s in range(len(request_.sources))]
    different = any(k and not k.same for k in request_.strategy[:2])
    if (
        min(map(len, usable)) < request_.options["batch_size"]
        or (different and len(request_.drawn) < 2)
        or any(all(c not in s.languages for s in request_.sources) for c in request_.drawn)
    ):
        with pytest.raises(
            ValueError, match=r"make the batch smaller|give two or more|Leave it out"
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
    code = "import json, test_sampler; print(json.dumps(test_sampler.far_apart(77, 3, 0)))"
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{Path(__file__).parent}"}
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


@pytest.mark.parametrize("strategy", ["x-x-mono", "hybrid", "x-y-mono"])
@pytest.mark.parametrize("n", [436, 10_000])
def test_a_few_holes_leave_most_batches_whole(strategy: str, n: int) -> None:
    """A batch's size is its number of negatives: strategies compared must not differ in it. All have de and en here."""
    plan = BatchPlan(
        partial(0, n, (*FIVE, "ar", "es", "hi", "zh"), 0.9, alike=True, least=2),
        strategy,
        batch_size=96,
    )
    assert len(plan) <= n // 96 + 3, (
        f"{len(plan)} batches for {n} ids, of {n / len(plan):.1f} on average"
    )


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


@pytest.mark.parametrize("strategy", ["x-x-mono", "x-y", "x-y-mono", "hybrid"])
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


def within(count: int, n: int, p: float) -> bool:
    low, high = stats.binom.interval(0.9999, n, p)
    return bool(low <= count <= high)


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


def follows(counts: Counter[tuple[str, str]], expected: dict[tuple[str, str], float]) -> bool:
    hoped = np.array(list(expected.values())) * counts.total() / sum(expected.values())
    return set(counts) <= set(expected) and bool(
        stats.chisquare([counts[k] for k in expected], hoped).pvalue > 1e-4
    )


@pytest.mark.parametrize("strategy", ["x-x-mono", "x-x", "x-y", "x-y-mono"])
@pytest.mark.parametrize("weights", [{}, {"de": 4, "fr": 0.5}])
def test_languages_are_drawn_by_weight(strategy: str, weights: dict[str, float]) -> None:
    mono, w = strategy.endswith("mono"), {c: weights.get(c, 1.0) for c in FIVE}
    plan = BatchPlan(full(3000), strategy, batch_size=1 if mono else 3000, language_weights=weights)
    counts = Counter(p for t in range(3000 if mono else 2) for p in pairs_of(plan[t]))
    # The query's first, then the passage's among the others: for equal weights, all ordered pairs alike.
    assert follows(
        counts,
        {(a, a): w[a] for a in FIVE}
        if strategy.startswith("x-x")
        else {(a, b): w[a] * w[b] / (sum(w.values()) - w[a]) for a in FIVE for b in FIVE if a != b},
    )


def test_languages_are_drawn_uniformly_from_what_an_id_has() -> None:
    plan = BatchPlan(
        of_codes(*[("de en fr", "de en")] * 6000, *["ja sw"] * 6000), "x-y", batch_size=12000
    )
    assert follows(
        Counter(pairs_of(plan[0])),
        {
            ("de", "en"): 2,
            ("en", "de"): 2,
            ("fr", "de"): 1,
            ("fr", "en"): 1,
            ("ja", "sw"): 3,
            ("sw", "ja"): 3,
        },
    )


def test_a_language_of_hardly_any_weight_is_drawn_where_there_is_no_other() -> None:
    plan = BatchPlan(
        of_codes("en", "de", "en", "de en"), "x-x", batch_size=4, language_weights={"en": 1e-46}
    )
    assert dict(zip(plan[0].ids.tolist(), pairs_of(plan[0]), strict=True)) == {
        0: ("en", "en"),
        1: ("de", "de"),
        2: ("en", "en"),
        3: ("de", "de"),
    }


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
    (GOOD, {"strategy": "y-x"}, "'y-x'; there are x-x-mono"),
    *[(GOOD, {"batch_size": size}, "whole number from 1") for size in (0, -1, 2.5)],
    (GOOD, {"mix": "token"}, "'batch' or 'pair'"),
    ([], {}, "one source at least"),
    *[
        (GOOD, {"languages": FIVE[:2], "language_weights": {c: 1}}, f"'{c}'.*languages: de en")
        for c in ("xx", "sw")
    ],
    *[
        (GOOD, {"language_weights": {"en": w}}, "above 0.*leave the language out")
        for w in (0, -1, np.nan)
    ],
    *[
        (TWO, {"sources": weights}, "must name each of")
        for weights in ({"full": 1, "b": 1, "other": 1}, {"b": 1})
    ],
    *[(TWO, {"sources": {"full": w, "b": 1}}, "above 0") for w in (0, -1, np.nan)],
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
