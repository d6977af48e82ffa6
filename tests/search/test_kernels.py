"""Each numba kernel against its plain numpy twin, on tiles with ties and rounded scores."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hbtlib.search.kernels import (
    GoldArrays,
    PoolStretches,
    TileArrays,
    count_band,
    count_before,
    count_close_before,
    dot,
    dots,
    keep_best,
)


def exact_scores(queries: NDArray, passages: NDArray) -> NDArray[np.float32]:
    """Scores summed in double precision and rounded to single."""
    return (queries.astype(np.float64) @ passages.astype(np.float64).T).astype(np.float32)


def random_tile(seed: int) -> tuple[TileArrays, NDArray[np.float32]]:
    """A tile of 5 queries and 40 passages with noisy scores, and its exact scores.

    The vectors are of halves, whose products are exact, so that many passages tie.
    """
    rng = np.random.default_rng(seed)
    queries = (rng.integers(-2, 3, (5, 7)) / 2).astype(np.float32)
    passages = (rng.integers(-2, 3, (40, 7)) / 2).astype(np.float32)
    exact = exact_scores(queries, passages)
    scores = exact + rng.uniform(-0.29, 0.29, exact.shape).astype(np.float32)
    slack = np.full(5, 0.3, np.float32)
    tile = TileArrays(scores, slack, queries, passages, np.arange(40), rng.permutation(40))
    return tile, exact


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 31])
def test_a_score_is_a_sum_in_double_precision(width: int) -> None:
    rng = np.random.default_rng(width)
    a, b = rng.standard_normal((2, 60, width)).astype(np.float32)
    expected = np.einsum("nd,nd->n", a.astype(np.float64), b.astype(np.float64))
    found = np.array([dot(x, y) for x, y in zip(a, b, strict=True)])
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    query, passage = rng.integers(0, 60, (2, 100))
    exact = exact_scores(a, b)[query, passage]
    np.testing.assert_array_equal(dots(a, query, b, passage), exact)


def test_a_band_is_counted() -> None:
    scores = np.array([0.9, 0.6, 0.5, 0.4, 0.1], np.float32)  # the picture in the docstring
    assert count_band(scores, np.float32(0.4), np.float32(0.6)) == (1, 3)
    rng = np.random.default_rng(0)
    many = rng.standard_normal(10_000).astype(np.float32)
    for low, high in np.sort(rng.standard_normal((20, 2)).astype(np.float32), axis=1):
        expected = ((many > high).sum(), ((many >= low) & (many <= high)).sum())
        assert count_band(many, low, high) == expected


@pytest.mark.parametrize("seed", range(5))
def test_close_passages_are_scored_again(seed: int) -> None:
    tile, exact = random_tile(seed)
    for q, gold in ((0, 3), (2, 11), (4, 39)):
        score, tie = exact[q, gold], tile.tie[gold]
        low, high = np.float32(score - tile.slack[q]), np.float32(score + tile.slack[q])
        rescored = np.full(40, np.float32(np.nan))
        vectors = (tile.queries[q], tile.passages)
        found = count_close_before(
            tile.scores[q], low, high, *vectors, rescored, tile.tie, score, tie
        )
        close = (tile.scores[q] >= low) & (tile.scores[q] <= high)
        is_before = (exact[q] > score) | ((exact[q] == score) & (tile.tie < tie))
        assert found == (close & is_before).sum()
        np.testing.assert_array_equal(rescored, np.where(close, exact[q], np.nan))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_counted_in_every_pool(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tile, exact = random_tile(seed)
    pools = PoolStretches(start=np.array([0, 9, 10, 40]), pool=np.array([0, 2, 5]))
    pool = np.repeat(pools.pool, np.diff(pools.start))
    # Three gold passages of each query, of which one in four is in another tile.
    query = np.repeat(np.arange(5), 3)
    column = rng.integers(0, 53, len(query))
    like = np.minimum(column, 39)  # those elsewhere have the tie and the pool of the last passage
    score = np.where(column < 40, exact[query, like], np.float32(0.5)).astype(np.float32)
    gold = GoldArrays(np.arange(0, 16, 3), column, score, tile.tie[like], pool[like])
    in_pool = np.ones(len(query), np.int64)
    in_all = np.ones(len(query), np.int64)
    count_before(tile, pools, gold, in_pool, in_all)
    other_score, own_score = exact[query], score[:, None]  # (gold, passages), (gold, 1)
    is_tied = other_score == own_score
    before = (other_score > own_score) | (is_tied & (tile.tie < gold.tie[:, None]))
    np.testing.assert_array_equal(in_all, 1 + before.sum(1))
    same_pool = pool == gold.pool[:, None]
    np.testing.assert_array_equal(in_pool, 1 + (before & same_pool).sum(1))


@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_best_of_tiles_are_those_of_a_sort(k: int) -> None:
    tile, exact = random_tile(k)
    best_rows = np.full((5, k), -1)
    best_ties = np.full((5, k), np.iinfo(np.int64).max)
    best_scores = np.full((5, k), -np.inf, np.float32)
    for part in np.array_split(np.arange(40), 3):
        columns = np.ascontiguousarray(tile.scores[:, part])
        vectors = (tile.queries, tile.passages[part])
        third = TileArrays(columns, tile.slack, *vectors, part, tile.tie[part])
        keep_best(third, best_rows, best_ties, best_scores)
    expected = np.array([np.lexsort((tile.tie, -row))[:k] for row in exact])
    np.testing.assert_array_equal(best_rows, expected)
    np.testing.assert_array_equal(best_ties, tile.tie[expected])
    np.testing.assert_array_equal(best_scores, np.take_along_axis(exact, expected, axis=1))
