"""Ranks from any function of scores: sorting, vectors, ties, invariances, blocks, bad returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from conftest import random_benchmark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rankings import KEY, brute_force, found

import hbtlib as hbt
from hbtlib.search import scores as module
from hbtlib.search.kernels import count_ties, first_of_scores, mixed
from hbtlib.search.ties import text_keys


def dot_products(q: NDArray, p: NDArray) -> module.ScoreBlock:
    """The scores of vectors; the tables' index says which rows are asked for."""
    return lambda queries, passages: q[queries.index] @ p[passages.index].T


def of_texts(seed: int, levels: int) -> module.ScoreBlock:
    """Few different scores, which depend on the two texts alone."""

    def score_block(queries: pd.DataFrame, passages: pd.DataFrame) -> NDArray[np.int64]:
        mix = np.random.default_rng(seed).integers(1, 2**40)
        rows, columns = text_keys_alone(queries["text"]), text_keys_alone(passages["text"])
        return ((rows[:, None] ^ columns) % np.uint64(mix) % np.uint64(levels)).astype(np.int64)

    return score_block


def text_keys_alone(texts: pd.Series) -> NDArray[np.uint64]:
    return np.array([text_keys(pd.Series([text]))[0] for text in texts], np.uint64)


def test_a_query_reads_its_scores_as_the_picture_says() -> None:
    scores = np.array([[0.4, 0.0, 0.0, 0.7, 0.0]], np.float32)  # the picture of `count_ties`
    pool, key = np.array([0, 0, 1, 1, 0]), np.array([7, 5, 9, 8, 2], np.uint64)
    first, column = np.array([0, 1]), np.array([1])
    counted = count_ties(scores, pool, key, np.zeros(1, np.uint64), False, first, column)
    assert counted.tolist() == [[[1, 1, 1], [2, 2, 1]]]


@pytest.mark.parametrize("mix", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_kernels_count_and_list_as_sorting_does(seed: int, mix: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (5, 60)).astype(np.float32)
    pool, key = rng.integers(0, 3, 60), rng.permutation(60).astype(np.uint64)
    query_key = rng.integers(0, 2**60, 5).astype(np.uint64)
    first = np.array([0, 2, 2, 5, 6, 9])
    column = rng.integers(0, 60, 9)
    counts = count_ties(scores, pool, key, query_key, mix, first, column)
    best = first_of_scores(scores, key, query_key, mix, 7)
    for q in range(5):
        keys = np.array([int(mixed(one, query_key[q])) if mix else int(one) for one in key])
        order = sorted(range(60), key=lambda i: (-scores[q, i], keys[i]))
        assert best[q].tolist() == order[:7]
        for g in range(first[q], first[q + 1]):
            for which, members in enumerate([pool == pool[column[g]], np.ones(60, bool)]):
                higher = (members & (scores[q] > scores[q, column[g]])).sum()
                equal = (members & (scores[q] == scores[q, column[g]])).sum() - 1
                place = [i for i in order if members[i]].index(column[g])
                assert counts[g, which].tolist() == [higher, equal, place - higher]


@pytest.mark.parametrize("block", [(256, 8192), (1, 1), (3, 7)])
@pytest.mark.parametrize("seed", range(4))
def test_ranks_are_those_of_vectors_where_scores_are_dot_products(
    seed: int, block: tuple[int, int]
) -> None:
    """By the same rule for ties the table is the same; halves have exact products, many equal."""
    benchmark, q, p = random_benchmark(seed)
    ranks = hbt.rank_scores(dot_products(q, p), benchmark, ties="id", block=block)
    expected = hbt.rank_vectors(q, p, benchmark)
    pd.testing.assert_frame_equal(ranks.drop(columns="n_tied"), expected)
    best = hbt.top_scores(dot_products(q, p), benchmark, k=5, ties="id", block=block)
    pd.testing.assert_frame_equal(best, hbt.top(q, p, benchmark, k=5))
    without, q, p = random_benchmark(seed, ties=False)
    expected = hbt.rank_vectors(q, p, without)
    for ties in module.TIES:
        ranks = hbt.rank_scores(dot_products(q, p), without, ties=ties, block=block)
        untied = ranks["n_tied"] == 0
        assert (ranks["rank"] == expected["rank"])[untied].all()
        assert untied.mean() > 0.9


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_ties_are_counted_and_share_the_mean_of_their_places(seed: int) -> None:
    benchmark, q, p = random_benchmark(seed)
    by_id = brute_force(benchmark, q, p)
    ranks = {
        ties: hbt.rank_scores(dot_products(q, p), benchmark, ties=ties) for ties in module.TIES
    }
    scores = q @ p.T
    row = {name: i for i, name in enumerate(benchmark.queries["query_id"])}
    column = {name: i for i, name in enumerate(benchmark.passages["passage_id"])}
    language = benchmark.passages["language"].to_numpy()
    hashed, tied = found(ranks["hash"]), 0
    for one in ranks["mid"].itertuples():
        members = (language == one.pool) | (one.pool == "all")
        mine = scores[row[one.query_id], column[one.passage_id]]
        others = scores[row[one.query_id]][members]
        higher, equal = (others > mine).sum(), (others == mine).sum()
        assert one.n_tied == equal - 1
        assert one.rank == higher + (equal + 1) / 2
        key = (one.query_id, one.passage_id, one.pool)
        for rank in (by_id[key][0], hashed[key][0]):
            assert higher < rank <= higher + equal
        tied += equal > 1
    assert tied > 20, "the test says nothing without ties"
    assert ranks["mid"]["rank"].dtype == np.float64
    assert not ranks["hash"].duplicated(["query_id", "pool", "rank"]).any()


def measured(ranks: pd.DataFrame, name: Callable[[str], str] = str) -> pd.DataFrame:
    """Everything that is measured of a ranking, with languages renamed back."""
    named = hbt.measure(ranks, ["mAP", "MRR@10", "nDCG@10", "R@1", "rank-distance"])
    bias = hbt.bias(ranks).assign(setting="bias", pool="all").rename(columns={"measure": "metric"})
    both = pd.concat([named, bias])
    both["query_language"] = both["query_language"].map(name)
    both["pool"] = both["pool"].map(name)
    keys = ["setting", "metric", "query_language", "pool"]
    return both.sort_values(keys)[[*keys, "value"]].reset_index(drop=True)


def renamed(
    benchmark: hbt.Benchmark, names: dict[str, str], rng: np.random.Generator
) -> hbt.Benchmark:
    """The same benchmark with its languages renamed, and its ids shuffled among the passages."""
    passages, queries = benchmark.passages, benchmark.queries
    ids = dict(
        zip(passages["passage_id"], rng.permutation(passages["passage_id"].to_numpy()), strict=True)
    )
    asked = {name: f"{i}" for i, name in enumerate(rng.permutation(queries["query_id"].to_numpy()))}
    return hbt.Benchmark(
        benchmark.name,
        queries.assign(
            query_id=queries["query_id"].map(asked), language=queries["language"].map(names)
        ),
        passages.assign(
            passage_id=passages["passage_id"].map(ids), language=passages["language"].map(names)
        ),
        benchmark.judgements.assign(
            query_id=benchmark.judgements["query_id"].map(asked),
            passage_id=benchmark.judgements["passage_id"].map(ids),
        ),
    )


@pytest.mark.parametrize("ties", ["hash", "mid"])
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    order=st.permutations(["aa", "bb", "cc"]),
    levels=st.integers(1, 6),
)
def test_languages_and_ids_are_only_names(
    ties: str, seed: int, order: list[str], levels: int
) -> None:
    """Renaming languages and shuffling ids changes no measure, however many scores are equal."""
    benchmark, _, _ = random_benchmark(seed % 20, questions=3)
    names = dict(zip(["aa", "bb", "cc"], order, strict=True))
    other = renamed(benchmark, names, np.random.default_rng(seed))
    score_block = of_texts(seed, levels)
    before = measured(hbt.rank_scores(score_block, benchmark, ties=ties))
    back = {new: old for old, new in names.items()}
    after = measured(
        hbt.rank_scores(score_block, other, ties=ties, block=(2, 5)), lambda x: back.get(x, x)
    )
    pd.testing.assert_frame_equal(before, after)
    best, again = (hbt.top_scores(score_block, one, k=4, ties="hash") for one in (benchmark, other))
    assert best["passage_language"].astype("str").map(names).tolist() == list(
        again["passage_language"]
    )


def test_by_id_the_names_of_languages_matter() -> None:
    """Why that is not the rule here: the test above would find it."""
    benchmark, _, _ = random_benchmark(3)
    same = {code: code for code in ("aa", "bb", "cc")}
    other = renamed(benchmark, same, np.random.default_rng(0))
    one, two = (
        measured(hbt.rank_scores(of_texts(0, 1), each, ties="id")) for each in (benchmark, other)
    )
    assert not np.allclose(one["value"], two["value"], equal_nan=True)


def test_the_order_by_hash_is_fair_to_every_measure() -> None:
    """With one score for all, measures by hash are those of chance; mid-ranks hide the distance."""
    n = 1500
    ids = [(i, code) for i in range(n // 3) for code in ("de", "en", "es")]
    texts = {"language": [c for _, c in ids], "text": [f"{i} {c}" for i, c in ids]}
    queries = pd.DataFrame({**texts, "query_id": [f"q{i}-{c}" for i, c in ids]})
    queries = queries.assign(question_id=[f"q{i}" for i, _ in ids])
    passages = pd.DataFrame({**texts, "passage_id": [f"{c}-{i}" for i, c in ids]})
    judged = [(f"q{i}-{c}", f"{o}-{i}") for i, c in ids for o in ("de", "en", "es")]
    judgements = pd.DataFrame(judged, columns=["query_id", "passage_id"])
    benchmark = hbt.Benchmark("alike", queries, passages, judgements)
    found = {
        ties: hbt.bias(
            hbt.rank_scores(lambda q, p: np.zeros((len(q), len(p))), benchmark, ties=ties)
        )
        .groupby("measure")["value"]
        .mean()
        for ties in module.TIES
    }
    chance = hbt.chance_rank_distance(n, 3)
    assert found["hash"]["rank-distance"] == pytest.approx(chance, rel=0.05)
    assert found["hash"]["own-language-preference"] == pytest.approx(1, abs=0.1)
    assert found["mid"]["rank-distance"] == 0
    assert found["mid"]["own-language-preference"] == pytest.approx(1)
    assert found["hash"]["kendalls-w"] < 0.02 < found["id"]["kendalls-w"] == 1


@pytest.mark.parametrize(
    "made",
    [
        lambda s: s.tolist(),
        lambda s: pd.DataFrame(s),
        lambda s: torch.from_numpy(s).to(torch.bfloat16),
        lambda s: torch.from_numpy(s).to_sparse().requires_grad_(),
        lambda s: scipy.sparse.csr_array(s),
        lambda s: s.astype(np.float16),
        lambda s: (4 * s).astype(np.int64) / 4,
    ],
)
def test_scores_of_any_kind_are_taken(made: Callable[[NDArray], Any]) -> None:
    benchmark, q, p = random_benchmark(2)
    scores = dot_products(q.astype(np.float32), p.astype(np.float32))
    expected = hbt.rank_scores(scores, benchmark)
    given_so = hbt.rank_scores(lambda a, b: made(scores(a, b)), benchmark)
    pd.testing.assert_frame_equal(given_so, expected)


def test_a_sparse_encoder_of_sentence_transformers_ranks() -> None:
    """The guide's example, with a model whose words have random weights."""
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.models import SparseStaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    benchmark, _, _ = random_benchmark(2)
    words = sorted({w for t in benchmark.passages["text"] for w in t.split()} | {"[UNK]", "[PAD]"})
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
    weights = torch.rand(len(words), generator=torch.Generator().manual_seed(0)) + 0.5
    module_of_words = SparseStaticEmbedding(fast, weight=weights)
    model = SparseEncoder(modules=[module_of_words], device="cpu")
    asked = model.encode_query(benchmark.queries["text"].tolist())
    found_vectors = model.encode_document(benchmark.passages["text"].tolist())

    def score_block(queries: pd.DataFrame, passages: pd.DataFrame) -> Any:
        rows, columns = torch.tensor(queries.index), torch.tensor(passages.index)
        return model.similarity(asked.index_select(0, rows), found_vectors.index_select(0, columns))

    assert asked.is_sparse
    ranks = hbt.rank_scores(score_block, benchmark, ties="id", block=(4, 9))
    dense = [part.to_dense().numpy() for part in (asked, found_vectors)]
    expected = hbt.rank_vectors(*dense, benchmark)
    pd.testing.assert_frame_equal(
        ranks.drop(columns=["n_tied", "score"]), expected.drop(columns="score")
    )
    assert ranks["score"].max() > 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda s: s[:, :-1], r"returned the shape \(\d+, \d+\) for \d+ queries and \d+ passages"),
        (lambda s: s.T, r"it must return \(\d+, \d+\), a row a query: turn it round"),
        (lambda s: s.ravel(), r"returned the shape \(\d+,\) for"),
        (lambda s: s[None], r"returned the shape \(1, \d+, \d+\) for"),
        (lambda s: None, "the scores that score_block returned are of the type object"),
        (lambda s: 0.5, r"returned the shape \(\)"),
        (lambda s: s > 0, "are of the type bool, where real numbers belong"),
        (lambda s: s.astype(complex), "are of the type complex128"),
        (lambda s: s.astype(str), "are of the type str"),
        (lambda s: np.ma.masked_array(s), "are a masked array"),
        (lambda s: [row.tolist()[: 2 + i % 2] for i, row in enumerate(s)], "that is no matrix"),
        (lambda s: np.where(s == s.max(), np.nan, s), "returned nan for the query '.*' and the p"),
        (lambda s: np.where(s == s.max(), -np.inf, s), "returned -inf for the query '.*'"),
        (
            lambda s: s.astype(float) * 1e300,
            r"returned -?\d.*e\+\d+ for the query .* finite number in single",
        ),
        (lambda s: scipy.sparse.csr_array(s).T, "a row a query: turn it round"),
    ],
)
def test_what_are_no_scores_is_refused(made: Callable[[NDArray], Any], said: str) -> None:
    benchmark, q, p = random_benchmark(1)
    score_block = lambda a, b: made(dot_products(q, p)(a, b))  # noqa: E731
    for call in (hbt.rank_scores, hbt.top_scores):
        with pytest.raises(ValueError, match=said) as error:
            call(score_block, benchmark)
        assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ties": "random"}, "ties is 'random'; there are hash, mid, id"),
        ({"ties": None}, "ties is None"),
        ({"block": 5}, "block is 5; it is two numbers"),
        ({"block": (0, 5)}, "block is 0; it must be 1 or more"),
        ({"block": (5, 2.5)}, "block is 2.5; it must be a whole number"),
        ({"memory": 0}, r"memory \(GB\) is 0; it must be above 0"),
        ({"score_block": "bm25"}, "score_block is 'bm25'; it is a function that takes a table"),
        ({"score_block": hbt.Benchmark}, "score_block is <class"),
        ({"benchmark": "xquad-r"}, "the benchmark is 'xquad-r'; give an hbt.Benchmark"),
    ],
)
def test_options_are_checked(options: dict[str, Any], said: str) -> None:
    benchmark, q, p = random_benchmark(1)
    with pytest.raises(ValueError, match=said):
        hbt.rank_scores(**{"score_block": dot_products(q, p), "benchmark": benchmark, **options})
    with pytest.raises(ValueError, match="ties is 'mid', but a list has no mean places"):
        hbt.top_scores(dot_products(q, p), benchmark, ties="mid")


def test_blocks_and_memory_are_kept_and_no_score_is_asked_for_twice() -> None:
    benchmark, q, p = random_benchmark(5, languages=2, questions=30)
    n = len(p)
    seen = np.zeros((len(q), n), int)

    def watched(queries: pd.DataFrame, passages: pd.DataFrame) -> NDArray:
        assert len(queries) <= 4
        assert len(passages) <= 9
        seen[np.ix_(queries.index, passages.index)] += 1
        return dot_products(q, p)(queries, passages)

    # Scores of 4 bytes: a query has n of a strip and 4 · 9 of a block; there is room for 4 queries.
    memory = 4.5 * 4 * (n + 4 * 9) / 1e9
    ranks = hbt.rank_scores(watched, benchmark, block=(100, 9), memory=memory)
    pd.testing.assert_frame_equal(ranks, hbt.rank_scores(dot_products(q, p), benchmark))
    asked = benchmark.queries["query_id"].isin(ranks["query_id"].astype("str")).to_numpy()
    assert (seen[asked] == 1).all()
    assert not seen[~asked].any()


def test_ties_are_said_in_one_line(capsys: pytest.CaptureFixture) -> None:
    benchmark, q, p = random_benchmark(2)
    ranks = hbt.rank_scores(dot_products(q, p), benchmark)
    joint = ranks[ranks["pool"] == "all"]
    n_tied = (joint["n_tied"] > 0).sum()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f": {n_tied} of {len(joint)} relevant passages" in said
    hbt.rank_scores(lambda a, b: np.arange(len(p))[b.index] + np.zeros((len(a), 1)), benchmark)
    assert not capsys.readouterr().out, "nothing is said where nothing ties"


def test_mid_ranks_are_measured_and_no_run(tmp_path: Any) -> None:
    benchmark, q, p = random_benchmark(2)
    ranks = hbt.rank_scores(dot_products(q, p), benchmark, ties="mid")
    assert (ranks["rank"] % 1 == 0.5).any()
    assert hbt.measure(ranks)["value"].between(0, len(p)).all()
    with pytest.raises(ValueError, match="means of the places of passages that tie, which a run c"):
        hbt.trec.write(ranks, tmp_path)
    with pytest.raises(
        ValueError, match=r"has the rank .*, where a whole number from 1 up belongs"
    ):
        hbt.measure(ranks.drop(columns="n_tied"))
    quarter = ranks.assign(rank=ranks["rank"] + 0.25)
    with pytest.raises(ValueError, match="where a whole number from 1 up belongs"):
        hbt.measure(quarter)
    several = pd.concat([ranks, ranks])
    with pytest.raises(ValueError, match="are they of several runs"):
        hbt.measure(several)
    assert set(KEY) < set(ranks.columns)
