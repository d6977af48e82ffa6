"""What the contrastive trainer and the one for masked words share: batches, log, checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hbtlib.encoders.encoder import Encoder
from hbtlib.files import explain_full_disk
from hbtlib.training.checkpoints import complete_checkpoint
from hbtlib.training.token_rows import with_whole_table

Watch = Callable[[Encoder, int], object]
"""What looks at an encoder while it trains: a function of it and of the steps so far."""


def only_item(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Collates the items of a DataLoader: there is one, and it is a whole batch."""
    return items[0]


class BatchTrainer(transformers.Trainer):
    """A `transformers.Trainer` whose items are whole batches, with checkpoints that say so.

    Args:
        *args: as of `transformers.Trainer`.
        embedding_learning_rate: learning rate of the token embeddings; None: that of all weights.
        **kwargs: as of `transformers.Trainer`.
    """

    def __init__(self, *args: Any, embedding_learning_rate: float | None, **kwargs: Any) -> None:
        self.embedding_learning_rate = embedding_learning_rate
        # Tokens read since the last log entry: without padding, and with it.
        self._tokens = torch.zeros(2, dtype=torch.int64)
        super().__init__(*args, **kwargs)

    def get_train_dataloader(self) -> DataLoader:
        """Gives batch t of the plan at step t, in every process."""
        return DataLoader(
            self.train_dataset,
            batch_size=1,
            shuffle=False,
            collate_fn=only_item,
            num_workers=self.args.dataloader_num_workers,
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Makes the optimiser: AdamW with a learning rate for each part that has its own."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        for group in self.further_weights():
            optimizer.add_param_group(group)
        if self.embedding_learning_rate is not None:
            _move_to_own_group(optimizer, self.token_embeddings(), self.embedding_learning_rate)
        return optimizer

    def further_weights(self) -> list[dict[str, Any]]:
        """Groups of weights that are no part of the model: none."""
        return []

    def token_embeddings(self) -> torch.Tensor:
        """The table of token embeddings that is trained."""
        table: torch.Tensor = self.unwrapped().get_input_embeddings().weight
        return table

    def count_tokens(self, mask: torch.Tensor) -> None:
        """Counts the tokens of a (b, T) attention mask for the log."""
        self._tokens += torch.tensor([int(mask.sum()), mask.numel()])

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Adds to a log entry the tokens so far, and the share of padding since the last entry."""
        if "loss" in logs:
            counts = self.accelerator.reduce(self._tokens.to(self.args.device), "sum")
            real, with_padding = counts.tolist()
            before = [int(entry.get("tokens", 0)) for entry in self.state.log_history]
            logs["tokens"] = max(before, default=0) + real
            logs["padding"] = 1 - real / max(with_padding, 1)
            self._tokens.zero_()
        super().log(logs, *args, **kwargs)

    def unwrapped(self) -> Any:
        """The model that is trained, without what accelerate wraps it in."""
        return self.accelerator.unwrap_model(self.model)

    def complete(self, checkpoint: Path) -> None:
        """Marks a checkpoint as whole; before that one adds what transformers does not write.

        Args:
            checkpoint: the checkpoint's folder.
        """
        complete_checkpoint(checkpoint, None)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with explain_full_disk(folder):
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # each process writes its random state
            if self.args.should_save:
                self.complete(folder)


class Watched(TrainerCallback):
    """Shows an encoder while it trains to a function: before the first step, then at intervals.

    The training is the same with it and without it. A step that a resumed training takes again is
    shown again.

    Args:
        watch: the function of the encoder and of the steps so far.
        every: the steps from one time to the next; the last step is always shown.
        encoder: gives the encoder as it is.
    """

    def __init__(self, watch: Watch, every: int, encoder: Callable[[], Encoder]) -> None:
        self.watch = watch
        self.every = every
        self.encoder = encoder

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Shows the encoder before the first step."""
        if state.global_step == 0:
            self._show(0)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Shows the encoder where it is due."""
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._show(state.global_step)

    def _show(self, step: int) -> None:
        encoder = self.encoder()
        was_training = encoder.training
        with torch.random.fork_rng(), with_whole_table(encoder.eval()) as whole:
            self.watch(whole, step)
        encoder.train(was_training)


def run_trainer(trainer: BatchTrainer, checkpoint: str | None, seed: int) -> None:
    """Trains from the start or from a checkpoint, to the weights that are kept."""
    process = trainer.args.process_index
    if process:  # otherwise dropout would fall alike on every share
        transformers.set_seed((seed + process) % 2**32)
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.accelerator.wait_for_everyone()  # the best weights are read from the checkpoints
    # Without this, the model would stay in bf16 or fp16.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)


def _move_to_own_group(
    optimizer: torch.optim.Optimizer, weight: torch.Tensor, learning_rate: float
) -> None:
    """Moves a weight of the optimiser to a group of its own, with another learning rate."""
    group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
    group["params"] = [p for p in group["params"] if p is not weight]
    optimizer.add_param_group({**group, "params": [weight], "lr": learning_rate})
