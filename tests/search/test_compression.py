"""Vectors of fewer dimensions, of 8 bits and of one: as numpy and sentence-transformers do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from numpy.typing import NDArray
from rankings import found
from sentence_transformers.util.quantization import quantize_embeddings, semantic_search_faiss

import hbtlib as hbt
from hbtlib.search.compression import codes, quantized_scores


def unit(vectors: NDArray) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def made(seed: int, width: int = 24) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    benchmark, q, p = random_benchmark(seed, width=width, ties=False)
    return benchmark, unit(q), unit(p)


def test_codes_are_those_of_sentence_transformers() -> None:
    rng = np.random.default_rng(0)
    passages = rng.standard_normal((150, 24)).astype(np.float32)
    passages[:, 3] = 0.25  # a dimension without a range
    queries = (1.3 * rng.standard_normal((20, 24))).astype(np.float32)  # some beyond the ranges
    ranges = passages.min(0), passages.max(0)
    for vectors in (queries, passages):
        expected = quantize_embeddings(vectors, "int8", calibration_embeddings=passages)
        np.testing.assert_array_equal(codes(vectors, ranges), expected)
        packed = quantize_embeddings(vectors, "ubinary")
        np.testing.assert_array_equal(codes(vectors, None) > 0, np.unpackbits(packed, axis=1) == 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quantize", ["int8", "binary"])
def test_ranks_are_those_of_quantised_vectors(quantize: str, seed: int) -> None:
    benchmark, q, p = made(seed)
    if quantize == "int8":
        both = [quantize_embeddings(v, "int8", calibration_embeddings=p) for v in (q, p)]
        scores = both[0].astype(int) @ both[1].astype(int).T
    else:
        bits = [np.unpackbits(quantize_embeddings(v, "ubinary"), axis=1) for v in (q, p)]
        scores = q.shape[1] - 2 * (bits[0][:, None] != bits[1]).sum(axis=2)  # Hamming
    ranks = hbt.rank_vectors(q, p, benchmark, quantize=quantize)
    expected = hbt.rank_scores(lambda a, b: scores[np.ix_(a.index, b.index)], benchmark)
    pd.testing.assert_frame_equal(ranks, expected)
    best = hbt.top(q, p, benchmark, k=3, quantize=quantize)
    lists = hbt.top_scores(lambda a, b: scores[np.ix_(a.index, b.index)], benchmark, k=3)
    pd.testing.assert_frame_equal(best, lists)
    row = {name: i for i, name in enumerate(benchmark.queries["query_id"])}
    column = {name: i for i, name in enumerate(benchmark.passages["passage_id"])}
    for (query, passage, pool), (rank, score, *_) in found(ranks).items():
        mine = scores[row[query], column[passage]]
        assert score == mine
        members = benchmark.passages["language"].isin([pool]).to_numpy() | (pool == "all")
        others = scores[row[query]][members]
        assert (others > mine).sum() < rank <= (others >= mine).sum()


def test_the_best_are_those_of_an_index_of_signs() -> None:
    """faiss's index of bits, as sentence-transformers searches it: the same distances."""
    benchmark, q, p = made(3, width=64)
    packed = quantize_embeddings(p, "ubinary")
    k = 4
    lists, *_ = semantic_search_faiss(
        q, corpus_embeddings=packed, corpus_precision="ubinary", top_k=k, rescore=False, exact=True
    )
    best = hbt.top(q, p, benchmark, k=k, quantize="binary")
    scores = quantized_scores(q, p, "binary")(benchmark.queries, benchmark.passages)
    column = {name: i for i, name in enumerate(benchmark.passages["passage_id"])}
    for row, (_, mine) in enumerate(best.groupby("query_id", sort=False, observed=True)):
        ours = [scores[row, column[name]] for name in mine["passage_id"]]
        assert ours == [64 - 2 * hit["score"] for hit in lists[row]]


@pytest.mark.parametrize("width", [8, 1025, 1100])
def test_scores_of_8_bits_are_whole_numbers(width: int) -> None:
    rng = np.random.default_rng(width)
    vectors = np.sign(rng.standard_normal((6, width))).astype(np.float32)
    vectors[0] = 1  # its code is 127 everywhere
    benchmark = random_benchmark(0)[0]
    tables = benchmark.queries.iloc[:6], benchmark.passages.iloc[:6]
    index = [table.reset_index(drop=True) for table in tables]
    scores = quantized_scores(vectors, vectors, "int8")(*index)
    numbers = codes(vectors, (vectors.min(0), vectors.max(0))).astype(int)
    np.testing.assert_array_equal(scores, numbers @ numbers.T)
    assert scores[0, 0] > 127 * 127 * width * 0.9


@pytest.mark.parametrize("options", [{}, {"quantize": "int8"}, {"quantize": "binary"}])
def test_first_dimensions_are_kept(options: dict[str, Any], tmp_path: Path) -> None:
    benchmark, q, p = made(4)
    ranks = hbt.rank_vectors(q, p, benchmark, dimensions=6, **options)
    expected = hbt.rank_vectors(unit(q[:, :6]), unit(p[:, :6]), benchmark, **options)
    pd.testing.assert_frame_equal(ranks, expected)
    np.save(tmp_path / "passages.npy", p)  # on disk it is read in parts
    mapped = np.load(tmp_path / "passages.npy", mmap_mode="r")
    again = hbt.rank_vectors(q, mapped, benchmark, dimensions=6, **options)
    pd.testing.assert_frame_equal(again, expected)
    whole = hbt.rank_vectors(q, p, benchmark, dimensions=24, **options)
    pd.testing.assert_frame_equal(whole, hbt.rank_vectors(q, p, benchmark, **options))
    best = hbt.top(q, p, benchmark, dimensions=6, **options)
    pd.testing.assert_frame_equal(
        best, hbt.top(unit(q[:, :6]), unit(p[:, :6]), benchmark, **options)
    )


def test_lengths_that_mean_something_stay() -> None:
    """Vectors of other lengths rank by dot product; shorter ones do so too."""
    benchmark, q, p = random_benchmark(4, width=24, ties=False)
    ranks = hbt.rank_vectors(q, p, benchmark, dimensions=6)
    pd.testing.assert_frame_equal(ranks, hbt.rank_vectors(q[:, :6], p[:, :6], benchmark))
    zero = unit(p)
    zero[0] = np.eye(24, dtype=np.float32)[23]  # nothing is left of it
    hbt.rank_vectors(unit(q), zero, benchmark, dimensions=6)


def test_rank_and_an_index_take_them() -> None:
    benchmark, _, _ = random_benchmark(1)

    class Letters:
        def embed(self, texts: list[str], role: str, **_: Any) -> NDArray:
            return unit(np.array([[len(t), t.count("a") + 1, t.count("b")] for t in texts], float))

    vectors = hbt.embed(Letters(), benchmark, store="")
    for options in ({"dimensions": 2}, {"quantize": "binary"}, {"remove": "mean", "dimensions": 2}):
        ranks = hbt.rank(Letters(), benchmark, **options)
        pd.testing.assert_frame_equal(ranks, hbt.rank_vectors(*vectors, benchmark, **options))
    flat = hbt.rank_vectors(*vectors, benchmark, dimensions=2, index="Flat", depth=100)
    exact = hbt.rank_vectors(*vectors, benchmark, dimensions=2)
    assert (flat["rank"] == exact["rank"]).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dimensions": 0}, "dimensions is 0; it must be 1 or more"),
        ({"dimensions": 25}, "dimensions is 25; it must be 24 or less"),
        ({"dimensions": 2.0}, "dimensions is 2.0; it must be a whole number"),
        ({"quantize": "int4"}, "quantize is 'int4'; did you mean 'int8'?"),
        ({"quantize": True}, "quantize is True; there are int8, binary"),
        ({"quantize": "int8", "index": "Flat"}, "quantize is 'int8' and index is 'Flat': an index"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    benchmark, q, p = made(0)
    with pytest.raises(ValueError, match=said):
        hbt.rank_vectors(q, p, benchmark, **options)
    if "index" not in options:
        with pytest.raises(ValueError, match=said):
            hbt.top(q, p, benchmark, **options)
