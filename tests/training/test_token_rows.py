"""Training on the rows of the token table that occur ends at the weights of training on all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped
from quick_training import contrary
from safetensors.torch import load_file
from transformers import MPNetConfig, MPNetModel, RobertaConfig, RobertaModel

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.training import token_rows
from hbtlib.training.contrastive_trainer import ContrastiveTrainer
from hbtlib.training.objectives import OBJECTIVES
from hbtlib.training.token_rows import RowEmbedding, row_embedding
from hbtlib.training.trainer import train

CODES = ("aa", "bb", "cc")
COMMON: dict[str, Any] = {
    "batch_size": 4,
    "steps": 8,
    "evaluate_every": 4,
    "learning_rate": 1e-2,
    "log_every": 3,
    "seed": 5,
}


def pairs() -> Pairs:
    texts = [
        [{code: f"{kind} {i} in {code}" for code in CODES} for i in range(12)]
        for kind in ("question", "passage")
    ]
    return Pairs.from_texts("few", *texts)


def tokenizer() -> Any:
    """One that knows many words that do not occur in the pairs."""
    known = [t for role in ("query", "passage") for t in texts_of(pairs(), role)]
    others = [f"{a}{b}{c}" for a in "xyzuvw" for b in "klmnop" for c in "rstq"]
    return train_tokenizer(known + others * 3, 400)


def texts_of(given: Pairs, role: Any) -> list[str]:
    return [t for code in CODES for t in given.texts(range(len(given)), code, role)]


def encoder(dropout: float = 0.0) -> Encoder:
    torch.manual_seed(1)
    return small_encoder(tokenizer(), width=32, heads=2, dropout=dropout).to("cpu")


@pytest.fixture
def on_rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A switch: are the rows that occur trained alone, however small the table is?"""

    def switch(on: bool) -> None:
        monkeypatch.setattr(token_rows, "SMALLEST_TABLE", 1 if on else 10**12)

    return switch


def table_of(trained: Encoder) -> torch.Tensor:
    weight: torch.Tensor = trained.model.get_input_embeddings().weight
    return weight.detach()


def check_same(ours: Encoder, full: Encoder, tolerance: float = 2e-6) -> None:
    """Compares all weights, less the biases of keys, whose gradients are nothing but rounding."""
    expected = full.state_dict()
    assert ours.state_dict().keys() == expected.keys()
    for name, weight in ours.state_dict().items():
        if not name.endswith("key.bias"):
            torch.testing.assert_close(weight, expected[name], rtol=tolerance, atol=tolerance)


def compare(on_rows: Callable[[bool], None], folder: Path, **options: Any) -> None:
    """Trains on the rows that occur and on the whole table, and compares weights and logs."""
    made = {}
    for name, on in (("rows", True), ("full", False)):
        on_rows(on)
        made[name] = train(pairs(), encoder(), output=folder / name, **{**COMMON, **options})
    check_same(made["rows"], made["full"])
    check_same(Encoder.load(folder / "rows" / "model", device="cpu"), made["rows"], 0.0)
    logs = [pd.read_parquet(folder / name / "training_log.parquet") for name in made]
    pd.testing.assert_frame_equal(*logs, rtol=1e-4)
    assert type(made["rows"].model.get_input_embeddings()) is torch.nn.Embedding


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.0},
        {"weight_decay": 3.0, "warmup": 0.5},
        {"weight_decay": 1.0, "embedding_learning_rate": 0.0},
        {"weight_decay": 1.0, "embedding_learning_rate": 3e-2},
        {"weight_decay": 1.0, "arguments": {"max_grad_norm": 0.05}},
        {"weight_decay": 1.0, "arguments": {"lr_scheduler_type": "cosine"}},
        {"weight_decay": 1.0, "arguments": {"lr_scheduler_type": "constant"}},
        {"weight_decay": 1.0, "arguments": {"optim": "adamw_torch"}},
        {"chunk_tokens": 30, "strategy": "x-y"},
    ],
    ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()) or "defaults",
)
def test_the_weights_are_those_of_training_the_whole_table(
    on_rows: Callable[[bool], None], tmp_path: Path, options: dict[str, Any]
) -> None:
    compare(on_rows, tmp_path, **options)


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES if name != "info-nce"])
def test_so_are_those_of_every_objective(
    on_rows: Callable[[bool], None], tmp_path: Path, objective: str
) -> None:
    compare(on_rows, tmp_path, objective=objective, weight_decay=1.0, validation=pairs())


def test_the_best_weights_have_the_decay_of_their_own_step(
    on_rows: Callable[[bool], None], tmp_path: Path
) -> None:
    compare(on_rows, tmp_path, validation=contrary(pairs()), weight_decay=3.0, steps=20)
    log = pd.read_parquet(tmp_path / "rows" / "training_log.parquet")
    best = log["step"].iloc[int(np.nanargmin(log["validation_loss"]))]
    assert best < 20


def test_a_function_that_validates_gets_the_whole_table(
    on_rows: Callable[[bool], None], tmp_path: Path
) -> None:
    """It embeds words that do not occur in the training, and the training goes on as before."""
    seen: list[float] = []

    def score(now: Encoder) -> float:
        assert row_embedding(now) is None
        vectors = now.embed(["xkr yls", "zmt"])
        seen.append(float((vectors[0] @ vectors[1]).round(4)))
        return len(seen) % 2  # the first of two validations has the highest score

    compare(on_rows, tmp_path, validation=score, weight_decay=3.0)
    assert len(seen) == 4
    assert seen[:2] == pytest.approx(seen[2:], abs=2e-4)


def test_resumed_it_ends_at_the_same_weights_to_the_bit(
    on_rows: Callable[[bool], None], tmp_path: Path
) -> None:
    """Also where the choice of rows would be another one by now: the checkpoint's is kept."""

    def run(folder: str) -> Encoder:
        given = encoder(dropout=0.2)
        return train(pairs(), given, output=tmp_path / folder, weight_decay=3.0, **COMMON)

    on_rows(True)
    whole = run("whole")
    stopped(6, lambda: run("stopped"))
    on_rows(False)
    check_same(run("stopped"), whole, 0.0)
    stopped(6, lambda: run("full"))
    on_rows(True)  # a checkpoint of the whole table, as earlier versions wrote it
    check_same(run("full"), whole, 2e-5)


def test_gradient_moments_and_checkpoint_have_the_rows_that_occur(
    on_rows: Callable[[bool], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_rows(True)
    sizes: dict[str, int] = {}
    usual = ContrastiveTrainer.training_step

    def looking(self: ContrastiveTrainer, *args: Any) -> Any:
        loss = usual(self, *args)
        rows = row_embedding(self._encoder())
        assert rows is not None
        assert rows.weight.grad is not None
        sizes["gradient"] = len(rows.weight.grad)
        sizes["moments"] = len(self.optimizer.state[rows.weight].get("exp_avg", rows.weight))
        return loss

    monkeypatch.setattr(ContrastiveTrainer, "training_step", looking)
    given = encoder()
    stopped_before_the_end = {**COMMON, "steps": 9}
    stopped_at = tmp_path / "checkpoints" / "checkpoint-8"
    monkeypatch.setattr("hbtlib.training.output.remove_checkpoints", lambda output: None)
    train(pairs(), given, output=tmp_path, **stopped_before_the_end)
    stored = load_file(stopped_at / "model.safetensors")["model.embeddings.word_embeddings.weight"]
    used = {
        int(i)
        for role in ("query", "passage")
        for chunk in given.tokenize(texts_of(pairs(), role), role)["chunks"]
        for i in chunk["input_ids"].ravel()
    } | {given.tokenizer.pad_token_id}
    assert sizes == {"gradient": len(used), "moments": len(used)}
    assert len(stored) == len(used) < len(table_of(given)) / 2


@pytest.mark.parametrize("why", ["share", "size", "optimiser", "lora"])
def test_where_it_does_not_pay_or_is_not_the_same_the_whole_table_is_trained(
    on_rows: Callable[[bool], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "lora":
        pytest.importorskip("peft")
    on_rows(why != "size")
    if why == "share":
        monkeypatch.setattr(token_rows, "LARGEST_SHARE", 0.01)
    options = {
        "optimiser": {"arguments": {"optim": "adafactor"}},
        "lora": {"lora": {"r": 2, "target_modules": ["query"]}},
    }
    found: list[RowEmbedding | None] = []
    usual = ContrastiveTrainer.training_step

    def looking(self: ContrastiveTrainer, *args: Any) -> Any:
        found.append(row_embedding(self._encoder()))
        return usual(self, *args)

    monkeypatch.setattr(ContrastiveTrainer, "training_step", looking)
    train(pairs(), encoder(), output=tmp_path, **{**COMMON, **options.get(why, {}), "steps": 1})
    assert found == [None]


@pytest.mark.parametrize("architecture", ["roberta", "mpnet"])
def test_other_architectures(
    on_rows: Callable[[bool], None], tmp_path: Path, architecture: str
) -> None:
    """These number positions by where the padding is, so that they must see the ids themselves."""
    words = tokenizer()
    shape = {
        "vocab_size": len(words),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "pad_token_id": words.pad_token_id,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    made = {}
    for name, on in (("rows", True), ("full", False)):
        on_rows(on)
        torch.manual_seed(0)
        model = (
            RobertaModel(RobertaConfig(**shape))
            if architecture == "roberta"
            else MPNetModel(MPNetConfig(**shape))
        )
        given = Encoder(model, words, Settings())
        options = {**COMMON, "weight_decay": 3.0, "steps": 4, "learning_rate": 1e-3}
        made[name] = train(pairs(), given, output=tmp_path / name, **options)
        assert not torch.equal(table_of(made[name]), table_of(given))
    check_same(made["rows"], made["full"])


def test_a_lookup_gives_the_table_s_rows_and_no_gradient_to_the_padding() -> None:
    table = torch.nn.Embedding(10, 3, padding_idx=4)
    rows = RowEmbedding(table, torch.tensor([1, 4, 7]), decay=0.5)
    ids = torch.tensor([[7, 1], [4, 7]])
    torch.testing.assert_close(rows(ids), table(ids))
    rows(ids).sum().backward()
    assert rows.weight.grad is not None
    assert rows.weight.grad.tolist() == [[1.0] * 3, [0.0] * 3, [2.0] * 3]
    whole = rows.whole_table().weight
    kept = np.isin(np.arange(10), [1, 4, 7])
    torch.testing.assert_close(whole[kept], table.weight[kept])
    torch.testing.assert_close(whole[~kept], table.weight[~kept] * 0.5)
    with pytest.raises(IndexError):
        rows(torch.tensor([0]))
