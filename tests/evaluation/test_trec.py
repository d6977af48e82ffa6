"""Runs for other tools: their measures of our runs are ours, and their runs are read."""

from __future__ import annotations

import gzip
from pathlib import Path

import ir_measures
import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from conftest import random_benchmark
from ir_measures import AP, RR, R, nDCG

import hbtlib as hbt
from hbtlib.data.formats.checks import DataError


def theirs(folder: Path, pool: str) -> dict[str, float]:
    """ir_measures (trec_eval's code) on the two files of a pool."""
    measures = {"mAP@20": AP @ 20, "nDCG@10": nDCG @ 10, "R@10": R @ 10, "MRR@10": RR @ 10}
    found = ir_measures.calc_aggregate(
        list(measures.values()),
        ir_measures.read_trec_qrels(str(folder / f"{pool}.qrels")),
        ir_measures.read_trec_run(str(folder / f"{pool}.run")),
    )
    return {name: found[m] for name, m in measures.items()}


@pytest.mark.parametrize("seed", range(6))
def test_other_tools_agree(seed: int, tmp_path: Path) -> None:
    benchmark, q, p = random_benchmark(seed, questions=8)
    ranks = hbt.rank_vectors(q, p, benchmark)
    written = hbt.trec.write(ranks, tmp_path / "run", depth=20)
    pools = sorted(ranks["pool"].unique())
    assert [file.name for file in written] == [
        f"{pool}.{kind}" for pool in pools for kind in ("run", "qrels")
    ]
    rows = hbt.metrics.per_query(ranks, ["mAP@20", "nDCG@10", "R@10", "MRR@10"])
    for pool in pools:
        mine = rows[rows["pool"] == pool]
        assert theirs(tmp_path / "run", pool) == pytest.approx(
            {m: mine[m].mean() for m in mine.columns[5:]}, abs=1e-9
        )


def test_a_query_with_nothing_in_reach_counts_as_0(tmp_path: Path) -> None:
    # trec_eval takes the mean over the queries of the run: a query left out of it would not count
    # at all.
    ranks = pd.DataFrame(
        [("q1", "p1", 1), ("q2", "p2", 20)], columns=["query_id", "passage_id", "rank"]
    ).assign(
        benchmark="b",
        question_id="q",
        query_language="aa",
        pool="all",
        grade=1,
        n_relevant=1,
        n_passages=50,
    )
    hbt.trec.write(ranks, tmp_path, depth=5)
    run, qrels = (
        reader(str(tmp_path / f"all.{kind}"))
        for kind, reader in (
            ("run", ir_measures.read_trec_run),
            ("qrels", ir_measures.read_trec_qrels),
        )
    )
    scores: dict[str, dict[str, float]] = {}
    grades: dict[str, dict[str, int]] = {}
    for row in run:
        scores.setdefault(row.query_id, {})[row.doc_id] = row.score
    for judged in qrels:
        grades.setdefault(judged.query_id, {})[judged.doc_id] = judged.relevance
    found = pytrec_eval.RelevanceEvaluator(grades, {"recip_rank"}).evaluate(scores)
    assert {query: value["recip_rank"] for query, value in found.items()} == {"q1": 1.0, "q2": 0.0}


@pytest.mark.parametrize("seed", range(4))
def test_a_run_is_read_as_it_ranks(seed: int, tmp_path: Path) -> None:
    # A whole run written by hand, scores and all: the ranks are those of the vectors.
    benchmark, q, p = random_benchmark(seed)
    scores = q @ p.T
    languages = benchmark.passages["language"].to_numpy()
    for pool in (
        [*np.unique(languages), "all"] if len(np.unique(languages)) > 1 else np.unique(languages)
    ):
        with gzip.open(tmp_path / f"{pool}.run.gz", "wt", encoding="utf-8") as file:
            for i, query in enumerate(benchmark.queries["query_id"]):
                for j, passage in enumerate(benchmark.passages["passage_id"]):
                    if pool in ("all", languages[j]):
                        file.write(
                            f"{query} Q0 {passage} 7 {scores[i, j]:.3f} theirs\n"
                        )  # the rank written is not read
    keys = ["query_id", "passage_id", "pool"]
    found = hbt.trec.read(tmp_path, benchmark).sort_values(keys, ignore_index=True)
    ranks = hbt.rank_vectors(q, p, benchmark).astype(
        dict.fromkeys(
            ["benchmark", *keys, "question_id", "query_language", "passage_language"], "str"
        )
    )
    expected = ranks.sort_values(keys, ignore_index=True)[found.columns]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_scores_that_are_equal_as_floats_tie_as_in_trec_eval(tmp_path: Path) -> None:
    benchmark = hbt.Benchmark(
        name="mine",
        queries=pd.DataFrame({"query_id": ["q"], "language": ["en"], "text": ["?"]}),
        passages=pd.DataFrame(
            {"passage_id": ["a", "b"], "language": ["en", "en"], "text": ["one", "two"]}
        ),
        judgements=pd.DataFrame({"query_id": ["q"], "passage_id": ["a"]}),
    )
    scores = {"a": 0.812345678, "b": 0.812345671}
    lines = [f"q Q0 {name} 1 {score} theirs" for name, score in scores.items()]
    (tmp_path / "en.run").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = hbt.trec.read(tmp_path, benchmark)
    judge = pytrec_eval.RelevanceEvaluator({"q": {"a": 1}}, {"recip_rank"})
    assert 1 / found["rank"].iloc[0] == judge.evaluate({"q": scores})["q"]["recip_rank"] == 0.5


def test_what_was_written_is_read(tmp_path: Path) -> None:
    # The passages between the relevant ones are not known; fillers stand for them.
    benchmark, q, p = random_benchmark(1, ties=False)
    ranks = hbt.rank_vectors(q, p, benchmark)
    files = hbt.trec.write(ranks, tmp_path, depth=1000)
    assert any("unjudged-" in file.read_text(encoding="utf-8") for file in files)
    keys = ["pool", "query_id", "passage_id"]
    found = hbt.trec.read(tmp_path, benchmark).astype(dict.fromkeys(keys, "str")).set_index(keys)
    written = ranks.astype(dict.fromkeys(keys, "str")).set_index(keys)
    pd.testing.assert_series_equal(
        found["rank"].sort_index(), written["rank"].sort_index(), check_dtype=False
    )


def test_what_a_run_lacks_stands_last(tmp_path: Path) -> None:
    benchmark = hbt.Benchmark(
        "b",
        pd.DataFrame(
            [("q", "q", "en", "?")], columns=["query_id", "question_id", "language", "text"]
        ),
        pd.DataFrame(
            [(f"p{i}", "en", f"{i}") for i in range(5)], columns=["passage_id", "language", "text"]
        ),
        pd.DataFrame(
            [("q", f"p{i}", 1) for i in (0, 1, 2)], columns=["query_id", "passage_id", "grade"]
        ),
    )
    (tmp_path / "en.run").write_text("q Q0 p4 1 9 x\nq Q0 p2 2 8 x\n\n")
    ranks = hbt.trec.read(tmp_path, benchmark)
    assert dict(zip(ranks["passage_id"], ranks["rank"], strict=True)) == {"p2": 2, "p0": 5, "p1": 4}
    assert ranks["score"].isna().tolist() == [True, True, False]
    assert hbt.measure(ranks, ["mAP@2"])["value"].tolist() == pytest.approx([1 / 2 / 3])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q0-aa Q0 {p1} 1 2", "line 2: 5 columns instead of 6"),
        ("nosuch Q0 {p1} 1 2 x", "line 2: the benchmark has no query 'nosuch'"),
        ("{query} Q0 {p1} 1 two x", "line 2: the score is 'two'"),
        ("{query} Q0 {p1} 1 inf x", "line 2: the score is 'inf'"),
        ("{query} Q0 nosuch 1 2 x", "line 2: the benchmark has no passage 'nosuch'"),
        ("{query} Q0 {p1} 1 2 x y", "line 2: 7 columns instead of 6"),
        ("{query} Q0 {p1} 1 nan x", "line 2: the score is 'nan'"),
        (
            "{query} Q0 {p0} 1 2 x",
            r"line 2: query and passage \('.*', '.*'\) stands twice, first in .*line 1",
        ),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    benchmark, _, _ = random_benchmark(0)
    names = {
        "query": benchmark.queries["query_id"].iloc[0],
        "p0": benchmark.passages["passage_id"].iloc[0],
        "p1": benchmark.passages["passage_id"].iloc[1],
    }
    (tmp_path / "all.run").write_text(
        "{query} Q0 {p0} 1 2 x\n{line}\n".format(**names, line=line.format(**names)),
        encoding="utf-8",
    )
    with pytest.raises(DataError, match=said):
        hbt.trec.read(tmp_path, benchmark)


def test_what_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    benchmark, q, p = random_benchmark(1)
    ranks = hbt.rank_vectors(q, p, benchmark)
    with pytest.raises(ValueError, match="of several benchmarks"):
        hbt.trec.write(pd.concat([ranks, ranks.assign(benchmark="other")]), tmp_path)
    with pytest.raises(ValueError, match="depth is 0; it must be 1 or more"):
        hbt.trec.write(ranks, tmp_path, depth=0)
    ids = ranks["passage_id"].astype(str).replace({ranks["passage_id"].iloc[0]: "a b"})
    with pytest.raises(ValueError, match="the passage_id 'a b' has a blank in it or is"):
        hbt.trec.write(ranks.assign(passage_id=ids), tmp_path / "no")
    with pytest.raises(ValueError, match=r"has the grade 0\.5 for passage .* multiply all by one"):
        hbt.trec.write(ranks.assign(grade=0.5), tmp_path / "no")
    assert not (tmp_path / "no").exists()
    with pytest.raises(
        ValueError, match=r"has no run of 'random1': its pools are .* aa\.run, …, all\.run"
    ):
        hbt.trec.read(tmp_path, benchmark)
