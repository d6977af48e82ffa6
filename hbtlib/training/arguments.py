"""The options of a training as `transformers.TrainingArguments`."""

from pathlib import Path
from typing import Any

from transformers import TrainingArguments
from transformers.integrations import get_reporting_integration_callbacks

from hbtlib.training.options import TrainingOptions


def training_arguments(
    options: TrainingOptions, checkpoints: Path, *, on_cpu: bool
) -> TrainingArguments:
    """Makes transformers' arguments; from here on, processes started together know of each other.

    Args:
        options: the options of the training; its `arguments` come last, and none of them is ours
            (`check_further_arguments`).
        checkpoints: the folder for checkpoints.
        on_cpu: does the encoder lie on the CPU?

    Raises:
        ValueError: if transformers refuses an argument, or gradients are to be accumulated over
            several batches.
    """
    further = dict(options.arguments or {})
    ours = {**_common(options, checkpoints, on_cpu), **_validation(options)}
    try:
        arguments = TrainingArguments(**{**ours, **further})
        get_reporting_integration_callbacks(arguments.report_to)  # are they known and installed?
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        given = f"arguments {further}" if further else "the options"
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"transformers refuses {given}: {reason}") from None
    if arguments.gradient_accumulation_steps != 1:
        raise ValueError(
            f"gradient_accumulation_steps is {arguments.gradient_accumulation_steps}, but a step "
            "sees one batch: for a batch that the memory does not hold, give chunk_tokens"
        )
    # One GPU for each process, because DataParallel would split the chunks.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _common(options: TrainingOptions, checkpoints: Path, on_cpu: bool) -> dict[str, Any]:
    every = options.evaluation_interval
    return {
        "output_dir": str(checkpoints),
        # The optimiser.
        "max_steps": options.steps,
        "seed": options.seed,
        "learning_rate": options.learning_rate,
        "weight_decay": options.weight_decay,
        "warmup_steps": int(options.warmup * options.steps),
        # Log and checkpoints.
        "logging_steps": min(options.log_every, every),
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,
        # An item of the dataset is a whole batch.
        "per_device_train_batch_size": 1,
        "per_device_eval_batch_size": 1,
        "remove_unused_columns": False,
        # The machine.
        "bf16": options.precision == "bf16",
        "fp16": options.precision == "fp16",
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
        "ddp_broadcast_buffers": False,
    }


def _validation(options: TrainingOptions) -> dict[str, Any]:
    if options.validation is None:
        return {}
    return {
        "eval_strategy": "steps",
        "eval_steps": options.evaluation_interval,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_score" if options.validates_by_score else "eval_loss",
        "greater_is_better": options.validates_by_score,
    }
