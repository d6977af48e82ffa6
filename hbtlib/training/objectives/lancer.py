"""InfoNCE with LANCER's penalty: no entry of a vector may be correlated with a language."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.batch import Batch
from hbtlib.training import losses
from hbtlib.training.objectives.info_nce import Extra, InfoNCE, Inputs, Vectors
from hbtlib.training.objectives.translations import draw_languages


class Lancer(InfoNCE):
    """InfoNCE, and `weight` times the correlation of vectors with their languages.

    See `hbtlib.training.losses.language_correlation`. LANCER trains on English pairs (the strategy
    `en-en`), and penalises further texts, of general corpora in all languages. Here these are
    passages of the batch's ids, `texts` for each id, each in a language drawn from those that the
    passage exists in. So the penalty works with any strategy.

    With `texts` 0 no text is added, and the batch's own queries and passages are penalised: this
    says something in batches that mix languages, and nothing in a batch of one.
    """

    defaults: ClassVar[dict[str, float]] = {"weight": 1.0, "texts": 1}

    def check_options(self) -> None:
        """Checks that the number of further texts is a whole one."""
        super().check_options()
        texts = self.options["texts"]
        if texts % 1:
            raise ValueError(
                f"texts is {texts}; it is the number of further passages for each pair of the "
                "batch, a whole number from 0 up"
            )

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Checks that there are texts in two languages of the training."""
        available = {code for each in pairs for code in each.passage_languages}
        if not self.options["texts"]:
            available |= {code for each in pairs for code in each.query_languages}
        found = [code for code in map(str, self.languages) if code in available]
        if len(found) < 2:
            raise ValueError(
                f"the objective lancer penalises what tells languages apart, and the texts it "
                f"would see are in {' '.join(found) or 'none'} alone: train on two languages at "
                "least"
            )

    def extra(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Extra:
        """The further passages, and the number of each penalised text's language: `languages`."""
        n = int(self.options["texts"])
        if not n:
            codes = np.concatenate([batch.query_languages, batch.passage_languages])
            numbers = (codes[:, None] == self.languages).argmax(1)
            return Extra(tensors={"languages": torch.from_numpy(numbers)})
        exists = [pairs.stands(batch.ids, str(code), "passage") for code in self.languages]
        row, language = draw_languages(np.stack(exists, 1), draw, n)
        if not row.size:
            return Extra()
        texts = pairs.texts(batch.ids[row], self.languages[language], "passage")
        return Extra(texts, "passage", {"languages": torch.from_numpy(language)})

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """InfoNCE and, if the batch has texts for it, the penalty."""
        loss = super().forward(vectors, inputs, progress)
        if "languages" not in inputs:
            return loss
        penalised = vectors["extra"] if self.options["texts"] else _of_the_pairs(vectors)
        penalty = losses.language_correlation(penalised, inputs["languages"], len(self.languages))
        return loss + self.options["weight"] * penalty


def _of_the_pairs(vectors: Vectors) -> torch.Tensor:
    """The vectors of all queries, then of all passages, (2B, d)."""
    return torch.cat([vectors["query"], vectors["passage"]])
