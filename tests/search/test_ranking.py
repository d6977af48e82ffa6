"""Ranks and tops against sorting by hand; which texts are embedded, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import random_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rankings import brute_force, found, with_doubles

import hbtlib as hbt
from hbtlib.search.removal import without_language


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.booleans()
)
def test_ranks_are_those_of_a_sort(
    seed: int, languages: int, questions: int, width: int, ties: bool
) -> None:
    benchmark, q, p = random_benchmark(
        seed, languages=languages, questions=questions, width=width, ties=ties
    )
    ours, expected = found(hbt.rank_vectors(q, p, benchmark)), brute_force(benchmark, q, p)
    assert ours.keys() == expected.keys()
    for key, (rank, score, *rest) in expected.items():
        assert (ours[key][0], *ours[key][2:]) == (rank, *rest), key
        assert abs(ours[key][1] - score) <= (0 if ties else 1e-5), (
            key
        )  # ties: halves, whose products are exact


def test_one_language_has_one_pool() -> None:
    benchmark, q, p = random_benchmark(1, languages=1)
    ranks = hbt.rank_vectors(q, p, benchmark)
    assert set(ranks["pool"]) == {"aa"}
    assert (ranks["n_passages"] == len(p)).all()
    assert set(hbt.measure(ranks)["setting"]) == {"monolingual"}


def test_a_part_of_the_languages_ranks_as_the_whole_does_there() -> None:
    benchmark, q, p = random_benchmark(9, languages=4)
    part = benchmark.restrict(["aa", "bb"])
    rows = [
        frame["language"].isin(["aa", "bb"]).to_numpy()
        for frame in (benchmark.queries, benchmark.passages)
    ]
    whole = {
        key: row
        for key, row in found(hbt.rank_vectors(q, p, benchmark)).items()
        if key[0].endswith(("aa", "bb")) and key[2] in ("aa", "bb")
    }
    assert whole
    assert {
        k: r
        for k, r in found(hbt.rank_vectors(q[rows[0]], p[rows[1]], part)).items()
        if k[2] != "all"
    } == whole


def test_the_table_has_its_columns_and_small_types() -> None:
    benchmark, q, p = random_benchmark(0)
    ranks = hbt.rank_vectors(q, p, benchmark)
    assert list(ranks.columns) == [
        "benchmark",
        "query_id",
        "question_id",
        "query_language",
        "pool",
        "passage_id",
        "passage_language",
        "rank",
        "score",
        "grade",
        "n_passages",
        "n_relevant",
    ]
    assert (ranks["benchmark"] == "random0").all()
    assert (ranks["rank"].dtype, ranks["score"].dtype) == (np.int32, np.float32)
    looked_up = ranks.astype(dict.fromkeys(("query_id", "passage_id"), "str"))
    looked_up = looked_up.merge(benchmark.queries, on="query_id", suffixes=("", "_there")).merge(
        benchmark.passages, on="passage_id", suffixes=("", "_p")
    )
    assert (looked_up["question_id"].astype("str") == looked_up["question_id_there"]).all()
    assert (looked_up["query_language"].astype("str") == looked_up["language"]).all()
    assert (looked_up["passage_language"].astype("str") == looked_up["language_p"]).all()


def test_nothing_relevant_gives_an_empty_table() -> None:
    benchmark, q, p = random_benchmark(0)
    nothing = hbt.Benchmark(
        "none", benchmark.queries, benchmark.passages, benchmark.judgements.assign(grade=0)
    )
    ranks = hbt.rank_vectors(q, p, nothing)
    assert ranks.empty
    assert list(ranks.columns) == list(hbt.rank_vectors(q, p, benchmark).columns)
    with pytest.raises(ValueError, match="the ranks have no rows"):
        hbt.measure(ranks)


class Counting:
    """An encoder whose vectors depend on text and role, and which keeps what it was given."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def embed(
        self,
        texts: Sequence[str],
        role: str = "passage",
        *,
        precision: str = "fp32",
        progress: bool = False,
    ) -> NDArray[np.float32]:
        self.seen.update((role, text) for text in texts)
        return np.stack([self.vector(text, role) for text in texts])

    @staticmethod
    def vector(text: str, role: str) -> NDArray[np.float32]:
        return (np.random.default_rng([*f"{role}: {text}".encode()]).integers(-2, 3, 8) / 2).astype(
            np.float32
        )


def shared_texts() -> hbt.Benchmark:
    """A benchmark with texts that stand in several languages, and as a query and as a passage."""
    benchmark, _, _ = random_benchmark(5, languages=4)
    queries = benchmark.queries.assign(
        text=[f"text {i % 5}" for i in range(len(benchmark.queries))]
    )
    passages = benchmark.passages.assign(
        text=[f"text {i % 7}" for i in range(len(benchmark.passages))]
    )
    return hbt.Benchmark("shared", queries, passages, benchmark.judgements)


def test_every_distinct_text_is_embedded_once_a_role() -> None:
    encoder, benchmark = Counting(), shared_texts()
    hbt.rank(encoder, benchmark)
    expected = {("query", t) for t in benchmark.queries["text"]} | {
        ("passage", t) for t in benchmark.passages["text"]
    }
    assert len(expected) == 12
    assert encoder.seen == Counter(dict.fromkeys(expected, 1))


def test_each_row_gets_its_texts_vector_in_its_role() -> None:
    encoder, benchmark = Counting(), shared_texts()
    ranks = hbt.rank(encoder, benchmark)
    q = np.stack([encoder.vector(text, "query") for text in benchmark.queries["text"]])
    p = np.stack([encoder.vector(text, "passage") for text in benchmark.passages["text"]])
    pd.testing.assert_frame_equal(ranks, hbt.rank_vectors(q, p, benchmark))
    # The same texts in the other role would rank otherwise, so the test above can tell.
    wrong = np.stack([encoder.vector(text, "passage") for text in benchmark.queries["text"]])
    assert not ranks["rank"].equals(hbt.rank_vectors(wrong, p, benchmark)["rank"])


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 40), st.integers(1, 9), st.booleans()
)
def test_the_top_is_that_of_a_sort(
    seed: int, languages: int, k: int, block: int, ties: bool
) -> None:
    benchmark, q, p = random_benchmark(seed, languages=languages, ties=ties)
    top = hbt.top(q, p, benchmark, k=k, memory=block * 1e-6)
    assert list(top.columns) == [
        "benchmark",
        "query_id",
        "query_language",
        "rank",
        "passage_id",
        "passage_language",
    ]
    ids, codes = benchmark.passages["passage_id"].tolist(), benchmark.passages["language"].tolist()
    scores = q.astype(np.float64) @ p.T.astype(np.float64)
    expected = []
    for query, row in zip(benchmark.queries.itertuples(), scores.tolist(), strict=True):
        best = sorted(zip(row, ids, codes, strict=True), reverse=True)[:k]
        expected += [
            (benchmark.name, query.query_id, query.language, rank, i, code)
            for rank, (_, i, code) in enumerate(best, 1)
        ]
    assert [tuple(row) for row in top.astype({"rank": int}).itertuples(index=False)] == expected


def test_the_top_and_the_ranks_are_of_one_order() -> None:
    benchmark, q, p = with_doubles(0, 30, 40, 5)
    top, ranks = hbt.top(q, p, benchmark, k=40), hbt.rank_vectors(q, p, benchmark)
    both = ranks[ranks["pool"] == "all"].merge(
        top.astype("str").astype({"rank": int}), on=["query_id", "passage_id"]
    )
    assert len(both) == (ranks["pool"] == "all").sum()
    assert (both["rank_x"] == both["rank_y"]).all()
    with pytest.raises(ValueError, match="k is 0"):
        hbt.top(q, p, benchmark, k=0)
    with pytest.raises(ValueError, match="query_vectors have shape"):
        hbt.top(q[:3], p, benchmark)


@pytest.mark.parametrize("remove", ["mean", 1])
def test_language_is_removed_before_ranking(remove: str | int) -> None:
    benchmark, q, p = random_benchmark(5, languages=3, ties=False)
    without = without_language(q, p, benchmark, remove)
    for removed, expected in (
        (hbt.rank_vectors(q, p, benchmark, remove=remove), hbt.rank_vectors(*without, benchmark)),
        (hbt.top(q, p, benchmark, remove=remove), hbt.top(*without, benchmark)),
    ):
        pd.testing.assert_frame_equal(removed, expected)
    assert not hbt.rank_vectors(q, p, benchmark).equals(hbt.rank_vectors(*without, benchmark))


def test_only_vectors_of_a_known_encoder_are_kept_on_disk(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="embed with store=''"):
        hbt.embed(Counting(), shared_texts(), store=tmp_path)
    assert not list(tmp_path.iterdir())
