"""The contrastive trainer: a `transformers.Trainer` whose batches are those of a plan."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import TrainerControl

from hbtlib.encoders.encoder import Encoder
from hbtlib.files import DamagedFile
from hbtlib.training import losses
from hbtlib.training.batch_trainer import BatchTrainer, only_item
from hbtlib.training.batches import tokens_of
from hbtlib.training.checkpoints import check_checkpoint, complete_checkpoint
from hbtlib.training.objectives import InfoNCE, Inputs
from hbtlib.training.processes import gather
from hbtlib.training.token_rows import row_embedding, with_whole_table


class ContrastiveTrainer(BatchTrainer):
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
        self.cached = cached
        super().__init__(*args, embedding_learning_rate=embedding_learning_rate, **kwargs)
        self.objective.to(self.args.device)
        self.validation_objective = InfoNCE(objective.temperature, [], 0)

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
        """Makes the optimiser; rows of the token table that are trained follow it."""
        optimizer = super().create_optimizer(model)
        rows = row_embedding(self._encoder())
        if rows is not None:
            rows.follow(optimizer)
        return optimizer

    def further_weights(self) -> list[dict[str, Any]]:
        """The objective's own weights, with their learning rate."""
        weights = list(self.objective.parameters())
        if not weights:
            return []
        return [{"params": weights, "lr": self.objective.options["learning_rate"]}]

    def token_embeddings(self) -> torch.Tensor:
        """The table of token embeddings that is trained."""
        table: torch.Tensor = self._encoder().model.get_input_embeddings().weight
        return table

    def complete(self, checkpoint: Path) -> None:
        """Adds the objective's weights to a checkpoint, and marks it as whole."""
        complete_checkpoint(checkpoint, self.objective, row_embedding(self._encoder()))

    def _count_tokens(self, inputs: Inputs) -> None:
        for tokens in tokens_of(inputs).values():
            for chunk in tokens["chunks"]:
                self.count_tokens(chunk["attention_mask"])

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
        encoder: Encoder = self.unwrapped()
        return encoder
