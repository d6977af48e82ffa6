"""InfoNCE with a language discriminator that the encoder learns to deceive."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses
from hbtlib.training.objectives.info_nce import Extra, InfoNCE, Inputs, Options, Vectors


class Adversarial(InfoNCE):
    """InfoNCE, and a discriminator of languages that the encoder learns to deceive.

    See `hbtlib.training.losses.adversarial`. The encoder gets the discriminator's gradient times
    −`weight` · `losses.reversal_strength(progress)`. The discriminator has one layer of `hidden`
    units with ReLU, and a `learning_rate` of its own. Batches should mix languages.
    """

    defaults: ClassVar[dict[str, float]] = {"weight": 0.1, "hidden": 256, "learning_rate": 1e-3}

    def __init__(
        self, temperature: float, languages: Sequence[str], width: int, options: Options = None
    ) -> None:
        super().__init__(temperature, languages, width, options)
        hidden = int(self.options["hidden"])
        self.discriminator = torch.nn.Sequential(
            torch.nn.Linear(width, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, len(languages))
        )

    def check_options(self) -> None:
        """Checks that the discriminator has one unit at least, and a whole number of them."""
        super().check_options()
        if self.options["hidden"] < 1 or self.options["hidden"] % 1:
            raise ValueError(
                f"hidden is {self.options['hidden']}; it is the number of the discriminator's "
                "units, a whole number from 1 up"
            )

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """The numbers of the languages of all queries, then of all passages: `languages`, (2B,)."""
        codes = np.concatenate([batch.query_languages, batch.passage_languages])
        numbers = (codes[:, None] == self.languages).argmax(1)
        return Extra(tensors={"languages": torch.from_numpy(numbers)})

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """InfoNCE and the discriminator's loss."""
        discriminated = losses.adversarial(
            self.discriminator,
            torch.cat([vectors["query"], vectors["passage"]]),
            inputs["languages"],
            self.options["weight"] * losses.reversal_strength(progress),
        )
        return super().forward(vectors, inputs, progress) + discriminated
