"""The options of a training: those of `train`, checked, and those of transformers."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from quick_training import QUICK

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.options import TrainingOptions
from hbtlib.training.trainer import train


def test_names_order_and_defaults_are_those_of_train() -> None:
    parameters = inspect.signature(train).parameters
    of_train = {name: p.default for name, p in parameters.items()}
    for name in ("pairs", "encoder", "output"):
        assert of_train.pop(name) is inspect.Parameter.empty
    assert [field.name for field in fields(TrainingOptions)] == list(of_train)
    assert {field.name: field.default for field in fields(TrainingOptions)} == of_train


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"patience": 3}, "patience is given but no validation"),
        ({"strategy": "y-y"}, "strategy is 'y-y'"),
        ({"batch_size": 13}, "needs 13 ids"),
        ({"warmup": 1.5}, r"warmup is 1\.5"),
    ],
)
def test_refuses_what_makes_no_sense_and_leaves_nothing(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "out", **{**QUICK, **wrong})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("chunk_tokens", [None, 512])
@pytest.mark.parametrize(
    "arguments",
    [
        {"activation_checkpointing": True},
        {"dataloader_num_workers": 1},
        {"torch_compile": True, "torch_compile_backend": "eager"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_options_of_transformers_change_how_and_not_what(
    tiny_pairs: Pairs,
    tiny_encoder_factory: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    chunk_tokens: int | None,
) -> None:
    made = []
    # Where layers are recomputed or compiled, dropout is torch's own.
    monkeypatch.setattr("hbtlib.encoders.dropout._is_here", lambda *_: False)
    dropout = (
        0.0 if "torch_compile" in arguments and chunk_tokens else 0.2
    )  # torch.compile may let dropout fall elsewhere
    for name, given in (("plain", None), ("options", arguments)):
        encoder = train(
            tiny_pairs,
            tiny_encoder_factory(dropout=dropout),
            output=tmp_path / name,
            batch_size=4,
            steps=4,
            evaluate_every=2,
            validation=tiny_pairs,
            arguments=given,
            chunk_tokens=chunk_tokens,
        )
        made.append(
            Encoder.load(tmp_path / name / "model", device="cpu").embed(
                ["question 1 in aa", "passage 3 in bb"]
            )
        )
        assert encoder.model.is_activation_checkpointing == bool(
            given and "activation_checkpointing" in given
        )
    np.testing.assert_allclose(made[1], made[0], atol=1e-6)
    assert (
        np.abs(
            made[0] - tiny_encoder_factory().embed(["question 1 in aa", "passage 3 in bb"])
        ).max()
        > 1e-4
    )
