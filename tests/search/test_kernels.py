"""Each numba kernel against its plain numpy twin, on tiles with ties and rounded scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from hbtlib.search.kernels import (
    count_band,
    count_before,
    count_close_before,
    dot,
    dots,
    keep_best,
)


class RandomTile(NamedTuple):
    """A tile, and the exact scores that its rounded scores stand for."""

    scores: NDArray[np.float32]
    queries: NDArray[np.float32]
    passages: NDArray[np.float32]
    slack: NDArray[np.float32]
    tie: NDArray[np.int64]
    exact: NDArray[np.float32]


def exact_scores(queries: NDArray, passages: NDArray) -> NDArray[np.float32]:
    """Scores summed in double precision and rounded to single."""
    return (queries.astype(np.float64) @ passages.astype(np.float64).T).astype(np.float32)


def random_tile(seed: int, queries: int = 5, passages: int = 40, width: int = 7) -> RandomTile:
    """Vectors of halves, whose products are exact, so that many passages tie; noisy scores."""
    rng = np.random.default_rng(seed)
    q, p = ((rng.integers(-2, 3, (n, width)) / 2).astype(np.float32) for n in (queries, passages))
    exact = exact_scores(q, p)
    slack = np.full(queries, 0.3, np.float32)
    scores = exact + rng.uniform(-0.29, 0.29, exact.shape).astype(np.float32)
    return RandomTile(scores, q, p, slack, rng.permutation(passages), exact)


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
    tile = random_tile(seed)
    for q, gold in ((0, 3), (2, 11), (4, 39)):
        score, tie = tile.exact[q, gold], tile.tie[gold]
        low, high = np.float32(score - tile.slack[q]), np.float32(score + tile.slack[q])
        rescored = np.full(len(tile.passages), np.float32(np.nan))
        found = count_close_before(
            tile.scores[q],
            low,
            high,
            tile.queries[q],
            tile.passages,
            rescored,
            tile.tie,
            score,
            tie,
        )
        close = (tile.scores[q] >= low) & (tile.scores[q] <= high)
        is_before = (tile.exact[q] > score) | ((tile.exact[q] == score) & (tile.tie < tie))
        assert found == (close & is_before).sum()
        np.testing.assert_array_equal(rescored, np.where(close, tile.exact[q], np.nan))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_counted_in_every_pool(seed: int) -> None:
    tile, rng = random_tile(seed), np.random.default_rng(seed)
    pool_start, pools = np.array([0, 9, 10, 40]), np.array([0, 2, 5])
    pool = np.repeat(pools, np.diff(pool_start))
    # Three gold passages of each query; one column in four is that of another tile.
    query = np.repeat(np.arange(5), 3)
    column = rng.integers(0, 53, len(query))
    inside = np.minimum(column, 39)
    score = np.where(column < 40, tile.exact[query, inside], np.float32(0.5)).astype(np.float32)
    tie, gold_pool = tile.tie[inside], pool[inside]
    in_pool, in_all = np.ones((2, len(query)), np.int64)
    count_before(
        tile.scores,
        tile.queries,
        tile.passages,
        tile.slack,
        tile.tie,
        pool_start,
        pools,
        first_gold=np.arange(0, 16, 3),
        gold_column=column,
        gold_score=score,
        gold_tie=tie,
        gold_pool=gold_pool,
        in_pool=in_pool,
        in_all=in_all,
    )
    exact = tile.exact[query]  # (gold, passages)
    is_tied = exact == score[:, None]
    before = (exact > score[:, None]) | (is_tied & (tile.tie < tie[:, None]))
    np.testing.assert_array_equal(in_all, 1 + before.sum(1))
    same_pool = pool == gold_pool[:, None]
    np.testing.assert_array_equal(in_pool, 1 + (before & same_pool).sum(1))


@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_best_of_tiles_are_those_of_a_sort(k: int) -> None:
    tile = random_tile(k)
    best_rows = np.full((5, k), -1)
    best_ties = np.full((5, k), np.iinfo(np.int64).max)
    best_scores = np.full((5, k), -np.inf, np.float32)
    for part in np.array_split(np.arange(40), 3):
        keep_best(
            np.ascontiguousarray(tile.scores[:, part]),
            tile.queries,
            tile.passages[part],
            tile.slack,
            rows=part,
            tie=tile.tie[part],
            best_rows=best_rows,
            best_ties=best_ties,
            best_scores=best_scores,
        )
    expected = np.array([np.lexsort((tile.tie, -row))[:k] for row in tile.exact])
    np.testing.assert_array_equal(best_rows, expected)
    np.testing.assert_array_equal(best_ties, tile.tie[expected])
    np.testing.assert_array_equal(best_scores, np.take_along_axis(tile.exact, expected, axis=1))
