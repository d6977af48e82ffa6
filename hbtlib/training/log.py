"""The training log as a table, and the progress that is printed."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


def training_log(history: Sequence[dict[str, float]]) -> pd.DataFrame:
    """Makes a table of transformers' log history.

    Args:
        history: `TrainerState.log_history`.

    Returns:
        One row a step that was logged, with the columns that `hbtlib.train` documents.
    """
    names = {"eval_loss": "validation_loss", "eval_score": "validation_score"}
    table = pd.DataFrame(history).rename(columns=names).groupby("step").first()
    validated = "validation_score" if "validation_score" in table else "validation_loss"
    columns = ["loss", "learning_rate", "grad_norm", "tokens", "padding", validated]
    return table.reindex(columns=columns).dropna(how="all").reset_index()


class Progress(TrainerCallback):
    """Prints a line every twentieth of the training, and logs at each checkpoint.

    Because of the latter, resuming from a checkpoint loses nothing of the log.

    Args:
        label: what the lines begin with.
    """

    def __init__(self, label: str) -> None:
        self.label = label

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Asks for a log entry at a checkpoint and at the end."""
        at_checkpoint = state.global_step % args.save_steps == 0
        control.should_log |= at_checkpoint or state.global_step == state.max_steps

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Prints the step and the loss, once for all processes."""
        interval = max(state.max_steps // 20, args.logging_steps)
        is_due = state.global_step % interval == 0
        if state.is_world_process_zero and logs and "loss" in logs and is_due:
            step = f"step {state.global_step} of {state.max_steps}"
            print(f"{self.label}: {step}, loss {logs['loss']:.3f}", flush=True)
