"""The options of a training, with their defaults and checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hbtlib.checks import check_choice, check_integer, check_number, short
from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import PRECISIONS, Encoder
from hbtlib.sampling.schedule import Alpha, Schedule
from hbtlib.sampling.settings import MIXES, check_batch_size, check_languages, find_strategy
from hbtlib.sampling.strategies import Strategy
from hbtlib.training.further_arguments import check_further_arguments
from hbtlib.training.losses import check_temperature
from hbtlib.training.objectives import OBJECTIVES

Validation = Pairs | Callable[[Encoder], float]
"""What a training is validated by: the loss on these pairs, or a score of the encoder."""

_MOST_STEPS = 10**9
_LARGEST_RATE = 1000.0  # as in notebooks
_LARGEST_SEED = 2**32 - 1  # of numpy's older generator, which transformers seeds as well


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
    watch: Callable[[Encoder, int], object] | None = None  # looks at the encoder now and then
    watch_every: int | None = None  # steps from one look to the next; None: evaluate_every
    log_every: int = 10  # steps from one row of the log to the next

    # How it is computed.
    precision: str = "fp32"  # fp32, bf16 or fp16
    chunk_tokens: int | None = None  # tokens in a chunk (gradient caching); None: no caching
    lora: dict[str, Any] | None = None  # options of peft.LoraConfig; None: all weights learn
    label: str | None = None  # what progress lines begin with; None: the strategy's name
    arguments: dict[str, Any] | None = None  # more options of transformers.TrainingArguments

    def __post_init__(self) -> None:
        self._check_batches()
        self._check_optimiser()
        self._check_loss()
        self._check_validation()
        self._check_machine()
        self._check_combinations()

    def _set(self, **checked: Any) -> None:
        """Replaces values by what was checked: plain Python numbers, which JSON can hold."""
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _check_batches(self) -> None:
        self._set(
            batch_size=check_batch_size(self.batch_size),
            steps=check_integer("steps", self.steps, 1, _MOST_STEPS),
            seed=check_integer("seed", self.seed, 0, _LARGEST_SEED),
        )
        check_choice("mix", self.mix, MIXES)
        find_strategy(self.strategy, self.mix)
        Schedule(self.alpha, self.steps)
        if self.languages is not None:
            self._set(languages=list(check_languages(self.languages)))

    def _check_optimiser(self) -> None:
        self._set(
            learning_rate=check_number(
                "learning_rate", self.learning_rate, above=0, maximum=_LARGEST_RATE
            ),
            weight_decay=check_number(
                "weight_decay", self.weight_decay, minimum=0, maximum=_LARGEST_RATE
            ),
            warmup=check_number("warmup", self.warmup, minimum=0, below=1),
        )
        if self.embedding_learning_rate is not None:
            rate = check_number(
                "embedding_learning_rate",
                self.embedding_learning_rate,
                minimum=0,
                maximum=_LARGEST_RATE,
            )
            self._set(embedding_learning_rate=rate)

    def _check_loss(self) -> None:
        self._set(temperature=check_temperature(self.temperature))
        check_choice("objective", self.objective, OBJECTIVES)
        if self.objective_options is not None:
            options = _check_mapping("objective_options", self.objective_options)
            self._set(objective_options=options)

    def _check_validation(self) -> None:
        validation = self.validation
        is_function = callable(validation) and not isinstance(validation, type | Encoder)
        if not (validation is None or isinstance(validation, Pairs) or is_function):
            raise ValueError(
                f"validation is {short(validation)}; it must be Pairs, a function of the encoder, "
                "or None"
            )
        if self.watch is not None and (not callable(self.watch) or isinstance(self.watch, type)):
            raise ValueError(
                f"watch is {short(self.watch)}; it must be a function of the encoder and of the "
                "steps so far, or None"
            )
        try:
            find_strategy(self.validation_strategy, "batch")
        except ValueError as error:
            raise ValueError(f"validation_{error}") from None
        for name in (
            "evaluate_every",
            "patience",
            "watch_every",
            "chunk_tokens",
        ):  # these may be None
            if getattr(self, name) is not None:
                self._set(**{name: check_integer(name, getattr(self, name), minimum=1)})
        self._set(log_every=check_integer("log_every", self.log_every, minimum=1))

    def _check_machine(self) -> None:
        check_choice("precision", self.precision, PRECISIONS)
        if self.lora is not None:
            self._set(lora=_check_mapping("lora", self.lora))
        if self.arguments is not None:
            self._set(arguments=check_further_arguments(self.arguments))
        if not (self.label is None or isinstance(self.label, str)):
            raise ValueError(f"label is {short(self.label)}; it must be a text, or None")

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
        every = max(self.steps // 20, 1) if self.evaluate_every is None else self.evaluate_every
        return min(every, self.steps)

    @property
    def validates_by_score(self) -> bool:
        """Is the training validated by a function of the encoder (the higher, the better)?"""
        return callable(self.validation)

    @property
    def progress_label(self) -> str:
        """What progress lines begin with."""
        return self.label or (self.strategy if isinstance(self.strategy, str) else "training")


def _check_mapping(name: str, options: object) -> dict[str, Any]:
    """Checks that options are a mapping of names; which ones there are is known elsewhere."""
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ValueError(f"{name} is {short(options)}; it must be a mapping of options to values")
    return dict(options)
