"""LoRA: only its matrices learn, and the folder is a plain one; without peft it is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.training.trainer import train

OPTIONS: dict[str, Any] = {"r": 2, "lora_alpha": 4, "target_modules": ["query", "value"]}
QUICK: dict[str, Any] = {
    "batch_size": 4,
    "steps": 6,
    "evaluate_every": 3,
    "learning_rate": 1e-1,
    "warmup": 0.0,
}


def learns_beside(pairs: Pairs, encoder: Encoder, folder: Path) -> None:
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    trained = train(
        pairs, encoder, output=folder, validation=pairs, chunk_tokens=30, lora=OPTIONS, **QUICK
    )
    after = trained.state_dict()
    assert after.keys() == before.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.endswith(("query.weight", "value.weight")) for name in moved)
    again = Encoder.load(folder / "model", device="cpu")
    np.testing.assert_allclose(
        again.embed(["question 1 in aa"]), trained.embed(["question 1 in aa"]), atol=1e-6
    )


def test_only_the_matrices_beside_the_weights_learn(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    learns_beside(tiny_pairs, tiny_encoder_factory(), tmp_path)


def test_without_peft_it_says_what_to_install(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"pip install 'hbtlib.lora.'"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "out", lora=OPTIONS, **QUICK)
    assert not (tmp_path / "out").exists()


def test_token_embeddings_have_no_rate_beside_lora(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="with lora the token embeddings are not trained"):
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / "out",
            lora=OPTIONS,
            embedding_learning_rate=1e-2,
            **QUICK,
        )
    assert not (tmp_path / "out").exists()
