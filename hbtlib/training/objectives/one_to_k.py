"""Every query with its passage in several languages at once."""

from collections.abc import Sequence
from typing import ClassVar

import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses
from hbtlib.training.objectives.info_nce import Extra, InfoNCE, Inputs, Options, Vectors
from hbtlib.training.objectives.translations import draw_translations


class OneToK(InfoNCE):
    """Every query meets its passage in `k` languages, or in as many as it exists in.

    See `hbtlib.training.losses.one_to_k`. A `k` that is given must not be more than the languages
    that the pairs have passages in; the default is 3, or as many as there are.
    """

    defaults: ClassVar[dict[str, float]] = {"k": 3}
    hard_negatives: ClassVar[bool] = False

    def __init__(
        self, temperature: float, languages: Sequence[str], width: int, options: Options = None
    ) -> None:
        super().__init__(temperature, languages, width, options)
        self._k_is_given = "k" in (options or {})

    def check_options(self) -> None:
        """Checks that k is a whole number from 1 up."""
        super().check_options()
        k = self.options["k"]
        if k < 1 or k % 1:
            raise ValueError(
                f"k is {k}; it is the number of languages a query meets its passage in, "
                "a whole number from 1 up"
            )

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Checks that there are passages in k languages of the training."""
        available = {code for each in pairs for code in each.passage_languages}
        languages = [code for code in map(str, self.languages) if code in available]
        if self._k_is_given and self.options["k"] > len(languages):
            raise ValueError(
                f"k is {self.options['k']}, but the pairs have passages in {len(languages)} "
                f"languages of the training ({' '.join(languages)}): give a k of at most "
                f"{len(languages)}"
            )

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """The passages in up to k − 1 further languages."""
        further = int(self.options["k"]) - 1
        return draw_translations(pairs, batch, "passage", self.languages, draw, further)

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """The loss of the queries and of all translations of their passages."""
        drawn = vectors["passage"]  # (B, d), in the language of the batch
        passages = drawn.new_zeros(len(drawn), int(self.options["k"]), drawn.shape[1])  # (B, K, d)
        passages[:, 0] = drawn
        present = passages.new_zeros(passages.shape[:2], dtype=torch.bool)  # (B, K)
        present[:, 0] = True
        if "extra" in vectors:
            row, place = inputs["row"].to(drawn.device), inputs["place"].to(drawn.device)
            passages = passages.index_put((row, place + 1), vectors["extra"])
            present[row, place + 1] = True
        return losses.one_to_k(
            vectors["query"], passages, self.temperature, present=present, same=inputs["same"]
        )
