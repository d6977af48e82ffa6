"""Which vectors search takes, and which it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import random_benchmark

import hbtlib as hbt


@pytest.mark.parametrize("precision", [np.float16, np.float64])
def test_other_precisions_rank_the_same(precision: type) -> None:
    benchmark, q, p = random_benchmark(4)  # halves: exact in each
    ranks = hbt.rank_vectors(q.astype(precision), np.asfortranarray(p.astype(precision)), benchmark)
    pd.testing.assert_frame_equal(ranks, hbt.rank_vectors(q, p, benchmark))


def test_wrong_shapes_are_refused() -> None:
    benchmark, q, p = random_benchmark(0)
    n, m = len(q), len(p)
    for wrong_q, wrong_p, said in (
        (q[:-1], p, rf"query_vectors have shape \({n - 1}, 4\), but 'random0' has {n} query rows"),
        (
            q,
            p[1:],
            rf"passage_vectors have shape \({m - 1}, 4\), but 'random0' has {m} passage rows",
        ),
        (
            q,
            np.r_[p, p],
            rf"passage_vectors have shape \({2 * m}, 4\), but 'random0' has {m} passage rows",
        ),
        (q[:, 0], p, rf"query_vectors have shape \({n},\)"),
        (q, p[:, :, None], rf"passage_vectors have shape \({m}, 4, 1\)"),
        (
            q[:, :3],
            p,
            "query vectors have width 3, passage vectors 4: both must come from one encoder",
        ),
    ):
        with pytest.raises(ValueError, match=said):
            hbt.rank_vectors(wrong_q, wrong_p, benchmark)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("role", ["query", "passage"])
def test_a_vector_that_is_not_finite_is_refused_by_its_row(role: str, value: float) -> None:
    benchmark, q, p = random_benchmark(0)
    vectors, name = (
        (q, benchmark.queries["query_id"][3])
        if role == "query"
        else (p, benchmark.passages["passage_id"][3])
    )
    vectors[3, 1] = value
    with pytest.raises(ValueError, match=f"{role} row 3 \\('{name}'\\) is not finite"):
        hbt.rank_vectors(q, p, benchmark)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_number_past_float32_is_refused_by_its_row() -> None:
    """Finite as given, infinite as used: its scores would be infinite or NaN, and every rank 1."""
    benchmark, q, p = random_benchmark(0)
    large = q.astype(np.float64)
    large[3, 1] = 1e39
    with pytest.raises(ValueError, match="query row 3"):
        hbt.rank_vectors(large, p, benchmark)


def test_tensors_and_read_only_arrays_rank_as_arrays_do() -> None:
    benchmark, q, p = random_benchmark(8)
    ranks = hbt.rank_vectors(q, p, benchmark)
    frozen = p.copy()
    frozen.flags.writeable = False
    for passages in (
        torch.from_numpy(p),
        frozen,
        p.astype(">f4"),
        np.asfortranarray(p)[:, ::-1][:, ::-1],
    ):
        pd.testing.assert_frame_equal(hbt.rank_vectors(q, passages, benchmark), ranks)
    wrong = torch.from_numpy(p.copy())
    wrong[3, 0] = torch.nan
    with pytest.raises(ValueError, match="passage row 3"):
        hbt.rank_vectors(q, wrong, benchmark)
