"""InfoNCE with two losses on queries in two languages: of meaning, and of language."""

from collections.abc import Sequence
from typing import ClassVar

import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses
from hbtlib.training.objectives.info_nce import Extra, InfoNCE, Inputs, Vectors
from hbtlib.training.objectives.translations import draw_translations, translated_queries


class SemanticLanguage(InfoNCE):
    """InfoNCE, and the two losses of Hu et al. on the queries that exist in a second language.

    With the weight `semantic`, `hbtlib.training.losses.semantic_contrastive` of the queries in the
    two languages; with the weight `language`, `hbtlib.training.losses.language_contrastive` of the
    two as every passage sees them.
    """

    defaults: ClassVar[dict[str, float]] = {"semantic": 1.0, "language": 1.0}

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """The queries in a second language."""
        return draw_translations(pairs, batch, "query", self.languages, draw)

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """InfoNCE and, if any query exists in a second language, the two losses."""
        loss = super().forward(vectors, inputs, progress)
        if "extra" not in vectors:
            return loss
        _, first, second, same = translated_queries(vectors, inputs)
        semantic = losses.semantic_contrastive(first, second, self.temperature, same=same)
        language = losses.language_contrastive(first, second, vectors["passage"], self.temperature)
        return loss + self.options["semantic"] * semantic + self.options["language"] * language
