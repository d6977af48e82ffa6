"""train(): the loss of the formula on batches of the plan, and what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from quick_training import QUICK, contrary, weights

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.batches import PlanBatches
from hbtlib.training.losses import info_nce
from hbtlib.training.trainer import train


def test_learns_and_leaves_model_and_log(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=tiny_pairs,
        **{**QUICK, "steps": 120, "evaluate_every": 30},
    )
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    assert list(log.columns) == [
        "step",
        "loss",
        "learning_rate",
        "grad_norm",
        "tokens",
        "padding",
        "validation_loss",
    ]
    assert log["step"].max() == 120
    assert log["loss"].iloc[-1] < 0.5 * log["loss"].iloc[0]
    assert log["tokens"].is_monotonic_increasing
    assert not (tmp_path / "checkpoints").exists()
    queries = encoder.embed(tiny_pairs.texts(range(12), "aa", "query"), "query")
    passages = encoder.embed(tiny_pairs.texts(range(12), "bb", "passage"), "passage")
    assert ((queries @ passages.T).argmax(1) == np.arange(12)).mean() > 0.8


def test_the_loss_of_a_step_is_the_formula_s(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    plan = BatchPlan(tiny_pairs, "x-y", 0.5, 4, 7)
    batch = plan[0]
    vectors = [
        torch.from_numpy(encoder.embed(tiny_pairs.texts(batch.ids, languages, role), role))
        for languages, role in (
            (batch.query_languages, "query"),
            (batch.passage_languages, "passage"),
        )
    ]
    expected = info_nce(*vectors, 0.2).item()
    train(
        tiny_pairs,
        encoder,
        output=tmp_path,
        strategy="x-y",
        batch_size=4,
        seed=7,
        steps=1,
        temperature=0.2,
    )
    assert pd.read_parquet(tmp_path / "training_log.parquet")["loss"][0] == pytest.approx(
        expected, abs=1e-5
    )


def test_the_best_checkpoint_is_kept(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=contrary(tiny_pairs),
        validation_strategy="hybrid",
        **{**QUICK, "steps": 60},
    )
    log = pd.read_parquet(tmp_path / "training_log.parquet").dropna(subset=["validation_loss"])
    assert int(log.iloc[int(log["validation_loss"].argmin())]["step"]) < 60
    kept = Encoder.load(tmp_path / "model", device="cpu")
    plan = PlanBatches(BatchPlan(contrary(tiny_pairs), "hybrid", 0.5, 4, 0), None, kept)
    with torch.no_grad():
        losses = [
            info_nce(kept(plan[t]["query"]), kept(plan[t]["passage"])).item()
            for t in range(len(plan))
        ]
    assert np.mean(losses) == pytest.approx(log["validation_loss"].min(), abs=1e-4)


def test_patience_ends_the_training_early(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        validation=contrary(tiny_pairs),
        patience=2,
        **{**QUICK, "steps": 600},
    )
    assert pd.read_parquet(tmp_path / "training_log.parquet")["step"].max() < 600


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_it_returns_is_what_it_saved_and_what_it_was_given_is_as_it_was(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, precision: str
) -> None:
    given = tiny_encoder_factory()
    trained = train(tiny_pairs, given, output=tmp_path, precision=precision, **QUICK)
    saved = Encoder.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(
        trained.embed(["question 1 in aa"]), saved.embed(["question 1 in aa"])
    )
    np.testing.assert_array_equal(
        given.embed(["question 1 in aa"]), tiny_encoder_factory().embed(["question 1 in aa"])
    )
    again = train(
        tiny_pairs, given, output=tmp_path, precision=precision, **QUICK
    )  # a cell run twice
    np.testing.assert_array_equal(
        again.embed(["question 1 in aa"]), saved.embed(["question 1 in aa"])
    )


def test_seeds_and_strategies_differ_and_repeat(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    made = {}
    for name, options in {
        "a": {},
        "again": {},
        "seed": {"seed": 1},
        "x-y": {"strategy": "x-y"},
    }.items():
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / name, **{**QUICK, **options})
        made[name] = weights(tmp_path / name)
    assert made["a"] == made["again"]
    assert len(set(made.values())) == 3


def test_tensorboard_has_what_the_log_has(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        tiny_pairs,
        tiny_encoder_factory(),
        output=tmp_path,
        arguments={"report_to": "tensorboard"},
        **QUICK,
    )
    (folder,) = (tmp_path / "runs").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    log = pd.read_parquet(tmp_path / "training_log.parquet")
    seen = {event.step: event.value for event in events.Scalars("train/loss")}
    assert seen == pytest.approx(log.set_index("step")["loss"].to_dict(), abs=1e-4)


def test_a_loss_that_is_not_finite_stops_with_step_and_ids(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    encoder = tiny_encoder_factory()
    encoder.model.embeddings.word_embeddings.weight.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 0, with the ids \[\d+"):
        train(tiny_pairs, encoder, output=tmp_path, **QUICK)


def test_token_embeddings_have_a_rate_of_their_own(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    def moved(rate: float | None, folder: str) -> float:
        trained = train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            batch_size=4,
            steps=1,
            warmup=0.0,
            learning_rate=1e-3,
            embedding_learning_rate=rate,
            weight_decay=0.0,
        )
        words = (
            encoder.model.get_input_embeddings().weight
            for encoder in (trained, tiny_encoder_factory())
        )
        return float((next(words) - next(words)).detach().abs().max())

    # Adam's first step is the rate itself.
    assert moved(None, "one") == pytest.approx(1e-3, rel=0.05)
    assert moved(1e-1, "own") == pytest.approx(1e-1, rel=0.05)
