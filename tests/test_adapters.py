"""LoRA: refused in words without peft; with a stand-in for peft, only its matrices learn and the folder is a plain one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize

from hbtlib.data.pairs import Pairs
from hbtlib.encoder import Encoder
from hbtlib.trainer import train

OPTIONS: dict[str, Any] = {"r": 2, "lora_alpha": 4, "target_modules": ["query", "value"]}
QUICK: dict[str, Any] = {"batch_size": 4, "steps": 6, "evaluate_every": 3, "learning_rate": 1e-1, "warmup": 0.0}


class Added(torch.nn.Module):
    """W + scale · B A."""

    def __init__(self, weight: torch.Tensor, r: int, lora_alpha: float) -> None:
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(r, weight.shape[1]) / r)
        self.b = torch.nn.Parameter(torch.zeros(weight.shape[0], r))
        self.scale = lora_alpha / r

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.scale * self.b @ self.a


class Wrapped(torch.nn.Module):
    """What of peft's PeftModel is used here."""

    def __init__(self, model: Any, config: dict[str, Any]) -> None:
        super().__init__()
        self.base, self.config = model, model.config
        self.places = [m for n, m in model.named_modules() if n.split(".")[-1] in config["target_modules"]]
        model.requires_grad_(False)
        for place in self.places:
            parametrize.register_parametrization(
                place, "weight", Added(place.weight, config["r"], config["lora_alpha"]))

    def forward(self, **inputs: torch.Tensor) -> Any:
        return self.base(**inputs)

    def get_input_embeddings(self) -> Any:
        return self.base.get_input_embeddings()

    def merge_and_unload(self) -> Any:
        for place in self.places:
            parametrize.remove_parametrizations(place, "weight")
        return self.base


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    peft = ModuleType("peft")
    peft.LoraConfig = dict  # type: ignore[attr-defined]
    peft.get_peft_model = Wrapped  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "peft", peft)


def learns_beside(pairs: Pairs, encoder: Encoder, folder: Path) -> None:
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    trained = train(pairs, encoder, output=folder, validation=pairs, chunk_tokens=30, lora=OPTIONS, **QUICK)
    after = trained.state_dict()
    assert after.keys() == before.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.endswith(("query.weight", "value.weight")) for name in moved)
    again = Encoder.load(folder / "model", device="cpu")
    np.testing.assert_allclose(again.embed(["question 1 in aa"]), trained.embed(["question 1 in aa"]), atol=1e-6)


@pytest.mark.usefixtures("stand_in")
def test_only_the_matrices_beside_the_weights_learn(tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path) -> None:
    learns_beside(tiny_pairs, tiny_encoder_factory(), tmp_path)


def test_peft_itself(tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="pip install peft brings peft")
    learns_beside(tiny_pairs, tiny_encoder_factory(), tmp_path)


def test_without_peft_it_says_what_to_install(tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"pip install peft"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "out", lora=OPTIONS, **QUICK)
    assert not (tmp_path / "out").exists()


def test_token_embeddings_have_no_rate_beside_lora(tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="with lora the token embeddings are not trained"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "out", lora=OPTIONS, embedding_learning_rate=1e-2,
              **QUICK)
    assert not (tmp_path / "out").exists()
