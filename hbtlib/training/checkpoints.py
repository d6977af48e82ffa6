"""Checkpoints: written whole or not at all, and resumed from where they hold what was written."""

import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hbtlib.files import DamagedFile, read_json
from hbtlib.training.manifest import check_manifest, write_manifest
from hbtlib.training.objectives import InfoNCE
from hbtlib.training.token_rows import RowEmbedding

_WHOLE = "whole"  # the checkpoint's files with their checksums; it is written last
_OBJECTIVE = "objective.safetensors"
_STATE = "trainer_state.json"  # transformers' own


def last_whole_checkpoint(folder: Path) -> str | None:
    """Finds the newest checkpoint that can be resumed from, and removes those that cannot.

    It was written to the end and holds what was written, and so does the best checkpoint so far,
    whose weights would be kept. A checkpoint that a kill cut off is removed without a word; a
    damaged one is named in a printed line.

    Args:
        folder: the folder of the checkpoints, which need not exist.

    Returns:
        The checkpoint's folder, or None if there is none.
    """
    newest_first = sorted(filter(_step, folder.glob("checkpoint-*")), key=_step, reverse=True)
    unusable: dict[Path, str] = {}  # checkpoint → what is wrong
    chosen = None
    for checkpoint in newest_first:
        if not (checkpoint / _WHOLE).exists():
            shutil.rmtree(checkpoint)
            continue
        try:
            check_checkpoint(checkpoint)
            _check_best(checkpoint)
        except (DamagedFile, FileNotFoundError) as error:
            unusable[checkpoint] = str(error)
            continue
        chosen = chosen or checkpoint
    then = f"resumes from {chosen.name}" if chosen else "begins with the first step"
    for checkpoint, fault in unusable.items():
        print(f"{checkpoint.name} is not used: {fault}; the training {then}", flush=True)
        shutil.rmtree(checkpoint)
    return str(chosen) if chosen else None


def complete_checkpoint(
    checkpoint: Path, objective: InfoNCE | None, rows: RowEmbedding | None = None
) -> None:
    """Adds what transformers does not write to a checkpoint, and marks it as whole.

    Args:
        checkpoint: the checkpoint's folder.
        objective: the objective of the training, which may have weights of its own; None: none.
        rows: the rows of the token table that are trained; None: all.
    """
    if rows is not None:
        rows.save(checkpoint)
    if objective is not None:
        save_file(objective.state_dict(), checkpoint / _OBJECTIVE)
    write_manifest(checkpoint, _WHOLE)


def check_checkpoint(checkpoint: Path) -> None:
    """Checks that a checkpoint holds what was written.

    Args:
        checkpoint: the checkpoint's folder.

    Raises:
        DamagedFile: a file is gone or holds other bytes; the message names it.
        FileNotFoundError: the checkpoint was not written to its end.
    """
    check_manifest(checkpoint, _WHOLE)


def load_objective(objective: InfoNCE, checkpoint: str) -> None:
    """Reads the objective's own weights from a checkpoint.

    Args:
        objective: the objective of the training, whose weights are replaced.
        checkpoint: the checkpoint's folder.
    """
    objective.load_state_dict(load_file(Path(checkpoint) / _OBJECTIVE))


class BestCheckpoint(TrainerCallback):
    """Tells a resumed training where its best checkpoint is.

    transformers notes its path. Where the output folder was moved since, it would forget the best
    weights and keep the last ones.
    """

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Finds the best checkpoint by its step, in the folder that it is in now."""
        if state.best_global_step:
            best = Path(str(args.output_dir)) / f"checkpoint-{state.best_global_step}"
            state.best_model_checkpoint = str(best)


def _step(checkpoint: Path) -> int:
    """The step that a checkpoint was written at, from 1 up; 0 for a folder that is none."""
    number = checkpoint.name.removeprefix("checkpoint-")
    return int(number) if number.isdecimal() and checkpoint.is_dir() else 0


def _check_best(checkpoint: Path) -> None:
    """Checks the checkpoint with the best weights at the time when another one was written."""
    best = read_json(checkpoint / _STATE).get("best_global_step")
    if best and best != _step(checkpoint):
        check_checkpoint(checkpoint.with_name(f"checkpoint-{best}"))
