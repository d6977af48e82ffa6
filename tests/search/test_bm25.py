"""BM25 against its formula, against an index of each pool, and what it refuses."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt
from hbtlib.search.words import terms

pytest.importorskip("bm25s", reason="needs bm25s, of the extra bm25")

TEXTS = {
    "de": ["Rom liegt in Italien.", "Oslo liegt in Norwegen, nicht in Italien.", "Ja!", "…"],
    "en": ["Rome is in Italy.", "Oslo is in Norway, not in Rome.", "Yes, Oslo, in Oslo."],
    "zh": ["罗马在意大利。", "奥斯陆在挪威，不在罗马。", "NATO在奥斯陆。"],
}
QUERIES = {
    "de": ["Wo liegt Rom?", "Oslo, in Oslo?"],
    "en": ["Where is Rome?", "What is NATO?"],
    "zh": ["罗马在哪里？", "…"],
}


def tiny() -> hbt.Benchmark:
    passages = [(f"{c}-p{i}", c, t) for c, texts in TEXTS.items() for i, t in enumerate(texts)]
    queries = [(f"{c}-q{i}", c, t) for c, texts in QUERIES.items() for i, t in enumerate(texts)]
    order = np.random.default_rng(0).permutation(len(passages))  # languages are mixed
    return hbt.Benchmark(
        "tiny",
        pd.DataFrame(queries, columns=["query_id", "language", "text"]),
        pd.DataFrame(passages, columns=["passage_id", "language", "text"]).iloc[order],
        pd.DataFrame([(q, p) for q, *_ in queries for p, *_ in passages[::2]]).set_axis(
            ["query_id", "passage_id"], axis=1
        ),
    )


def formula(
    query: list[str], passage: list[str], pool: list[list[str]], k1: float, b: float, method: str
) -> float:
    """The sum over the query's terms, as the docstring has it; Kamphuis et al.'s other variants."""
    mean = sum(map(len, pool)) / len(pool)
    total = 0.0
    for term in query:
        f, n = passage.count(term), sum(term in other for other in pool)
        if not f:
            continue
        rare = {
            "lucene": math.log(1 + (len(pool) - n + 0.5) / (n + 0.5)),
            "robertson": max(math.log((len(pool) - n + 0.5) / (n + 0.5)), 0.0) if n else 0.0,
            "atire": math.log(len(pool) / n),
        }[method]
        factor = k1 + 1 if method == "atire" else 1
        total += rare * factor * f / (f + k1 * (1 - b + b * len(passage) / mean))
    return total


@pytest.mark.parametrize("statistics", ["language", "all"])
@pytest.mark.parametrize(
    ("k1", "b", "method"),
    [
        (1.5, 0.75, "lucene"),
        (0.9, 0.4, "lucene"),
        (1.2, 1, "atire"),
        (0, 0.5, "robertson"),
    ],
)
def test_a_score_is_what_the_formula_says(
    statistics: str, k1: float, b: float, method: str
) -> None:
    benchmark = tiny()
    model = hbt.BM25(benchmark, k1=k1, b=b, statistics=statistics, method=method)
    scores = model(benchmark.queries, benchmark.passages).toarray()
    split = [terms(p.text, p.language) for p in benchmark.passages.itertuples()]
    language = list(benchmark.passages["language"])
    for query, row in zip(benchmark.queries.itertuples(), scores, strict=True):
        for i, score in enumerate(row):
            pool = [
                other
                for other, code in zip(split, language, strict=True)
                if statistics == "all" or code == language[i]
            ]
            asked = terms(query.text, query.language)
            expected = formula(asked, split[i], pool, k1, b, method)
            assert score == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert (scores > 0).mean() > 0.05, "nothing was compared"


def test_a_pool_ranks_as_an_index_of_this_pool_alone() -> None:
    """With the statistics of a language; with those of all passages it does not."""
    benchmark = tiny()
    whole = hbt.BM25(benchmark)(benchmark.queries, benchmark.passages).toarray()
    for code in ("de", "en", "zh"):
        rows = (benchmark.passages["language"] == code).to_numpy()
        alone = hbt.Benchmark(
            code, benchmark.queries, benchmark.passages[rows], benchmark.judgements.iloc[:0]
        )
        single = hbt.BM25(alone, statistics="all")(alone.queries, alone.passages).toarray()
        np.testing.assert_allclose(whole[:, rows], single, rtol=1e-6)
    joint = hbt.BM25(benchmark, statistics="all")(benchmark.queries, benchmark.passages).toarray()
    assert not np.allclose(whole, joint)


def test_scores_are_those_of_the_package() -> None:
    import bm25s

    benchmark = tiny()
    package = bm25s.BM25()
    split = [terms(p.text, p.language) for p in benchmark.passages.itertuples()]
    package.index(split, show_progress=False)
    model = hbt.BM25(benchmark, statistics="all")
    assert model.version == bm25s.__version__
    scores = model(benchmark.queries, benchmark.passages).toarray()
    for query, row in zip(benchmark.queries.itertuples(), scores, strict=True):
        asked = terms(query.text, query.language)
        expected = package.get_scores(asked) if asked else np.zeros(len(split))
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_blocks_give_the_same_ranks() -> None:
    benchmark = tiny()
    model = hbt.BM25(benchmark)
    whole = hbt.rank_scores(model, benchmark)
    for block in ((1, 1), (2, 3)):
        pd.testing.assert_frame_equal(hbt.rank_scores(model, benchmark, block=block), whole)
    first = hbt.top_scores(model, benchmark, k=1).set_index("query_id")["passage_id"]
    assert first["de-q0"] == "de-p0"
    assert first["en-q1"] == "zh-p2"  # NATO stands in a Chinese passage alone
    assert first["zh-q0"] == "zh-p0"


def test_stems_find_other_forms() -> None:
    pytest.importorskip("Stemmer", reason="needs PyStemmer, of the extra bm25")
    benchmark = hbt.Benchmark(
        "forms",
        pd.DataFrame({"query_id": ["q"], "language": "en", "text": ["runners running"]}),
        pd.DataFrame({"passage_id": ["a", "b"], "language": "en", "text": ["He runs", "A cat"]}),
        pd.DataFrame({"query_id": ["q"], "passage_id": ["a"]}),
    )
    for stem, found in ((False, 0), (True, 1)):
        scores = hbt.BM25(benchmark, stem=stem)(benchmark.queries, benchmark.passages)
        assert (scores.toarray()[0] > 0).sum() == found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k1": -1}, "k1 is -1; it must be 0 or more"),
        ({"b": 1.5}, "b is 1.5; it must be 0 or more and 1 or less"),
        ({"stem": "yes"}, "stem is 'yes'; it must be True or False"),
        ({"method": "bm25+"}, r"method is 'bm25\+'; there are lucene, robertson, atire"),
        ({"statistics": "pool"}, "statistics is 'pool'; there are language, all"),
        ({"benchmark": "xquad-r"}, "the benchmark is 'xquad-r'; give an hbt.Benchmark"),
    ],
)
def test_options_are_checked(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        hbt.BM25(**{"benchmark": tiny(), **options})


def test_other_passages_are_refused() -> None:
    benchmark = tiny()
    model = hbt.BM25(benchmark)
    other = hbt.Benchmark(
        "other", benchmark.queries, benchmark.passages.iloc[::-1], benchmark.judgements
    )
    with pytest.raises(ValueError, match="not the passages that this BM25 has indexed"):
        hbt.rank_scores(model, other)


def test_passages_without_a_word_score_zero() -> None:
    benchmark = tiny()
    dots = hbt.Benchmark(
        "dots",
        benchmark.queries,
        benchmark.passages.assign(text="…"),
        benchmark.judgements,
    )
    assert not hbt.BM25(dots)(dots.queries, dots.passages).toarray().any()
    ranks = hbt.rank_scores(hbt.BM25(dots), dots)
    assert (ranks["n_tied"] == ranks["n_passages"] - 1).all()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(ImportError, match=r"BM25 comes with a package: pip install 'hbtlib\[bm25"):
        hbt.BM25(tiny())
