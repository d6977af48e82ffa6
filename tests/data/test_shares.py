"""Less of a language: `hbt.thin_out`, and the option `shares` of every loader of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hbtlib as hbt
from hbtlib.data.shares import NOTHING_LEFT

N = 40


@pytest.fixture
def pairs() -> hbt.Pairs:
    """Every id in German and Swahili, every second one in English too; German has negatives."""
    codes = [["de", "sw", "en"] if i % 2 else ["de", "sw"] for i in range(N)]
    queries = [{code: f"query {i} {code}" for code in of_id} for i, of_id in enumerate(codes)]
    passages = [{code: f"passage {i} {code}" for code in of_id} for i, of_id in enumerate(codes)]
    negatives = {
        f"negatives_{code}": [[f"no {i} {code}"] if code in of_id else None for i, of_id in some]
        for code in ("de", "sw", "en")
        if (some := list(enumerate(codes)))
    }
    return hbt.Pairs.from_texts("mine", queries, passages, **negatives)


def ids_in(pairs: hbt.Pairs, code: str, role: str = "query") -> set[str]:
    """The names of the ids that have a text in a language, after their German query."""
    have = np.flatnonzero(pairs.stands(np.arange(len(pairs)), code, role))
    return {text.split()[1] for text in pairs.texts(have, "de", "query")}


def test_a_smaller_share_lies_in_a_larger_one(pairs: hbt.Pairs) -> None:
    kept = {
        share: ids_in(hbt.thin_out(pairs, {"sw": share}, seed=3), "sw")
        for share in (0.03, 0.1, 0.3, 1.0)
    }
    assert {share: len(ids) for share, ids in kept.items()} == {0.03: 2, 0.1: 4, 0.3: 12, 1.0: N}
    assert kept[0.03] < kept[0.1] < kept[0.3] < kept[1.0]


def test_the_draw_is_the_seeds_and_no_other_languages(pairs: hbt.Pairs) -> None:
    draws = {seed: ids_in(hbt.thin_out(pairs, {"sw": 0.3}, seed), "sw") for seed in range(4)}
    assert draws[0] == ids_in(hbt.thin_out(pairs, {"sw": 0.3}), "sw")
    assert len(set(map(frozenset, draws.values()))) == 4
    both = hbt.thin_out(pairs, {"en": 0.5, "sw": 0.3}, seed=1)
    assert ids_in(both, "sw") == draws[1]
    assert len(ids_in(both, "en")) == N // 4  # half of those that have English


def test_everything_else_stays(pairs: hbt.Pairs) -> None:
    fewer = hbt.thin_out(pairs, {"sw": 0.1})
    assert len(fewer) == N
    every = np.arange(N)
    for code in ("de", "en"):
        for role in ("query", "passage"):
            before, after = (p.stands(every, code, role) for p in (pairs, fewer))
            np.testing.assert_array_equal(before, after)
    assert ids_in(fewer, "sw") == ids_in(fewer, "sw", "passage")
    with_swahili = np.flatnonzero(fewer.stands(every, "sw", "query"))
    assert fewer.texts(with_swahili, "sw", "query") == pairs.texts(with_swahili, "sw", "query")
    negatives = [fewer.negatives([i], "sw")[0] for i in range(N)]
    assert [bool(found) for found in negatives] == [i in set(with_swahili) for i in range(N)]
    assert hbt.thin_out(pairs, {"sw": 1}) is pairs
    assert hbt.thin_out(pairs, {}) is pairs


def test_ids_that_lose_every_text_are_left_out_and_counted() -> None:
    queries = [{"sw": f"swali {i}"} for i in range(10)] + [{"de": "Frage"}]
    passages = [{"en": f"answer {i}"} for i in range(11)]
    pairs = hbt.Pairs.from_texts("mine", queries, passages)
    pairs.left_out = {"empty": 2}
    fewer = hbt.thin_out(pairs, {"sw": 0.3})
    assert len(fewer) == 4
    assert fewer.left_out == {"empty": 2, NOTHING_LEFT: 7}
    assert pairs.left_out == {"empty": 2}
    with pytest.raises(ValueError, match="no id is left with a query and a passage"):
        _split(pairs)


def _split(pairs: hbt.Pairs) -> None:
    """Thins out queries and passages until none of the ids has both."""
    for seed in range(100):
        hbt.thin_out(pairs.select(range(10)), {"sw": 0.1, "en": 0.1}, seed)


@pytest.mark.parametrize(
    ("shares", "seed", "said"),
    [
        ({"fi": 0.1}, 0, "pairs 'mine' have nothing in 'fi', .* they are in de en sw"),
        ({"sw": 0}, 0, "the share of 'sw' is 0; it must be above 0"),
        ({"sw": 1.5}, 0, "the share of 'sw' is 1.5; it must be 1 or less"),
        ({"sw": "all"}, 0, "the share of 'sw' is 'all'"),
        ({"sw": float("nan")}, 0, "the share of 'sw' is nan"),
        (0.1, 0, "the share is 0.1; give a map language → share"),
        ({"sw": 0.1}, -1, "the seed of shares"),
    ],
)
def test_what_is_no_share_is_refused(pairs: hbt.Pairs, shares: Any, seed: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.thin_out(pairs, shares, seed)


def test_a_batch_plan_takes_what_is_left(pairs: hbt.Pairs) -> None:
    fewer = hbt.thin_out(pairs, {"sw": 0.1})
    plan = hbt.BatchPlan(fewer, "x-x", batch_size=8, seed=0)
    batches = [plan[t] for t in range(30)]
    drawn = {
        int(id_)
        for batch in batches
        for id_, code in zip(batch.ids, batch.query_languages, strict=True)
        if code == "sw"
    }
    have = set(np.flatnonzero(fewer.stands(np.arange(N), "sw", "query")))
    assert drawn == have


def test_every_loader_takes_shares() -> None:
    whole = hbt.load_pairs("worldfacts", languages=["de", "sw"])
    few = hbt.load_pairs("worldfacts", languages=["de", "sw"], shares={"sw": 0.1}, shares_seed=2)
    same = hbt.thin_out(whole, {"sw": 0.1}, 2)
    np.testing.assert_array_equal(few.query_mask, same.query_mask)
    assert len(few) == len(whole)
    with pytest.raises(ValueError, match="pairs 'worldfacts' have nothing in 'fi'"):
        hbt.load_pairs("worldfacts", languages=["de", "sw"], shares={"fi": 0.1})
