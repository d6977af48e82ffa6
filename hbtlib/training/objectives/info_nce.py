"""InfoNCE, and what every other objective inherits from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch

from hbtlib.checks import check_number, check_options
from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses

Inputs = dict[str, Any]
"""One batch as the trainer takes it (see `hbtlib.training.batches.PlanBatches`)."""

Options = Mapping[str, float] | None
"""The options of an objective, by name."""

Vectors = dict[str, torch.Tensor]
"""A batch's vectors by role: query, passage (B, d); if there are some, negative, extra (m, d)."""


@dataclass(frozen=True)
class Extra:
    """What an objective needs of a batch besides its pairs."""

    texts: Sequence[str] = ()  # further texts, whose vectors are called "extra"
    role: str = "passage"  # "query" or "passage": as what these texts are embedded
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)  # joins the batch's inputs


COMMON: dict[str, float] = {"distillation": 0.0}
"""The options that every objective has besides its own, with their default values."""


class InfoNCE(torch.nn.Module):
    """InfoNCE of queries and passages, with hard negatives where the pairs bring some.

    See `hbtlib.training.losses.info_nce`. The other objectives inherit from this class. They have
    options (`defaults`), and they change or add something in `prepare`, `rewrite_queries`, `extra`
    and `forward`.

    One option is common to all: `distillation` is the weight of
    `hbtlib.training.losses.distillation` on the batch's queries and passages, which `train` adds to
    the objective's loss; 0 for none. It holds the encoder near what it was before the training.

    Args:
        temperature: divides the scores (see `losses.check_temperature`).
        languages: the language codes of the training.
        width: the width of the vectors.
        options: of those in `defaults` and `COMMON`, which are to have another value; each is a
            number of 0 or more.

    Attributes:
        options: the objective's own options with their values, as in `defaults`.
        distillation: the weight of the distillation.

    Raises:
        ValueError: for an option that the objective does not have, or a value that it cannot have.
    """

    defaults: ClassVar[dict[str, float]] = {}  # the options with their default values
    hard_negatives: ClassVar[bool] = True  # does the loss have a place for hard negatives?

    def __init__(
        self, temperature: float, languages: Sequence[str], width: int, options: Options = None
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.languages = np.array(languages)
        given = check_options("objective_options", options, [*self.defaults, *COMMON])
        weight = given.pop("distillation", COMMON["distillation"])
        self.distillation = check_number("distillation", weight, minimum=0)
        self.options = {**self.defaults, **given}
        self.check_options()

    def check_options(self) -> None:
        """Checks the options.

        Raises:
            ValueError: for a value that makes no sense.
        """
        for name, value in self.options.items():
            check_number(name, value, minimum=0)

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Looks once at the pairs that are trained on, before the training."""

    def rewrite_queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        """The queries as they are embedded.

        Args:
            texts: the batch's queries.
            batch: the batch of the plan.
            draw: seeds what is random in it, another one for each batch.
        """
        return texts

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """What the loss needs of a batch besides its queries and passages.

        Args:
            pairs: the pairs that the batch's ids are of.
            batch: the batch of the plan.
            draw: seeds what is random in it, another one for each batch.
        """
        return Extra()

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """The loss of a batch.

        Args:
            vectors: the batch's vectors by role.
            inputs: the batch as `PlanBatches` gives it.
            progress: the share of the training that is done, 0 to 1.

        Returns:
            A scalar.
        """
        return losses.info_nce(
            vectors["query"],
            vectors["passage"],
            self.temperature,
            same=inputs["same"],
            negatives=vectors.get("negative"),
            same_negatives=inputs.get("same_negatives"),
        )
