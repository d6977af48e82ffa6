"""Sources without texts, and what can be said of a plan without the library: an oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

from hbtlib.sampling.batch import Batch
from hbtlib.sampling.plan import BatchPlan
from hbtlib.sampling.strategies import (
    STRATEGIES,
    X_EN,
    X_X,
    X_X_MONO,
    X_Y,
    X_Y_MONO,
    Kind,
    Strategy,
)

FIVE = ("de", "en", "fr", "ja", "sw")


X_EN_MONO = Kind("x-en-mono", same=False, homogeneous=True, pivot="en")

OWN = (
    Strategy(X_X_MONO, X_Y_MONO),
    Strategy(X_Y_MONO, X_X),
    Strategy(X_X, X_Y),
    Strategy(X_X_MONO, X_EN),
    Strategy(X_EN_MONO, X_X),
)


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
    """Each id is given by the codes of its query and of its passage ("de en", "fr"), or of both."""
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


def allowed(kind: Kind, a: str, b: str) -> bool:
    """Whether a kind may pair a query in language a with a passage in language b."""
    return (a == b) == kind.same and kind.pivot in (None, a, b)


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
        return kind is not None and any(allowed(kind, a, b) for a in query for b in passage)

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
        kinds = [kind] if kind else [k for k in request.strategy[:2] if k]
        assert any(allowed(k, a, b) for k in kinds), f"{a}-{b} in {batch.kind}"
        if second and request.options["alpha"] in (
            0.0,
            1.0,
        ):  # the other kind is for ids that have no choice
            wanted = first if request.options["alpha"] == 1 else second
            assert allowed(wanted, a, b) or not request.can(batch.source, i, wanted), (
                "alpha 0 or 1 not kept to"
            )
    assert not (kind and kind.homogeneous) or len(set(pairs_of(batch))) == 1, (
        "several languages in a batch of one"
    )


def within(count: int, n: int, p: float) -> bool:
    low, high = stats.binom.interval(0.9999, n, p)
    return bool(low <= count <= high)
