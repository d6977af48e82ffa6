"""No tile shape, memory, thread, precision or scale changes a rank."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import random_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from rankings import KEY, found, shuffled, with_doubles

import hbtlib as hbt


@settings(deadline=None, max_examples=15, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 20))
def test_no_block_and_no_order_of_rows_changes_a_rank(
    seed: int, languages: int, block: int
) -> None:
    benchmark, q, p = random_benchmark(seed, languages=languages)
    ranks = hbt.rank_vectors(q, p, benchmark)
    pd.testing.assert_frame_equal(hbt.rank_vectors(q, p, benchmark, memory=block * 1e-6), ranks)
    other, q2, p2 = shuffled(benchmark, q, p, seed)
    assert found(hbt.rank_vectors(q2, p2, other, memory=block * 1e-6)) == found(ranks)


@pytest.mark.parametrize("block", [1, 5, 64])
def test_no_block_and_no_order_changes_ranks_of_rounded_scores(block: int) -> None:
    """As above with vectors whose products are rounded, and passages that stand several times."""
    benchmark, q, p = with_doubles(2, 24, 101, 96)
    ranks = (
        hbt.rank_vectors(q, p, benchmark)
        .astype(dict.fromkeys(KEY, "str"))
        .set_index(KEY)["rank"]
        .sort_index()
    )
    other, q2, p2 = shuffled(benchmark, q, p, 3)
    memory = block * 1e-6
    for one in (
        hbt.rank_vectors(q, p, benchmark, memory=memory),
        hbt.rank_vectors(q2, p2, other, memory=memory),
    ):
        differ = int(
            (
                one.astype(dict.fromkeys(KEY, "str")).set_index(KEY)["rank"].sort_index() != ranks
            ).sum()
        )
        assert differ == 0, f"{differ} of {len(ranks)} ranks differ"


def in_a_thread_pool_of(threads: int, call: Any) -> Any:
    numba_threads, torch_threads = numba.get_num_threads(), torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    torch.set_num_threads(threads)
    try:
        return call()
    finally:
        numba.set_num_threads(numba_threads)
        torch.set_num_threads(torch_threads)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.integers(0, 10_000),
    st.floats(1e-6, 1e-3),
    st.integers(1, 3),
    st.sampled_from(["highest", "medium"]),
)
def test_no_block_no_thread_and_no_lower_precision_changes_a_rank(
    seed: int, memory: float, threads: int, precision: str
) -> None:
    """Vectors with doubles, and neighbours nearer than single precision tells apart."""
    benchmark, q, p = with_doubles(seed, 7, 60, 48)
    p[1::2] = p[::2] * np.float32(1 + 2e-7)
    ranks, top = hbt.rank_vectors(q, p, benchmark), hbt.top(q, p, benchmark, k=11)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        again = in_a_thread_pool_of(
            threads,
            lambda: (
                hbt.rank_vectors(q, p, benchmark, memory=memory),
                hbt.top(q, p, benchmark, k=11, memory=memory),
            ),
        )
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    pd.testing.assert_frame_equal(again[0], ranks)
    pd.testing.assert_frame_equal(again[1], top)


def test_what_a_product_rounds_apart_is_scored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products that are off by as much as single precision may be change no rank."""
    benchmark, q, p = with_doubles(4, 12, 90, 64)
    ranks, top = hbt.rank_vectors(q, p, benchmark), hbt.top(q, p, benchmark, k=9)
    rng = np.random.default_rng(0)

    def rough(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b.T + torch.from_numpy(
            rng.uniform(-9e-7, 9e-7, (len(a), len(b))).astype(np.float32)
        )

    monkeypatch.setattr("hbtlib.encoders.linear.product", rough)
    pd.testing.assert_frame_equal(hbt.rank_vectors(q, p, benchmark), ranks)
    pd.testing.assert_frame_equal(hbt.top(q, p, benchmark, k=9), top)


def test_memory_is_a_number_above_zero() -> None:
    benchmark, q, p = random_benchmark(0)
    for memory in (0, -1.0, float("nan"), float("inf"), "1", True):
        with pytest.raises(ValueError, match=r"memory \(GB\) is .*; it must be"):
            hbt.rank_vectors(q, p, benchmark, memory=memory)


@pytest.mark.parametrize("width", [96, 384, 513])
def test_vectors_whose_products_all_round_one_way_rank_the_same(width: int) -> None:
    """Near-constant vectors of one sign: a sum's error grows with its length, not its root."""
    benchmark, _, _ = with_doubles(6, 12, 120, 8)
    rng = np.random.default_rng(1)
    q, p = (
        np.float32(0.1) + rng.integers(0, 3, (n, width)).astype(np.float32) * np.float32(2e-7)
        for n in (12, 120)
    )
    ranks = hbt.rank_vectors(q, p, benchmark)
    exact = (q.astype(np.float64) @ p.T.astype(np.float64))[0].astype(np.float32)
    assert len(np.unique(exact)) > 3
    for memory in (1e-5, 5e-5, 2e-4):
        pd.testing.assert_frame_equal(hbt.rank_vectors(q, p, benchmark, memory=memory), ranks)


@pytest.mark.parametrize(
    ("of_queries", "of_passages"), [(1.0, 2.0**-99), (2.0**-70, 2.0**-70), (2.0**60, 2.0**50)]
)
def test_the_scale_of_vectors_changes_no_rank(of_queries: float, of_passages: float) -> None:
    benchmark, q, p = with_doubles(7, 9, 60, 16)
    ranks = hbt.rank_vectors(q, p, benchmark).drop(columns="score")
    scaled = hbt.rank_vectors(
        q * np.float32(of_queries), p * np.float32(of_passages), benchmark
    ).drop(columns="score")
    if (
        of_queries == 2.0**-70
    ):  # products below single precision's smallest number: fewer scores to tell apart
        assert len(scaled) == len(ranks)
    else:
        pd.testing.assert_frame_equal(scaled, ranks)


def test_scores_past_single_precision_are_refused() -> None:
    benchmark, q, p = random_benchmark(0)
    with pytest.raises(ValueError, match="past single precision: give them at a smaller scale"):
        hbt.rank_vectors(q * np.float32(1e20), p * np.float32(1e20), benchmark)
