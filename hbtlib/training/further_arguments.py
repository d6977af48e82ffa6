"""The further options of `transformers.TrainingArguments` that a caller may give to `train`."""

import dataclasses
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from transformers import TrainingArguments

from hbtlib.checks import check_options, short

OURS: dict[str, str] = {
    "output_dir": "output",
    "max_steps": "steps",
    "num_train_epochs": "steps",
    "seed": "seed",
    "data_seed": "seed",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "warmup_steps": "warmup",
    "per_device_train_batch_size": "batch_size",
    "per_device_eval_batch_size": "batch_size",
    "auto_find_batch_size": "chunk_tokens",
    "logging_strategy": "log_every",
    "logging_steps": "log_every",
    "save_strategy": "evaluate_every",
    "save_steps": "evaluate_every",
    "eval_strategy": "evaluate_every",
    "eval_steps": "evaluate_every",
    "load_best_model_at_end": "validation",
    "metric_for_best_model": "validation",
    "greater_is_better": "validation",
    "bf16": "precision",
    "fp16": "precision",
    "use_cpu": "encoder",
    "label_smoothing_factor": "objective",
}
"""Arguments of transformers that a parameter of `train` decides, and which one that is."""

FIXED: dict[str, str] = {
    "remove_unused_columns": "the columns of a batch are those of the plan",
    "save_total_limit": "the best checkpoint and the last one are kept",
    "save_only_model": "a training resumes from all of a checkpoint",
    "restore_callback_states_from_checkpoint": "a training resumes from all of a checkpoint",
    "ignore_data_skip": "a training that resumes goes on with the next batch of the plan",
    "resume_from_checkpoint": "a training called again resumes by itself",
    "train_sampling_strategy": "the plan decides which batch comes when",
    "dataloader_drop_last": "the plan decides which batch comes when",
    "logging_nan_inf_filter": "a loss that is not finite stops the training",
}
"""Arguments of transformers that cannot be other than they are here, and why."""


def check_further_arguments(given: object) -> dict[str, Any]:
    """Checks further options of `transformers.TrainingArguments`.

    Args:
        given: options by name; None: there are none.

    Returns:
        The options as a new dictionary.

    Raises:
        ValueError: if they are no mapping, or one is unknown, is decided by a parameter of `train`
            (the message names it) or by the way hbtlib trains, or has another type than
            transformers says.
    """
    known = [field.name for field in dataclasses.fields(TrainingArguments) if field.init]
    options = check_options("arguments", given, known)
    types = get_type_hints(TrainingArguments)  # those of fsdp's are not all that it takes
    for name, value in options.items():
        if name in OURS:
            raise ValueError(
                f"arguments has {name!r}, which hbt.train decides by its own parameter "
                f"{OURS[name]!r}: give that instead"
            )
        if name in FIXED:
            raise ValueError(f"arguments has {name!r}, which is not yours to set: {FIXED[name]}")
        if not name.startswith("fsdp") and not _is_of_type(value, types[name]):
            said = getattr(types[name], "__name__", str(types[name]))
            raise ValueError(f"arguments has {name} = {short(value)}; transformers takes {said}")
    return options


def _is_of_type(value: object, annotation: Any) -> bool:
    """Says whether a value is of the type that transformers documents.

    Where it documents a dictionary it also takes objects of its own, so anything passes there; so
    it does for the names of choices, which transformers checks itself.
    """
    if get_origin(annotation) in (Union, UnionType):
        return any(_is_of_type(value, member) for member in get_args(annotation))
    if annotation is bool:
        return isinstance(value, bool | np.bool_)
    if annotation is int:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)
    if annotation is float:
        number = isinstance(value, int | float | np.integer | np.floating)
        return number and not isinstance(value, bool)
    if annotation is str:
        return isinstance(value, str)
    if annotation is type(None):
        return value is None
    if get_origin(annotation) is list:
        return isinstance(value, list | tuple)
    return True
