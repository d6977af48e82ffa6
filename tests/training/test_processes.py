"""Two processes train as one: the same losses, weights and checkpoints."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import stopped
from fresh_processes import finish, start
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaPooler

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training import token_rows
from hbtlib.training.batches import PlanBatches, tokens_of
from hbtlib.training.processes import share
from hbtlib.training.trainer import train

# Twelve ids: batches of eleven and of one, so that shares are uneven and one process has nothing
# of its own. AdamW divides a gradient by its own size: with the usual epsilon of 1e-8 one that is
# nothing but rounding moves its weight by a whole learning rate, either way.
COMMON: dict[str, Any] = {
    "batch_size": 11,
    "steps": 3,
    "evaluate_every": 2,
    "log_every": 1,
    "learning_rate": 1e-3,
    "strategy": "x-y",
    "warmup": 0.0,
    "arguments": {"adam_epsilon": 1e-4},
}


def pairs() -> Pairs:
    codes = ("aa", "bb", "cc")
    texts = [
        [{c: f"{kind} {i} in {c}" + " passage 3" * (i % 4) for c in codes} for i in range(12)]
        for kind in ("question", "passage")
    ]
    negatives = {
        f"negatives_{c}": [[f"passage {j} in {c}" for j in (i + 1, i + 2, i)] for i in range(12)]
        for c in codes
    }
    return Pairs.from_texts("hard", *texts, **negatives)


def parallel() -> Pairs:
    """Without hard negatives."""
    return Pairs(
        "parallel", pairs().dataset.remove_columns([f"negatives_{c}" for c in ("aa", "bb", "cc")])
    )


def encoder() -> Encoder:
    """With a pooler that nothing uses, as models from the hub have."""
    words = [
        t
        for c in ("aa", "bb", "cc")
        for role in ("query", "passage")
        for t in pairs().texts(range(12), c, role)
    ]
    made = small_encoder(train_tokenizer(words, 200), width=32, heads=2).to("cpu")
    made.model.pooler = XLMRobertaPooler(made.model.config)
    for parameter in made.model.pooler.parameters():
        parameter.data.zero_()
    return made


def train_on_rows(to: Path) -> Encoder:
    """Trains on the rows of the token table that occur, however small it is."""
    with (
        mock.patch.object(token_rows, "SMALLEST_TABLE", 1),
        mock.patch.object(token_rows, "LARGEST_SHARE", 1.0),
    ):
        return train(pairs(), encoder(), output=to, validation=pairs(), **COMMON)


JOBS: dict[str, Callable[[Path], Any]] = {
    "plain": lambda to: train(pairs(), encoder(), output=to, validation=pairs(), **COMMON),
    "cached": lambda to: train(pairs(), encoder(), output=to, chunk_tokens=20, **COMMON),
    "adversarial": lambda to: train(
        pairs(),
        encoder(),
        output=to,
        objective="adversarial",
        objective_options={"weight": 3.0},
        **{**COMMON, "strategy": "x-x"},
    ),
    "one-to-k": lambda to: train(
        parallel(), encoder(), output=to, objective="one-to-k", **{**COMMON, "strategy": "x-x"}
    ),
    # Four texts an id: a correlation over fewer vectors, which are all alike at first, divides
    # rounding by next to nothing, and the batch of one id has no others.
    "lancer": lambda to: train(
        parallel(),
        encoder(),
        output=to,
        objective="lancer",
        objective_options={"texts": 4, "distillation": 5.0},
        **COMMON,
    ),
    "rows": train_on_rows,
    "whole": lambda to: train(pairs(), encoder(), output=to, **{**COMMON, "steps": 4}),
}


def one_of_two(rank: int, folder: Path) -> None:
    """What each of two processes does, one job after the other; what it prints goes to a file."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    with (folder / f"{rank}.txt").open("w") as file, redirect_stdout(file):
        do_jobs(folder)
    torch.distributed.destroy_process_group()


def do_jobs(folder: Path) -> None:
    torch.set_num_threads(1)
    for name in ("plain", "cached", "adversarial", "one-to-k", "lancer", "rows"):
        JOBS[name](folder / "two" / name)
    stopped(2, lambda: JOBS["whole"](folder / "two-then-one"))
    JOBS["whole"](folder / "one-then-two")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each job done by one process (this) and by two, those that change hands among them."""
    folder = tmp_path_factory.mktemp("processes")
    stopped(2, lambda: JOBS["whole"](folder / "one-then-two"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    finish(*[start(one_of_two, rank, folder, **world) for rank in range(2)])
    said = "".join((folder / f"{rank}.txt").read_text() for rank in range(2))
    assert said.count("x-y: step 3 of 3") == 4  # progress is said once
    assert said.count("distillation: ") == 1
    for name in JOBS:
        JOBS[name](folder / "one" / name)
    JOBS["whole"](folder / "two-then-one")
    return folder


def same_training(ours: Path, theirs: Path) -> None:
    logs = [pd.read_parquet(run / "training_log.parquet") for run in (ours, theirs)]
    for column in ("loss", "validation_loss", "learning_rate"):
        np.testing.assert_allclose(logs[0][column], logs[1][column], atol=1e-5, err_msg=column)
    np.testing.assert_allclose(logs[0]["grad_norm"], logs[1]["grad_norm"], rtol=1e-4)
    weights = [Encoder.load(run / "model", device="cpu").state_dict() for run in (ours, theirs)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(
            tensor, weights[1][name], atol=1e-5, rtol=0, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize("name", ["plain", "cached", "adversarial", "one-to-k", "lancer", "rows"])
def test_two_processes_learn_what_one_learns(folder: Path, name: str) -> None:
    same_training(folder / "two" / name, folder / "one" / name)
    moved = (
        Encoder.load(folder / "one" / name / "model", device="cpu")
        .model.get_input_embeddings()
        .weight
    )
    assert (
        float((moved - encoder().model.get_input_embeddings().weight).detach().abs().max()) > 1e-3
    )


@pytest.mark.parametrize("name", ["two-then-one", "one-then-two"])
def test_a_training_resumes_with_another_number_of_processes(folder: Path, name: str) -> None:
    same_training(folder / name, folder / "one" / "whole")


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [0, 1, 5, 6, 7])
def test_shares_are_alike_and_cover_every_text_in_order(n: int, processes: int) -> None:
    shares = [share(n, rank, processes) for rank in range(processes)]
    assert len({len(rows) for rows in shares}) == 1
    assert np.concatenate(shares)[:n].tolist() == list(range(n))
    assert all((rows >= 0).all() and (rows < n).all() for rows in shares)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_tokenises_its_share_alone(rank: int) -> None:
    batch = PlanBatches(
        BatchPlan(pairs(), "x-y", batch_size=11), None, encoder(), rank=rank, processes=2
    )[0]
    rows = {role: len(tokens["place"]) for role, tokens in tokens_of(batch).items()}
    assert rows == {"query": 6, "passage": 6, "negative": 17}
    assert (batch["same"].shape, batch["same_negatives"].shape) == ((11, 11), (11, 33))


def test_a_step_is_one_batch(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="gradient_accumulation_steps is 2, but a step sees one batch"
    ):
        train(
            pairs(),
            encoder(),
            output=tmp_path / "out",
            **{**COMMON, "arguments": {"gradient_accumulation_steps": 2}},
        )
    assert not (tmp_path / "out").exists()
