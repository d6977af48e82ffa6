"""The contrastive trainer: a `transformers.Trainer` whose batches are those of a plan."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.utils.data import DataLoader
from transformers import TrainerControl

from hbtlib.encoders.encoder import Encoder
from hbtlib.files import DamagedFile, explain_full_disk
from hbtlib.training import losses
from hbtlib.training.batches import tokens_of
from hbtlib.training.checkpoints import check_checkpoint, complete_checkpoint
from hbtlib.training.objectives import InfoNCE, Inputs
from hbtlib.training.processes import gather
from hbtlib.training.token_rows import row_embedding, with_whole_table


def only_item(items: list[Inputs]) -> Inputs:
    """Collates the items of a DataLoader: there is one, and it is a whole batch."""
    return items[0]


class ContrastiveTrainer(transformers.Trainer):
    """A `transformers.Trainer` on a plan's batches, with checkpoints that say when they are whole.

    Args:
        *args: as of `transformers.Trainer`.
        objective: the loss, and its own weights if it has some.
        score: a function of the encoder to validate by (the higher, the better); None: InfoNCE's
            loss.
        embedding_learning_rate: learning rate of the token embeddings; None: that of all weights.
        cached: gradient caching, one chunk of the batch at a time has a graph (see
            `Encoder.forward`).
        **kwargs: as of `transformers.Trainer`.
    """

    def __init__(
        self,
        *args: Any,
        objective: InfoNCE,
        score: Callable[[Encoder], float] | None,
        embedding_learning_rate: float | None,
        cached: bool,
        **kwargs: Any,
    ) -> None:
        self.objective = objective
        self.score = score
        self.embedding_learning_rate = embedding_learning_rate
        self.cached = cached
        # Tokens embedded since the last log entry: without padding, and with it.
        self._tokens = torch.zeros(2, dtype=torch.int64)
        super().__init__(*args, **kwargs)
        self.objective.to(self.args.device)
        self.validation_objective = InfoNCE(objective.temperature, [], 0)

    def get_train_dataloader(self) -> DataLoader:
        """Gives batch t of the plan at step t, in every process."""
        return DataLoader(
            self.train_dataset,
            batch_size=1,
            shuffle=False,
            collate_fn=only_item,
            num_workers=self.args.dataloader_num_workers,
        )

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader:
        """Gives the validation plan's first epoch."""
        return DataLoader(self.eval_dataset, batch_size=1, shuffle=False, collate_fn=only_item)

    def training_step(
        self, model: torch.nn.Module, inputs: Inputs, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Computes the gradients of one batch; returns its loss."""
        self._count_tokens(inputs)
        self.objective.zero_grad()  # transformers does it for the model alone
        return super().training_step(model, inputs, num_items_in_batch)

    def compute_loss(
        self, model: torch.nn.Module, inputs: Inputs, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Computes the loss of one batch, of the vectors of all processes.

        It is the objective's loss, with distillation if it has some; in validation, InfoNCE's.

        Raises:
            FloatingPointError: if the loss of a training batch is not finite.
        """
        own = {
            role: model(tokens, cached=self.cached) for role, tokens in tokens_of(inputs).items()
        }
        vectors = {role: gather(mine, inputs["counts"][role]) for role, mine in own.items()}
        progress = self.state.global_step / max(self.state.max_steps, 1)
        if not self.model.training:
            return self.validation_objective(vectors, inputs, progress)
        loss = self.objective(vectors, inputs, progress)
        if "first" in inputs:
            trained = torch.cat([vectors["query"], vectors["passage"]])
            loss = loss + self.objective.distillation * losses.distillation(
                trained, inputs["first"]
            )
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.state.global_step}, with the ids "
                f"{inputs['ids'][:10].tolist()}…: try a lower learning rate, a longer warm-up, a "
                "higher temperature, or precision='fp32'; the last whole checkpoint is kept"
            )
        return loss

    def prediction_step(
        self, model: torch.nn.Module, inputs: Inputs, *args: Any, **kwargs: Any
    ) -> Any:
        """Computes the loss of a validation batch, and nothing else."""
        with torch.no_grad():
            loss = self.compute_loss(model, self._prepare_inputs(inputs))
        return loss.detach(), None, None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Computes the validation loss, or the encoder's score.

        Raises:
            FloatingPointError: if the score is not finite.
        """
        if self.score is None:
            return super().evaluate(*args, **kwargs)
        with with_whole_table(self._encoder().eval()) as encoder:
            score = float(self.score(encoder))
        if not math.isfinite(score):
            raise FloatingPointError(
                f"the score is {score} at step {self.state.global_step}; it must be a finite number"
            )
        metrics = {"eval_score": score}
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Makes the optimiser: AdamW with a learning rate for each part that has its own.

        These are the token embeddings, if a learning rate is given for them, and the objective's
        weights.
        """
        optimizer = super().create_optimizer(model)
        objective_weights = list(self.objective.parameters())
        if objective_weights:
            learning_rate = self.objective.options["learning_rate"]
            optimizer.add_param_group({"params": objective_weights, "lr": learning_rate})
        if self.embedding_learning_rate is not None:
            embeddings = self._encoder().model.get_input_embeddings().weight
            _move_to_own_group(optimizer, embeddings, self.embedding_learning_rate)
        rows = row_embedding(self._encoder())
        if rows is not None:
            rows.follow(optimizer)
        return optimizer

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

    def _count_tokens(self, inputs: Inputs) -> None:
        for tokens in tokens_of(inputs).values():
            for chunk in tokens["chunks"]:
                mask = chunk["attention_mask"]
                self._tokens += torch.tensor([int(mask.sum()), mask.numel()])

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
        with explain_full_disk(folder):
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # each process writes its random state
            if self.args.should_save:
                complete_checkpoint(folder, self.objective, row_embedding(self._encoder()))

    def _load_best_model(self) -> None:
        """Loads the best weights, if the checkpoint still holds what was written.

        Raises:
            DamagedFile: if it does not.
        """
        best = Path(str(self.state.best_model_checkpoint))
        try:
            check_checkpoint(best)
        except (DamagedFile, FileNotFoundError) as error:
            raise DamagedFile(
                f"the best weights cannot be read: {error}; run the same again, and the training "
                "resumes from a checkpoint that is whole"
            ) from None
        super()._load_best_model()
        rows = row_embedding(self._encoder())
        if rows is not None:
            rows.read_decay(best)

    def _encoder(self) -> Encoder:
        """The encoder that is trained, without what accelerate wraps it in."""
        encoder: Encoder = self.accelerator.unwrap_model(self.model)
        return encoder


def _move_to_own_group(
    optimizer: torch.optim.Optimizer, weight: torch.Tensor, learning_rate: float
) -> None:
    """Moves a weight of the optimiser to a group of its own, with another learning rate."""
    group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
    group["params"] = [p for p in group["params"] if p is not weight]
    optimizer.add_param_group({**group, "params": [weight], "lr": learning_rate})
