"""The evaluator chooses weights by our measures, and the best ones are loaded in the end."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sentence_trainings import CODES, encoder, pairs, trainer
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

import hbtlib as hbt
from hbtlib.data.benchmark import Benchmark
from hbtlib.integrations.sentence_transformers import PoolEvaluator


def benchmark(codes: tuple[str, ...] = CODES) -> Benchmark:
    """Every second id of the training pairs, its question and passage in each language."""
    source, ids = pairs(), list(range(0, 12, 2))
    queries, passages = (
        pd.DataFrame(
            {
                f"{role}_id": [f"{role}{i}-{code}" for code in codes for i in ids],
                "question_id": [f"q{i}" for _ in codes for i in ids],
                "language": [code for code in codes for _ in ids],
                "text": [text for code in codes for text in source.texts(ids, code, role)],
            }
        )
        for role in ("query", "passage")
    )
    judgements = queries.merge(passages, on="question_id")[["query_id", "passage_id"]]
    return Benchmark("small", queries, passages, judgements)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SentenceTransformerTrainer:
    folder = tmp_path_factory.mktemp("evaluated")
    evaluator = PoolEvaluator(benchmark(), "dev")
    made = trainer(
        folder,
        6,
        evaluator=evaluator,
        eval_strategy="steps",
        eval_steps=2,
        load_best_model_at_end=True,
        metric_for_best_model=evaluator.primary_metric,
        learning_rate=0.3,  # so high that the first weights are the best
    )
    made.train()
    return made


def test_values_are_those_of_rank_measure_and_bias(trained: SentenceTransformerTrainer) -> None:
    ranks = hbt.rank(trained.model, benchmark())
    found = PoolEvaluator(benchmark())(trained.model)
    assert sorted(found) == sorted(
        ["mAP_aa", "mAP_bb", "mAP_cc", "mAP_all", "rank-distance", "own-language-preference"]
    )
    measured = hbt.measure(ranks, ["mAP"])
    for pool in (*CODES, "all"):
        value = measured.loc[measured["pool"] == pool, "value"].mean()
        assert found[f"mAP_{pool}"] == pytest.approx(value)
    biases = hbt.bias(ranks).groupby("measure")["value"].mean()
    for name in ("rank-distance", "own-language-preference"):
        assert found[name] == pytest.approx(biases[name])


def test_best_weights_are_loaded(trained: SentenceTransformerTrainer) -> None:
    history = [
        entry["eval_dev_mAP_all"]
        for entry in trained.state.log_history
        if "eval_dev_mAP_all" in entry
    ]
    assert len(history) == 3
    assert max(history) > history[-1] + 0.01
    again = PoolEvaluator(benchmark(), "dev")(trained.model)
    assert again["dev_mAP_all"] == pytest.approx(max(history), abs=1e-6)
    written = pd.read_csv(Path(str(trained.args.output_dir)) / "eval" / "hbtlib_dev.csv")
    assert written["mAP_all"].tolist() == pytest.approx(history)
    assert written["steps"].tolist() == [2, 4, 6]


def test_primary_metric() -> None:
    distance = PoolEvaluator(benchmark(), "dev", primary_metric="rank-distance")
    assert (distance.primary_metric, distance.greater_is_better) == ("dev_rank-distance", False)
    assert PoolEvaluator(benchmark()).greater_is_better
    assert PoolEvaluator(benchmark(("bb",))).primary_metric == "mAP_bb"
    with pytest.raises(ValueError, match="primary_metric is 'mAP'; did you mean 'mAP_"):
        PoolEvaluator(benchmark(), primary_metric="mAP")
    with pytest.raises(ValueError, match=r"benchmark is 'worldfacts'; give an hbt\.Benchmark"):
        PoolEvaluator("worldfacts")  # type: ignore[arg-type]


def test_one_language_has_no_bias(tmp_path: Path) -> None:
    encoder().save(tmp_path)
    model = SentenceTransformer(str(tmp_path), device="cpu")
    assert list(PoolEvaluator(benchmark(("bb",)))(model)) == ["mAP_bb"]
