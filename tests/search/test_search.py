"""Search against sorting by hand; its independence of blocks and of the order of rows; what is embedded, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest
import torch
from conftest import random_benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hbtlib as hbt
from hbtlib.search.removal import without_language

Key = tuple[str, str, str]  # query_id, passage_id, pool
KEY = ["query_id", "passage_id", "pool"]


def brute_force(
    benchmark: hbt.Benchmark, q: NDArray, p: NDArray
) -> dict[Key, tuple[int, float, int, int, int]]:
    """Each pool sorted, for each query: rank, score, grade, n_passages, n_relevant of every relevant passage."""
    scores = q.astype(np.float64) @ p.T.astype(np.float64)
    grades = {
        (j.query_id, j.passage_id): j.grade
        for j in benchmark.judgements.itertuples()
        if j.grade > 0
    }
    passages = list(
        zip(benchmark.passages["passage_id"], benchmark.passages["language"], strict=True)
    )
    languages = sorted({language for _, language in passages})
    expected = {}
    for query, row in zip(benchmark.queries["query_id"], scores.tolist(), strict=True):
        for pool in [*languages, "all"] if len(languages) > 1 else languages:
            members = [
                (score, i)
                for (i, code), score in zip(passages, row, strict=True)
                if pool in (code, "all")
            ]
            members.sort(reverse=True)  # the larger score first; of equal ones the larger id
            relevant = [
                (rank, s, i) for rank, (s, i) in enumerate(members, 1) if (query, i) in grades
            ]
            for rank, score, i in relevant:
                expected[query, i, pool] = (
                    rank,
                    score,
                    grades[query, i],
                    len(members),
                    len(relevant),
                )
    return expected


def found(ranks: pd.DataFrame) -> dict[Key, tuple[int, float, int, int, int]]:
    rows = {
        (r.query_id, r.passage_id, r.pool): (r.rank, r.score, r.grade, r.n_passages, r.n_relevant)
        for r in ranks.itertuples()
    }
    assert len(rows) == len(ranks), "a row stands twice"
    return rows


def shuffled(
    benchmark: hbt.Benchmark, q: NDArray, p: NDArray, seed: int
) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    """The same benchmark with its three tables, and the vectors, in another order."""
    rng = np.random.default_rng(seed)
    a, b, c = (
        rng.permutation(len(t))
        for t in (benchmark.queries, benchmark.passages, benchmark.judgements)
    )
    return (
        hbt.Benchmark(
            benchmark.name,
            benchmark.queries.iloc[a],
            benchmark.passages.iloc[b],
            benchmark.judgements.iloc[c],
        ),
        q[a],
        p[b],
    )


def with_doubles(
    seed: int, queries: int, passages: int, width: int
) -> tuple[hbt.Benchmark, NDArray, NDArray]:
    """Unit vectors that are no round numbers, of passages a third of which are there once, the others again."""
    rng = np.random.default_rng(seed)
    distinct = rng.standard_normal((passages // 3, width)).astype(np.float32)
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    text = rng.integers(0, len(distinct), passages)
    p = distinct[text]
    q = rng.standard_normal((queries, width)).astype(np.float32)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    codes = rng.choice(["aa", "bb"], passages)
    query_table = pd.DataFrame(
        {"query_id": [f"q{i}" for i in range(queries)], "language": "aa", "text": "?"}
    )
    passage_table = pd.DataFrame(
        {
            "passage_id": [f"p{i}" for i in range(passages)],
            "language": codes,
            "text": [f"text {t}" for t in text],
        }
    )
    judgements = query_table[["query_id"]].merge(
        passage_table[["passage_id"]], how="cross"
    )  # every passage's rank is seen
    return hbt.Benchmark("doubles", query_table, passage_table, judgements), q, p


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


@pytest.mark.parametrize(
    ("queries", "passages", "width"), [(1, 37, 4), (3, 37, 384), (33, 100, 64)]
)
def test_passages_of_equal_vectors_are_tied(queries: int, passages: int, width: int) -> None:
    """A sentence that stands twice has one vector: it is the id that says which comes first.

    A matrix product may round equal columns differently by their place (BLAS's kernels for the edges), so that a product
    alone does not see the tie.
    """
    benchmark, q, p = with_doubles(1, queries, passages, width)
    ranks = hbt.rank_vectors(q, p, benchmark)
    joint = ranks[ranks["pool"] == "all"].astype({"passage_id": "str", "query_id": "str"})
    joint = joint.merge(benchmark.passages[["passage_id", "text"]])
    same = joint.groupby(["query_id", "text"])
    assert (same["score"].min() == same["score"].max()).all(), "one vector, two scores"
    by_id = joint.sort_values("passage_id", ascending=False, kind="stable").groupby(
        ["query_id", "text"]
    )["rank"]
    assert by_id.apply(lambda rank: (np.diff(rank) == 1).all()).all(), (
        "one vector, not in the order of ids"
    )


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


def test_a_tie_goes_to_the_larger_id_by_code_points() -> None:
    ids = ["p10", "p9", "P9", "pé", "p中", "p\uffee", "p😀"]  # UTF-16 would put 😀 before U+FFEE
    queries = pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["?"]})
    passages = pd.DataFrame({"passage_id": ids, "language": "en", "text": "one"})
    judgements = pd.DataFrame({"query_id": "q", "passage_id": ids})
    ranks = hbt.rank_vectors(
        np.ones((1, 2)), np.ones((7, 2)), hbt.Benchmark("ties", queries, passages, judgements)
    )
    assert ranks.sort_values("rank")["passage_id"].tolist() == [
        "p😀",
        "p\uffee",
        "p中",
        "pé",
        "p9",
        "p10",
        "P9",
    ]


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
    assert hbt.measure(ranks).empty


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
    hbt.rank(encoder, benchmark)  # type: ignore[arg-type]
    expected = {("query", t) for t in benchmark.queries["text"]} | {
        ("passage", t) for t in benchmark.passages["text"]
    }
    assert len(expected) == 12
    assert encoder.seen == Counter(dict.fromkeys(expected, 1))


def test_each_row_gets_its_texts_vector_in_its_role() -> None:
    encoder, benchmark = Counting(), shared_texts()
    ranks = hbt.rank(encoder, benchmark)  # type: ignore[arg-type]
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
    for found, expected in (
        (hbt.rank_vectors(q, p, benchmark, remove=remove), hbt.rank_vectors(*without, benchmark)),
        (hbt.top(q, p, benchmark, remove=remove), hbt.top(*without, benchmark)),
    ):
        pd.testing.assert_frame_equal(found, expected)
    assert not hbt.rank_vectors(q, p, benchmark).equals(hbt.rank_vectors(*without, benchmark))


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
    """Products that are wrong by as much as single precision may be, here by chance, change no rank."""
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
    for memory in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="it is a number of GB above 0"):
            hbt.rank_vectors(q, p, benchmark, memory=memory)


@pytest.mark.parametrize("width", [96, 384, 513])
def test_vectors_whose_products_all_round_one_way_rank_the_same(width: int) -> None:
    """Near-constant vectors of one sign: the error of a sum in order grows with its length, not with its root."""
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
