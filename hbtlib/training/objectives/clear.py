"""CLEAR: English passages as the bridge from English queries to queries in other languages."""

from collections.abc import Sequence
from typing import ClassVar

import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses
from hbtlib.training.objectives.info_nce import Extra, InfoNCE, Inputs, Vectors
from hbtlib.training.objectives.translations import draw_translations, translated_queries


class Clear(InfoNCE):
    """English pairs, and the queries in another language that the English passage looks for.

    See `hbtlib.training.losses.clear` with its weights `alpha` and `beta`. It is made for the
    strategy `en-en`. Queries that exist in no other language are left out.
    """

    defaults: ClassVar[dict[str, float]] = {"alpha": 0.4, "beta": 0.2}
    hard_negatives: ClassVar[bool] = False

    def check_options(self) -> None:
        """Checks that the two weights sum to 1 at most."""
        super().check_options()
        losses.check_clear_weights(**self.options)

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """The queries in another language."""
        return draw_translations(pairs, batch, "query", self.languages, draw)

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """CLEAR's loss, or InfoNCE if no query exists in another language."""
        if "extra" not in vectors:
            return super().forward(vectors, inputs, progress)
        row, queries, translations, same = translated_queries(vectors, inputs)
        passages = vectors["passage"][row]
        return losses.clear(
            queries, passages, translations, self.temperature, same=same, **self.options
        )
