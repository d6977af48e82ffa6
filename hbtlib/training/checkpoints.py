"""Checkpoints: written whole or not at all, and resumed from."""

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from transformers.trainer_utils import get_last_checkpoint

from hbtlib.training.objectives import InfoNCE

_WHOLE = "whole"  # an empty file that is written last
_OBJECTIVE = "objective.safetensors"


def last_whole_checkpoint(folder: Path) -> str | None:
    """Finds the newest checkpoint that was written to the end, and removes those that were not.

    Args:
        folder: the folder of the checkpoints, which need not exist.

    Returns:
        The checkpoint's folder, or None if there is none.
    """
    for checkpoint in folder.glob("checkpoint-*"):
        if not (checkpoint / _WHOLE).exists():
            shutil.rmtree(checkpoint)
    return get_last_checkpoint(str(folder)) if folder.exists() else None


def complete_checkpoint(checkpoint: Path, objective: InfoNCE) -> None:
    """Adds the objective's own weights to a checkpoint, and marks it as whole.

    Args:
        checkpoint: the checkpoint's folder.
        objective: the objective of the training.
    """
    save_file(objective.state_dict(), checkpoint / _OBJECTIVE)
    (checkpoint / _WHOLE).touch()


def load_objective(objective: InfoNCE, checkpoint: str) -> None:
    """Reads the objective's own weights from a checkpoint.

    Args:
        objective: the objective of the training, whose weights are replaced.
        checkpoint: the checkpoint's folder.
    """
    objective.load_state_dict(load_file(Path(checkpoint) / _OBJECTIVE))
