"""Checkpoints: a killed run that resumes ends as one never killed."""

from __future__ import annotations

import errno
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from conftest import stopped
from fresh_processes import finish, start
from quick_training import QUICK, contrary, weights

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.small import small_encoder, train_tokenizer
from hbtlib.training.checkpoints import last_whole_checkpoint
from hbtlib.training.contrastive_trainer import ContrastiveTrainer
from hbtlib.training.manifest import write_manifest
from hbtlib.training.trainer import train


def train_in_a_process(output: Path) -> None:
    """With dropout, so that the random state has to come back as well."""
    torch.set_num_threads(1)
    codes = ("aa", "bb", "cc")
    texts = [
        [{code: f"{kind} {i} in {code}" for code in codes} for i in range(40)]
        for kind in ("question", "passage")
    ]
    pairs = Pairs.from_texts("tiny", *texts)
    words = [
        text
        for role in ("query", "passage")
        for code in codes
        for text in pairs.texts(range(40), code, role)
    ]
    train(
        pairs,
        small_encoder(train_tokenizer(words, 200), width=32, heads=2, dropout=0.2),
        output=output,
        batch_size=8,
        steps=60,
        evaluate_every=10,
        log_every=5,
        learning_rate=1e-2,
        embedding_learning_rate=2e-2,
        validation=pairs,
        seed=3,
    )


def test_killed_and_resumed_is_never_killed_bit_for_bit(tmp_path: Path) -> None:
    whole = start(train_in_a_process, tmp_path / "whole")
    for kill_at in (20, 40):
        process = start(train_in_a_process, tmp_path / "killed")
        wanted = tmp_path / "killed" / "checkpoints" / f"checkpoint-{kill_at}" / "whole"
        deadline = time.monotonic() + 90
        while not wanted.exists() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "the run ended before it could be killed"
        # What a kill in the middle of a checkpoint leaves.
        torn = tmp_path / "killed" / "checkpoints" / "checkpoint-59"
        torn.mkdir()
        (torn / "trainer_state.json").write_text("{")
    finish(whole, start(train_in_a_process, tmp_path / "killed"))
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    logs = [pd.read_parquet(tmp_path / run / "training_log.parquet") for run in ("killed", "whole")]
    pd.testing.assert_frame_equal(*logs)


def test_a_full_disk_leaves_the_last_whole_checkpoint(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full in the middle of the second checkpoint, and the error says so.

    The optimiser's state is cut off there.
    """
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "whole", **QUICK)
    usual = ContrastiveTrainer._save_optimizer_and_scheduler

    def full(self: ContrastiveTrainer, folder: str) -> None:
        if self.state.global_step == 12:
            (Path(folder) / "optimizer.pt").write_bytes(b"PK")
            raise OSError(errno.ENOSPC, "No space left on device")
        usual(self, folder)

    monkeypatch.setattr(ContrastiveTrainer, "_save_optimizer_and_scheduler", full)
    with pytest.raises(OSError, match=r"the disk is full: .*checkpoint-12 was not written"):
        train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "full", **QUICK)
    assert (tmp_path / "full" / "checkpoints" / "checkpoint-12" / "optimizer.pt").exists()
    monkeypatch.setattr(ContrastiveTrainer, "_save_optimizer_and_scheduler", usual)
    assert str(last_whole_checkpoint(tmp_path / "full" / "checkpoints")).endswith("checkpoint-6")
    train(tiny_pairs, tiny_encoder_factory(), output=tmp_path / "full", **QUICK)
    assert weights(tmp_path / "full") == weights(tmp_path / "whole")


def test_resumed_it_stops_as_early_and_logs_the_same(
    tiny_pairs: Pairs, tiny_encoder_factory: Any, tmp_path: Path
) -> None:
    """Validation only gets worse, and the training stops as early as one never killed.

    The validations without a better one are counted across the kill, and so are the tokens and
    losses between two log entries.
    """

    def run(folder: str) -> pd.DataFrame:
        train(
            tiny_pairs,
            tiny_encoder_factory(),
            output=tmp_path / folder,
            validation=contrary(tiny_pairs),
            patience=4,
            **{**QUICK, "steps": 48, "evaluate_every": 6, "log_every": 4},
        )
        return pd.read_parquet(tmp_path / folder / "training_log.parquet")

    whole = run("whole")
    assert whole["step"].max() == 30
    stopped(27, lambda: run("killed"))
    pd.testing.assert_frame_equal(run("killed"), whole)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    for step, whole in ((9, True), (10, True), (11, False)):
        checkpoint = tmp_path / f"checkpoint-{step}"
        checkpoint.mkdir()
        (checkpoint / "trainer_state.json").write_text("{}")
        if whole:
            write_manifest(checkpoint, "whole")
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert not (tmp_path / "checkpoint-11").exists()
    assert last_whole_checkpoint(tmp_path / "none") is None
