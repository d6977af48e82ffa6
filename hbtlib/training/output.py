"""The output folder of a training: checked before, written when it is done, loaded again."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from hbtlib.checks import short
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.files import DamagedFile, explain_full_disk, read_table, write_table
from hbtlib.training.manifest import check_manifest, write_manifest

_CHECKSUMS = "checksums.json"  # of the model's files and the log, in the model's folder


def check_pairs(pairs: object) -> None:
    """Checks that training pairs are `Pairs`, or several of them."""
    several = pairs if isinstance(pairs, list | tuple) else [pairs]
    for each in several:
        if not isinstance(each, Pairs):
            raise ValueError(
                f"pairs is or holds {short(each)}; give Pairs, as hbt.load_pairs and "
                "hbt.Pairs.from_texts make them, or a list of such"
            )
    if not several:
        raise ValueError("no pairs to train on: give one set of pairs at least")


def check_start(encoder: object) -> None:
    """Checks that what a training starts from is an encoder, or what `Encoder.load` takes."""
    if not isinstance(encoder, Encoder | str | os.PathLike) or str(encoder) == "":
        raise ValueError(
            f"encoder is {short(encoder)}; it must be an Encoder, a name, or the path of a folder"
        )


def check_output(output: object) -> Path:
    """Checks that the output is the path of a folder, or of one that can be made."""
    if not isinstance(output, str | os.PathLike) or str(output) == "" or "\0" in str(output):
        raise ValueError(f"output is {short(output)}; it must be the path of a folder")
    folder = Path(output)
    for part in (folder, *folder.parents):
        if part.is_file():
            raise ValueError(f"output is {folder}, but {part} is a file: give the path of a folder")
    return folder


def is_finished(output: Path) -> bool:
    """Was a training in this folder finished?"""
    return (output / "model").exists() and _log_file(output).exists()


def load_finished(output: Path) -> Encoder:
    """Loads the model of a finished training, if model and log hold what was written.

    A folder of an earlier version, which has no checksums, is loaded as it is.
    """
    model = output / "model"
    try:
        if (model / _CHECKSUMS).exists():
            check_manifest(model, _CHECKSUMS)
        read_table(_log_file(output))
    except DamagedFile as error:
        raise DamagedFile(f"{error}: remove {output} and train again") from None
    remove_checkpoints(output)  # if the training was killed before it came to that
    return Encoder.load(model)


def _log_file(output: Path) -> Path:
    return output / "training_log.parquet"


def save_finished(output: Path, encoder: Encoder, log: pd.DataFrame, card: dict[str, Any]) -> None:
    """Writes the log and the model, and removes the checkpoints.

    The model comes to its place when it is whole.

    Args:
        output: the output folder.
        encoder: the trained encoder.
        log: the training log.
        card: what the model card says of the training.
    """
    write_table(log, _log_file(output))
    part = output / "model.part"
    shutil.rmtree(part, ignore_errors=True)  # what an interrupted call left
    with explain_full_disk(output / "model"):
        encoder.save(part, card)
        write_manifest(part, _CHECKSUMS, beside=[_log_file(output)])
    part.rename(output / "model")
    remove_checkpoints(output)


def remove_checkpoints(output: Path) -> None:
    """Removes the checkpoints of a finished training, and keeps what TensorBoard reads."""
    checkpoints = output / "checkpoints"
    with contextlib.suppress(OSError):  # there is none, or another process was faster
        (checkpoints / "runs").rename(output / "runs")
    shutil.rmtree(checkpoints, ignore_errors=True)
