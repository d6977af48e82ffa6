"""The options of a training, with their defaults and checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import PRECISIONS, Encoder
from hbtlib.sampling.schedule import Alpha
from hbtlib.sampling.strategies import Strategy
from hbtlib.training.objectives import OBJECTIVES

Validation = Pairs | Callable[[Encoder], float]
"""What a training is validated by: the loss on these pairs, or a score of the encoder."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The keyword arguments of `hbtlib.train`, checked.

    Names, order and defaults are the same as there.

    Raises:
        ValueError: for a value that makes no sense, with the sentence that says so.
    """

    # Batches, as in BatchPlan.
    strategy: str | Strategy = "hybrid"  # which languages meet in a batch
    alpha: Alpha = 0.5  # how often a batch is of the first kind, 0 to 1, or a schedule
    mix: str = "batch"  # the kind is drawn for each "batch" or for each "pair"
    languages: Sequence[str] | None = None  # language codes; None: all that the pairs have
    sources: str | float | dict[str, float] = "size"  # how several pairs share the batches
    batch_size: int = 100  # pairs in a batch, and a batch is a step
    steps: int = 1000  # optimiser steps
    seed: int = 0  # of batches, dropout and new weights

    # The optimiser (AdamW).
    learning_rate: float = 3e-5  # at its highest, after the warm-up
    embedding_learning_rate: float | None = None  # of the token embeddings; None: learning_rate
    weight_decay: float = 1e-2  # of the weights, less biases and normalisation layers
    warmup: float = 0.1  # share of the steps in which the learning rate rises, 0 to below 1

    # The loss.
    temperature: float = 0.05  # divides the scores
    objective: str = "info-nce"  # a name of OBJECTIVES
    objective_options: dict[str, Any] | None = None  # its options; None: its defaults

    # Validation, checkpoints and the log.
    validation: Validation | None = None  # None: the last weights are kept
    validation_strategy: str = "x-x-mono"  # which languages meet in a validation batch
    evaluate_every: int | None = None  # steps from one checkpoint to the next; None: steps // 20
    patience: int | None = None  # validations without a better one before it stops; None: no end
    log_every: int = 10  # steps from one row of the log to the next

    # How it is computed.
    precision: str = "fp32"  # fp32, bf16 or fp16
    chunk_tokens: int | None = None  # tokens in a chunk (gradient caching); None: no caching
    lora: dict[str, Any] | None = None  # options of peft.LoraConfig; None: all weights learn
    label: str | None = None  # what progress lines begin with; None: the strategy's name
    arguments: dict[str, Any] | None = None  # more options of transformers.TrainingArguments

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_names()
        self._check_combinations()

    def _check_numbers(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; it must be 1 or more")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if not 0 <= self.warmup < 1:
            raise ValueError(
                f"warmup is {self.warmup}; it is the share of the steps in which the learning rate "
                "rises, from 0 to below 1"
            )
        if self.chunk_tokens is not None and self.chunk_tokens < 1:
            raise ValueError(
                f"chunk_tokens is {self.chunk_tokens}; it is a number of tokens from 1 up, or None "
                "for no gradient caching"
            )

    def _check_names(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}; it is fp32, bf16 or fp16")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"no objective {self.objective!r}; there are {', '.join(OBJECTIVES)}")

    def _check_combinations(self) -> None:
        if self.lora is not None and self.embedding_learning_rate is not None:
            raise ValueError(
                "with lora the token embeddings are not trained: leave embedding_learning_rate None"
            )
        if self.patience is not None and self.validation is None:
            raise ValueError(
                "patience is given but no validation: early stopping needs validation pairs or a "
                "function of the encoder"
            )

    @property
    def evaluation_interval(self) -> int:
        """Steps from one validation and checkpoint to the next; by default there are 20 in all."""
        return min(self.evaluate_every or max(self.steps // 20, 1), self.steps)

    @property
    def validates_by_score(self) -> bool:
        """Is the training validated by a function of the encoder (the higher, the better)?"""
        return callable(self.validation)

    @property
    def progress_label(self) -> str:
        """What progress lines begin with."""
        return self.label or (self.strategy if isinstance(self.strategy, str) else "training")
