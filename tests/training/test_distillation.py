"""Distillation from the encoder as it was: its vectors, its loss, and trainings with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped
from quick_training import weights

import hbtlib as hbt
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training import token_rows
from hbtlib.training.contrastive_trainer import ContrastiveTrainer
from hbtlib.training.distillation import first_vectors
from hbtlib.training.objectives import OBJECTIVES
from hbtlib.training.trainer import train

QUICK: dict[str, Any] = {
    "strategy": "x-y",
    "batch_size": 6,
    "steps": 6,
    "evaluate_every": 2,
    "log_every": 1,
    "learning_rate": 1e-2,
}


def sources() -> list[Pairs]:
    """Two sets of pairs of different sizes and languages."""
    made = []
    for name, size, codes in (("one", 12, ("aa", "bb")), ("two", 7, ("bb", "cc"))):
        texts = [
            [{c: f"{kind} {i} in {c}" for c in codes} for i in range(size)]
            for kind in ("question", "passage")
        ]
        made.append(Pairs.from_texts(name, *texts))
    return made


def moved(trained: Encoder, first: Encoder, pairs: Pairs) -> float:
    """How far the vectors of the pairs' texts have moved: the mean of 1 − cos."""
    texts = [t for c in pairs.languages for t in pairs.texts(range(len(pairs)), c, "passage")]
    products = trained.embed(texts) * first.embed(texts)
    return float(np.mean(1 - products.sum(1)))


@pytest.mark.parametrize("strategy", ["x-y", "x-x-mono", "hybrid"])
def test_first_vectors_are_those_of_each_batch_s_texts(
    tiny_encoder_factory: Any, strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = tiny_encoder_factory(dropout=0.3).train()  # nothing is dropped in them
    plan = hbt.BatchPlan(sources(), strategy, batch_size=5, seed=2)
    found = first_vectors(plan, 9, encoder, "fp32", 0, 1)
    seen = set()
    for t in range(9):
        batch = plan[t]
        pairs = plan.pairs[batch.source]
        assert isinstance(pairs, Pairs)
        expected = []
        for role, codes in (("query", batch.query_languages), ("passage", batch.passage_languages)):
            texts = pairs.texts(batch.ids, codes, role)
            seen |= {(batch.source, text) for text in texts}
            expected.append(encoder.embed(texts, role))
        assert found.of(batch).numpy() == pytest.approx(np.concatenate(expected), abs=1e-6)
    assert len({source for source, _ in seen}) == 2
    assert len(found.vectors) == len(seen)  # each text once
    assert f"embedded the {len(seen)} texts of 9 batches" in capsys.readouterr().out


def test_the_loss_has_the_distance_with_its_weight(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first step nothing has moved; in the second the distance is that of the batch."""
    seen: list[tuple[float, float]] = []
    usual = ContrastiveTrainer.compute_loss

    def watched(self: ContrastiveTrainer, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        weight, self.objective.distillation = self.objective.distillation, 0.0
        without = usual(self, model, inputs)
        self.objective.distillation = weight
        loss = usual(self, model, inputs)
        now = [model(inputs[role]) for role in ("query", "passage")]
        distance = 1 - (torch.cat(now) * inputs["first"]).sum(1).mean()
        seen.append(((loss - without).item(), distance.item()))
        return loss

    monkeypatch.setattr(
        ContrastiveTrainer, "compute_loss", lambda self, m, i, *a, **k: watched(self, m, i)
    )
    options = {"distillation": 3.0}
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path, objective_options=options, **QUICK)
    added, distances = np.array(seen).T
    assert len(added) == 6
    assert added == pytest.approx(3 * distances, abs=1e-5)
    assert distances[0] == pytest.approx(0, abs=1e-6)
    assert distances[-1] > 1e-3


def test_the_heavier_it_is_the_nearer_the_vectors_stay(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    distances = []
    for weight in (0, 1, 10):
        trained = train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / str(weight),
            objective_options={"distillation": weight},
            **{**QUICK, "steps": 12, "learning_rate": 3e-3},
        )
        distances.append(moved(trained, tiny_encoder_factory(), tiny_pairs))
    assert distances[0] > 1.5 * distances[1] > 3 * distances[2]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_takes_it(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, name: str
) -> None:
    logs = []
    for weight in (0.0, 500.0):
        given: dict[str, Any] = {"objective": name, "objective_options": {"distillation": weight}}
        folder = tmp_path / str(weight)
        train(tiny_pairs, tiny_encoder_factory(), output=folder, **{**QUICK, **given, "steps": 3})
        logs.append(pd.read_parquet(folder / "training_log.parquet")["loss"])
    assert logs[0][0] == pytest.approx(logs[1][0], abs=1e-3)  # nothing has moved yet
    assert logs[1][2] > logs[0][2]


def test_weight_0_is_the_same_training_to_the_bit(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, options in (("plain", None), ("zero", {"distillation": 0})):
        train(
            tiny_pairs,
            tiny_encoder_factory(dropout=0.2),
            output=tmp_path / folder,
            objective_options=options,
            **QUICK,
        )
    assert weights(tmp_path / "plain") == weights(tmp_path / "zero")
    assert "distillation" not in capsys.readouterr().out


@pytest.mark.parametrize("on_rows", [False, True])
def test_resumed_it_ends_at_the_same_weights(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_rows: bool,
) -> None:
    """The first vectors are made again by the encoder that the training began with."""
    if on_rows:
        monkeypatch.setattr(token_rows, "SMALLEST_TABLE", 1)
        monkeypatch.setattr(token_rows, "LARGEST_SHARE", 1.0)

    def run(folder: str) -> None:
        train(
            tiny_pairs,
            tiny_encoder_factory(dropout=0.2),
            output=tmp_path / folder,
            objective_options={"distillation": 5.0},
            chunk_tokens=40,
            validation=tiny_pairs,
            **QUICK,
        )

    run("whole")
    stopped(4, lambda: run("killed"))
    run("killed")
    assert weights(tmp_path / "whole") == weights(tmp_path / "killed")
