"""Vectors, encoders and options that search refuses, each in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from conftest import random_benchmark

import hbtlib as hbt

Vectors = Any


@pytest.mark.parametrize("role", ["query", "passage"])
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda v: v * 1j, "of the type complex64, where real numbers belong"),
        (lambda v: v.astype(complex), "of the type complex128"),
        (lambda v: v > 0, "of the type bool"),
        (lambda v: v.astype(str), "of the type str"),
        (lambda v: v.astype(object), "of the type object"),
        (lambda v: v.astype("S8"), "of the type bytes"),
        (lambda v: v.astype("timedelta64[s]"), "of the type timedelta64"),
        (lambda v: np.ma.masked_greater(v, 0), "are a masked array"),
        (lambda v: np.ma.masked_array(v), "are a masked array"),
        (lambda v: scipy.sparse.csr_array(v), "are a sparse matrix"),
        (lambda v: torch.from_numpy(v > 0), "of the type bool"),
        (lambda v: torch.from_numpy(v).to(torch.complex64), "of the type complex64"),
        (lambda v: torch.from_numpy(v).to_sparse(), "are a sparse matrix"),
        (lambda v: [row.tolist()[: 2 + i % 2] for i, row in enumerate(v)], "list that is no mat"),
        (lambda v: [["a"] * 4 for _ in v], "of the type str"),
        (lambda v: pd.DataFrame(v).astype(str), "of the type object"),
        (lambda v: v[0], r"have shape \(4,\)"),
        (lambda v: v[:0], r"have shape \(0, 4\)"),
        (lambda v: v[:, :0], r"have shape \(\d+, 0\)"),
        (lambda v: "vectors.npy", "of the type str"),
        (lambda v: None, "of the type object"),
        (lambda v: 1.5, r"have shape \(\)"),
    ],
)
def test_what_is_no_matrix_of_real_numbers_is_refused(
    made: Callable[[Vectors], Vectors], said: str, role: str
) -> None:
    benchmark, q, p = random_benchmark(0)
    vectors = (made(q), p) if role == "query" else (q, made(p))
    for call in (hbt.rank_vectors, hbt.top):
        with pytest.raises(ValueError, match=f"{role}_vectors .*{said}") as error:
            call(*vectors, benchmark)
        assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    "made",
    [
        lambda v: v.tolist(),
        lambda v: tuple(map(tuple, v)),
        lambda v: pd.DataFrame(v, columns=[3, 1, 2, 0]),
        lambda v: v.astype(np.float16),
        lambda v: (2 * v).astype(np.int8),  # halves, so whole numbers
        lambda v: torch.from_numpy(v).to(torch.bfloat16),
        lambda v: torch.from_numpy(v).requires_grad_(),
        lambda v: v.astype(">f8"),
    ],
)
def test_real_numbers_of_any_kind_rank_as_float32_does(made: Callable[[Vectors], Vectors]) -> None:
    benchmark, q, p = random_benchmark(2)
    ranks = hbt.rank_vectors(made(q.astype(np.float32)), made(p.astype(np.float32)), benchmark)
    expected = hbt.rank_vectors(q, p, benchmark)
    pd.testing.assert_series_equal(ranks["rank"], expected["rank"])


def test_vectors_that_changed_places_are_told() -> None:
    benchmark, q, p = random_benchmark(0)
    with pytest.raises(ValueError, match="the two have changed places"):
        hbt.rank_vectors(p, q, benchmark)


def test_a_benchmark_without_texts_has_nothing_to_rank() -> None:
    benchmark, q, p = random_benchmark(0)
    none = benchmark.judgements.iloc[:0]
    for queries, passages, vectors in (
        (benchmark.queries.iloc[:0], benchmark.passages, (q[:0], p)),
        (benchmark.queries, benchmark.passages.iloc[:0], (q, p[:0])),
    ):
        empty = hbt.Benchmark("empty", queries, passages, none)
        with pytest.raises(ValueError, match=r"'empty' has .*: there is nothing to rank"):
            hbt.rank_vectors(*vectors, empty)
    with pytest.raises(ValueError, match=r"the benchmark is 'xquad-r'; give an hbt\.Benchmark"):
        hbt.rank_vectors(q, p, "xquad-r")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", [{}, {"index": "Flat"}, {"index": "HNSW4"}])
def test_scores_past_single_precision_are_refused(options: dict[str, Any]) -> None:
    benchmark, q, p = random_benchmark(1)
    large = q.astype(np.float64)
    judged = benchmark.judgements["query_id"][benchmark.judgements["grade"] > 0].iloc[0]
    large[(benchmark.queries["query_id"] == judged).to_numpy()] *= 1e30  # one query alone
    with pytest.raises(ValueError, match="past single precision: give them at a smaller scale"):
        hbt.rank_vectors(large, p * 1e30, benchmark, **options)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_language_is_removed_at_any_scale(scale: float) -> None:
    """Squares of such numbers are 0 or infinite in single precision, and all was lost with them."""
    benchmark, q, p = random_benchmark(4, ties=False)
    power = 2.0 ** np.round(np.log2(scale))
    for remove in ("mean", 1):
        ranks = hbt.rank_vectors(q * power, p * power, benchmark, remove=remove)
        pd.testing.assert_frame_equal(ranks, hbt.rank_vectors(q, p, benchmark, remove=remove))


@pytest.mark.parametrize("remove", ["means", True, 0, -1, 1.0, [1], np.array(["mean"]), {}])
def test_nothing_else_is_removed(remove: Any) -> None:
    benchmark, q, p = random_benchmark(1)
    with pytest.raises(ValueError, match=r"remove is .*; it is 'mean', or the number of"):
        hbt.rank_vectors(q, p, benchmark, remove=remove)


@pytest.mark.parametrize(
    ("k", "said"),
    [
        (0, "k is 0; it must be 1 or more"),
        (-3, "k is -3"),
        (2.5, "k is 2.5; it must be a whole number"),
        ("10", "k is '10'; it must be a whole number"),
        (None, "k is None; it must be a whole number"),
        (True, "k is True; it must be a whole number"),
        (float("nan"), "k is nan; it must be a whole number"),
    ],
)
def test_k_is_a_whole_number(k: Any, said: str) -> None:
    benchmark, q, p = random_benchmark(1)
    with pytest.raises(ValueError, match=said):
        hbt.top(q, p, benchmark, k=k)


class Broken:
    """An encoder that returns whatever it is told to make of its vectors."""

    def __init__(self, made: Callable[[Vectors], Vectors]) -> None:
        self.made = made

    def embed(self, texts: list[str], role: str, **_: Any) -> Any:
        return self.made(np.array([[len(text), 1.0, 2.0] for text in texts], np.float32))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda v: v[:-1], r"Broken.embed returned the shape \(\d+, 3\) for \d+ query texts"),
        (lambda v: np.vstack([v, v]), r"Broken.embed returned the shape \(\d+, 3\) for"),
        (lambda v: v[:, 0], r"Broken.embed returned the shape \(\d+,\) for"),
        (lambda v: v[:, :0], r"Broken.embed returned the shape \(\d+, 0\) for"),
        (lambda v: v[None], r"Broken.embed returned the shape \(1, \d+, 3\) for"),
        (lambda v: None, r"Broken.embed returned nothing for \d+ texts \(query\)"),
        (lambda v: v.astype(str), "vectors that Broken.embed returned are of the type str"),
        (lambda v: v.astype(complex), "Broken.embed returned are of the type complex128"),
        (lambda v: list(map(str, v)), "Broken.embed returned are of the type str"),
        (lambda v: np.ma.masked_array(v), "Broken.embed returned are a masked array"),
        (lambda v: v * np.nan, "the vector of Broken's query row 0 .* is not finite"),
        (lambda v: np.where(v == 1, np.inf, v), "the vector of Broken's query row 0 .* is not fi"),
    ],
)
def test_an_encoder_that_does_not_do_as_promised_is_named(
    made: Callable[[Vectors], Vectors], said: str
) -> None:
    benchmark, _, _ = random_benchmark(0)
    with pytest.raises(ValueError, match=said):
        hbt.rank(Broken(made), benchmark)


def test_lists_and_tensors_of_an_encoder_are_taken() -> None:
    benchmark, _, _ = random_benchmark(0)
    expected = hbt.rank(Broken(lambda v: v), benchmark)
    for made in (np.ndarray.tolist, torch.from_numpy, lambda v: v.astype(int)):
        pd.testing.assert_frame_equal(hbt.rank(Broken(made), benchmark), expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"precision": None}, "precision is None"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"store": 5}, "store is 5; it is a folder, or '' for none"),
        ({"store": "a\0b"}, "store is 'a.x00b'; it is a folder, or '' for none"),
        ({"progress": pd.NA}, "progress is <NA>; it must be True or False"),
        ({"progress": 1}, "progress is 1; it must be True or False"),
        ({"benchmark": "xquad-r"}, "the benchmark is 'xquad-r'; give an hbt.Benchmark"),
        ({"encoder": "small"}, "the encoder is 'small', which has no method embed"),
        ({"encoder": None}, "the encoder is None, which has no method embed"),
        ({"encoder": Broken}, "the encoder is <class .*Broken.*, which has no method embed"),
    ],
)
def test_what_cannot_be_embedded_is_refused(options: dict[str, Any], said: str) -> None:
    benchmark, _, _ = random_benchmark(0)
    given = {"encoder": Broken(lambda v: v), "benchmark": benchmark, **options}
    with pytest.raises(ValueError, match=said):
        hbt.embed(**given)


@pytest.mark.parametrize("options", [None, [], 3, {"nprobe": 4}, np.array([]), pd.DataFrame()])
@pytest.mark.parametrize("index", [None, "Flat", "IVF4,Flat"])
def test_an_index_s_options_are_a_text(options: Any, index: str | None) -> None:
    benchmark, queries, passages = random_benchmark(0)
    with pytest.raises(ValueError, match=r"index_options is .*; it is a text such as 'nprobe=64'"):
        hbt.rank_vectors(queries, passages, benchmark, index=index, index_options=options)
