"""Measures against pytrec_eval and ir_measures on random rankings, and worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import ir_measures
import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from conftest import random_benchmark
from hand_ranks import ranks_table
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hbtlib as hbt
from hbtlib.evaluation.metrics import (
    by_question,
    by_training,
    parse,
    per_query,
)

CUTS = (1, 3, 10)
METRICS = ["mAP", *(f"{name}@{k}" for name in ("mAP", "MRR", "nDCG", "R") for k in CUTS)]
UNCUT = ["MRR", "nDCG"]
Run = dict[str, dict[str, float]]
Table = dict[tuple[str, str, str], float]  # query_language, pool, metric → the mean over queries


def runs(
    benchmark: hbt.Benchmark, q: NDArray, p: NDArray
) -> tuple[dict[str, dict[str, int]], Run, Run]:
    """Judgements, run, and the same run with ties told apart, from the score matrix.

    A query's key is `id|language|pool`. A query with nothing relevant in a pool is left out there.
    """
    scores = q.astype(np.float64) @ p.T.astype(np.float64)
    judged: dict[str, dict[str, int]] = {}
    for row in benchmark.judgements.itertuples():
        judged.setdefault(row.query_id, {})[row.passage_id] = int(row.grade)
    language = dict(
        zip(benchmark.passages["passage_id"], benchmark.passages["language"], strict=True)
    )
    pools = sorted(set(language.values()))
    qrels, run, untied = {}, {}, {}
    for i, query in enumerate(benchmark.queries.itertuples()):
        for pool in [*pools, "all"] if len(pools) > 1 else pools:
            mine = {
                d: g
                for d, g in judged.get(query.query_id, {}).items()
                if pool in (language[d], "all")
            }
            if not any(mine.values()):
                continue
            key = f"{query.query_id}|{query.language}|{pool}"
            found = {
                d: s
                for d, s in zip(language, scores[i].tolist(), strict=True)
                if pool in (language[d], "all")
            }
            order = sorted(
                found, key=lambda d: (found[d], d)
            )  # from worst to best, by id where equal
            qrels[key], run[key] = mine, found
            untied[key] = {d: float(place) for place, d in enumerate(order)}
    return qrels, run, untied


def means(values: list[tuple[str, str, float]]) -> Table:
    """(key of the query, metric, value) → the mean over a query language's queries in a pool."""
    sums: dict[tuple[str, str, str], list[float]] = {}
    for key, metric, value in values:
        _, language, pool = key.split("|")
        sums.setdefault((language, pool, metric), []).append(value)
    return {group: math.fsum(found) / len(found) for group, found in sums.items()}


def pytrec(qrels: dict[str, dict[str, int]], run: Run) -> Table:
    theirs = {"mAP": "map", "MRR": "recip_rank", "nDCG": "ndcg"}
    theirs |= {
        f"{a}@{k}": f"{b}_{k}"
        for a, b in (("mAP", "map_cut"), ("nDCG", "ndcg_cut"), ("R", "recall"))
        for k in CUTS
    }
    cuts = ",".join(map(str, CUTS))
    evaluator = pytrec_eval.RelevanceEvaluator(
        qrels,
        {"map", "recip_rank", "ndcg", f"map_cut.{cuts}", f"ndcg_cut.{cuts}", f"recall.{cuts}"},
    )
    values = []
    for key, found in evaluator.evaluate(run).items():
        values += [(key, ours, found[name]) for ours, name in theirs.items()]
        # trec_eval has no cut-off for the reciprocal rank: it counts where the rank is k or better.
        best = found["recip_rank"]
        values += [(key, f"MRR@{k}", best if best >= 1 / k - 1e-12 else 0.0) for k in CUTS]
    return means(values)


def irm(qrels: dict[str, dict[str, int]], run: Run, untied: Run) -> Table:
    theirs = {"mAP": ir_measures.AP, "MRR": ir_measures.RR, "nDCG": ir_measures.nDCG}
    theirs |= {
        f"{a}@{k}": m @ k
        for a, m in (("mAP", ir_measures.AP), ("nDCG", ir_measures.nDCG), ("R", ir_measures.R))
        for k in CUTS
    }
    # RR@k comes from MS MARCO's script, which takes the smaller id first of equal scores: it gets a
    # run without any.
    cut = {f"MRR@{k}": ir_measures.RR @ k for k in CUTS}
    name = {str(measure): ours for ours, measure in (theirs | cut).items()}
    found = [
        *ir_measures.iter_calc(list(theirs.values()), qrels, run),
        *ir_measures.iter_calc(list(cut.values()), qrels, untied),
    ]
    return means([(m.query_id, name[str(m.measure)], m.value) for m in found])


def ours(ranks: pd.DataFrame) -> tuple[Table, dict[tuple[str, str], set[int]]]:
    measured = hbt.measure(ranks, METRICS + UNCUT)
    table = {(r.query_language, r.pool, r.metric): r.value for r in measured.itertuples()}
    assert len(table) == len(measured), "a row stands twice"
    counts: dict[tuple[str, str], set[int]] = {}
    for r in measured.itertuples():
        counts.setdefault((r.query_language, r.pool), set()).add(r.n_queries)
    return table, counts


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), st.booleans()
)
def test_measures_are_those_of_pytrec_eval_and_ir_measures(
    seed: int, languages: int, questions: int, width: int, ties: bool
) -> None:
    benchmark, q, p = random_benchmark(
        seed, languages=languages, questions=questions, width=width, ties=ties
    )
    ranks = hbt.rank_vectors(q, p, benchmark)
    qrels, run, untied = runs(benchmark, q, p)
    if not qrels:
        assert ranks.empty  # there is nothing to measure
        return
    table, counts = ours(ranks)
    for peer in (pytrec(qrels, run), irm(qrels, run, untied)):
        assert table.keys() == peer.keys()
        for key, value in peer.items():
            assert abs(table[key] - value) <= 1e-9, key
    queries: dict[tuple[str, str], set[int]] = {}
    for key in qrels:
        language, pool = key.split("|")[1:]
        queries[language, pool] = {1 + next(iter(queries.get((language, pool), {0})))}
    assert counts == queries


def test_the_random_rankings_hold_what_they_should() -> None:
    """Else the test above would say little."""
    seen = set()
    for seed in range(12):
        benchmark, q, p = random_benchmark(seed)
        ranks = hbt.rank_vectors(q, p, benchmark)
        scores = q @ p.T
        relevant = benchmark.judgements[benchmark.judgements["grade"] > 0]
        seen |= {"ties"} if any(len(np.unique(row)) < len(row) for row in scores) else set()
        seen |= {"several relevant"} if (ranks["n_relevant"] > 2).any() else set()
        seen |= (
            {"grades"}
            if set(ranks["grade"]) == {1, 2, 3} and (benchmark.judgements["grade"] == 0).any()
            else set()
        )
        seen |= (
            {"none relevant"}
            if not benchmark.queries["query_id"].isin(relevant["query_id"]).all()
            else set()
        )
        seen |= {"a pool of one"} if (ranks["n_passages"] == 1).any() else set()
        asked, there = set(benchmark.queries["language"]), set(benchmark.passages["language"])
        seen |= {"no query"} if there - asked else set()
        seen |= {"no passage"} if asked - there else set()
        ids = sorted(benchmark.passages["passage_id"])
        seen |= (
            {"code points"} if ids != sorted(ids, key=lambda i: i.encode("utf-16-be")) else set()
        )
    assert seen == {
        "ties",
        "several relevant",
        "grades",
        "none relevant",
        "a pool of one",
        "no query",
        "no passage",
        "code points",
    }


def test_numbers_worked_out_by_hand() -> None:
    # One query, relevant passages at ranks 2 (grade 3), 5 (grade 1) and 9 (grade 2).
    ranks = ranks_table(
        [
            ("q-en", "en", "all", "en", 9, 2),
            ("q-en", "en", "all", "de", 2, 3),
            ("q-en", "en", "all", "fr", 5, 1),
        ]
    )
    log = math.log2
    best = 3 / log(2) + 2 / log(3) + 1 / log(4)
    expected = {
        "mAP": (1 / 2 + 2 / 5 + 3 / 9) / 3,
        "mAP@5": (1 / 2 + 2 / 5) / 3,
        "mAP@1": 0.0,
        "MRR": 1 / 2,
        "MRR@2": 1 / 2,
        "MRR@1": 0.0,
        "nDCG": (3 / log(3) + 1 / log(6) + 2 / log(10)) / best,
        "nDCG@5": (3 / log(3) + 1 / log(6)) / best,
        "nDCG@2": (3 / log(3)) / (3 / log(2) + 2 / log(3)),
        "nDCG@1": 0.0,
        "R@1": 0.0,
        "R@2": 1 / 3,
        "R@8": 2 / 3,
        "R@9": 1.0,
        "R@100": 1.0,
        "rank-distance": 7.0,
        "rank-distance@6": 4.0,
        "rank-distance@1": 0.0,
    }
    row = per_query(ranks, list(expected)).iloc[0]
    assert {metric: row[metric] for metric in expected} == pytest.approx(expected, abs=1e-12)


def test_without_grades_each_relevant_passage_counts_alike() -> None:
    ranks = ranks_table([("q-en", "en", "all", "en", 1, 1), ("q-en", "en", "all", "de", 4, 1)])
    value = per_query(ranks.drop(columns="grade"), ["nDCG@10"])["nDCG@10"][0]
    assert value == pytest.approx((1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3)), abs=1e-12)


@pytest.fixture
def three_settings() -> pd.DataFrame:
    """Three queries in two languages, with ranks whose reciprocals are easily added."""
    return ranks_table(
        [
            ("1-en", "en", "en", "en", 1, 1),
            ("1-en", "en", "de", "de", 2, 1),
            ("1-en", "en", "all", "en", 1, 1),
            ("1-en", "en", "all", "de", 4, 1),
            ("2-en", "en", "en", "en", 2, 1),
            ("2-en", "en", "all", "en", 5, 1),  # nothing relevant in German
            ("1-de", "de", "en", "en", 4, 1),
            ("1-de", "de", "all", "en", 8, 1),  # nothing relevant in German
        ]
    )


def test_settings_means_and_counts(three_settings: pd.DataFrame) -> None:
    measured = hbt.measure(three_settings, ["MRR@5", "rank-distance"])
    assert list(measured.columns) == [
        "setting",
        "query_language",
        "pool",
        "metric",
        "value",
        "n_queries",
    ]
    rows = {
        (r.setting, r.query_language, r.pool, r.metric): (r.value, r.n_queries)
        for r in measured.itertuples()
    }
    assert rows == {
        ("monolingual", "en", "en", "MRR@5"): (0.75, 2),
        ("cross-lingual", "en", "de", "MRR@5"): (0.5, 1),
        ("cross-lingual", "de", "en", "MRR@5"): (0.25, 1),
        ("multilingual", "en", "all", "MRR@5"): (0.6, 2),
        ("multilingual", "de", "all", "MRR@5"): (0.0, 1),
        # In a pool of one language the distance says nothing of languages.
        ("multilingual", "en", "all", "rank-distance"): (1.5, 2),
        ("multilingual", "de", "all", "rank-distance"): (0.0, 1),
    }


def test_the_summary_weighs_language_pairs_alike(three_settings: pd.DataFrame) -> None:
    measured = hbt.measure(three_settings, ["MRR@5", "rank-distance"])
    summary = hbt.summarise(measured)
    assert len(summary) == 1
    assert summary.columns.unique("setting").tolist() == [
        "monolingual",
        "cross-lingual",
        "multilingual",
    ]
    expected = {
        ("monolingual", "MRR@5"): 0.75,
        ("cross-lingual", "MRR@5"): 0.375,
        ("multilingual", "MRR@5"): 0.3,
        ("multilingual", "rank-distance"): 0.75,
    }
    assert summary.iloc[0].to_dict() == pytest.approx(expected)


def test_a_summary_has_a_row_a_run(three_settings: pd.DataFrame) -> None:
    worse = three_settings.assign(rank=three_settings["rank"] * 2)
    runs = pd.concat(
        [
            hbt.measure(three_settings, ["MRR"]).assign(strategy="x-y", seed=0),
            hbt.measure(worse, ["MRR"]).assign(strategy="x-y", seed=1),
        ]
    )
    summary = hbt.summarise(runs, by=["strategy", "seed"])
    assert summary.index.tolist() == [("x-y", 0), ("x-y", 1)]
    assert summary["monolingual", "MRR"].tolist() == pytest.approx([0.75, 0.375])


def test_languages_seen_in_training_are_told_from_unseen_ones(three_settings: pd.DataFrame) -> None:
    table = by_training(hbt.measure(three_settings, ["MRR"]), ["en"])
    found = {(r.query_language, r.pool): r.languages for r in table.itertuples()}
    assert found == {
        ("en", "en"): "trained",
        ("en", "all"): "trained",
        ("en", "de"): "unseen",
        ("de", "en"): "unseen",
        ("de", "all"): "unseen",
    }


@settings(deadline=None, max_examples=8, derandomize=True)
@given(st.integers(0, 10_000))
def test_neither_order_nor_types_of_the_rows_matter(seed: int) -> None:
    benchmark, q, p = random_benchmark(seed)
    ranks = hbt.rank_vectors(q, p, benchmark)
    measured = hbt.measure(ranks, METRICS)
    mixed = ranks.sample(frac=1, random_state=seed).astype(
        dict.fromkeys(("query_id", "query_language", "pool"), "str")
    )
    pd.testing.assert_frame_equal(hbt.measure(mixed, METRICS), measured, rtol=0, atol=1e-12)
    # A part of the table measures as it does in the whole, though its categories name what it no
    # longer has.
    part = ranks[ranks["query_language"] == "aa"]
    expected = measured[measured["query_language"] == "aa"].reset_index(drop=True)
    pd.testing.assert_frame_equal(hbt.measure(part, METRICS), expected, rtol=0, atol=1e-12)


def test_ranks_read_from_a_file_measure_the_same(tmp_path: Path) -> None:
    benchmark, q, p = random_benchmark(7)
    ranks = hbt.rank_vectors(q, p, benchmark)
    ranks.to_parquet(tmp_path / "ranks.parquet")
    pd.testing.assert_frame_equal(
        hbt.measure(pd.read_parquet(tmp_path / "ranks.parquet")), hbt.measure(ranks)
    )


@pytest.mark.parametrize(
    ("metric", "meaning"),
    [
        ("mAP", ("mAP", math.inf)),
        ("mAP@10", ("mAP", 10)),
        ("MRR@1", ("MRR", 1)),
        ("nDCG@1000", ("nDCG", 1000)),
        ("R@50", ("R", 50)),
        ("rank-distance", ("rank-distance", math.inf)),
    ],
)
def test_a_metric_is_read(metric: str, meaning: tuple[str, float]) -> None:
    assert parse(metric) == meaning


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "@10",
        "map",
        "MAP@10",
        "nDCG@",
        "mAP@0",
        "mAP@-1",
        "mAP@01",
        "MRR@1.5",
        "MRR@1e3",
        "mAP@10 ",
        " mAP",
        "mAP\n",
        "mAP@10@10",
        "P@5",
        "R",
        "recall@5",
        "rank_distance",
        "R@1٣",
    ],
)
def test_nonsense_is_refused(nonsense: str, three_settings: pd.DataFrame) -> None:
    with pytest.raises(
        ValueError,
        match="there are mAP, MRR, nDCG, R@k, rank-distance, all of them also at a cut-off",
    ) as said:
        parse(nonsense)
    assert repr(nonsense) in str(said.value)
    with pytest.raises(ValueError, match="no metric"):
        hbt.measure(three_settings, ["mAP", nonsense])


@pytest.mark.parametrize(
    "column", ["query_id", "question_id", "query_language", "pool", "rank", "n_relevant"]
)
def test_ranks_without_a_column_are_refused(column: str, three_settings: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=f"the ranks lack the column '{column}'"):
        hbt.measure(three_settings.drop(columns=column))


def test_ranks_of_two_benchmarks_are_not_measured_together() -> None:
    benchmark, queries, passages = random_benchmark(1)
    ranks = hbt.rank_vectors(queries, passages, benchmark).astype({"benchmark": "str"})
    with pytest.raises(
        ValueError, match=r"several benchmarks \(random1, other\); measure each alone"
    ):
        hbt.measure(pd.concat([ranks, ranks.assign(benchmark="other")]))
    with pytest.raises(
        ValueError, match=r"hold more rows of the query .* are they of several runs"
    ):
        hbt.measure(pd.concat([ranks, ranks]))


@pytest.mark.parametrize("seed", range(4))
def test_a_question_s_scores_are_the_means_of_its_queries(seed: int) -> None:
    ranks = hbt.rank_vectors(*(lambda b, q, p: (q, p, b))(*random_benchmark(seed)))
    found = by_question(ranks, ["mAP", "rank-distance"], trained=["aa", "bb"])
    assert not found.duplicated(["languages", "setting", "question_id"]).any()
    rows = hbt.metrics.per_query(ranks, ["mAP", "rank-distance"]).astype(
        {"query_language": "str", "pool": "str"}
    )
    for row in found.itertuples():
        mine = rows[(rows["question_id"] == row.question_id) & (rows["setting"] == row.setting)]
        seen = [
            q in ("aa", "bb") and p in ("aa", "bb", "all")
            for q, p in zip(mine["query_language"], mine["pool"], strict=True)
        ]
        mine = mine[np.array(seen) == (row.languages == "trained")]
        assert row.mAP == pytest.approx(mine["mAP"].mean())
        assert np.isnan(row[5]) == (row.setting != "multilingual")
        if row.setting == "multilingual":
            assert row[5] == pytest.approx(mine["rank-distance"].mean())
    assert set(by_question(ranks)["languages"]) == {"all"}
