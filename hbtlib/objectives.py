"""What a batch is trained for: InfoNCE, and the objectives of the methods that mixing batches is compared with.

An objective says which texts of a batch it needs beside its pairs, and gives the loss of their vectors (`losses`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hbtlib import losses
from hbtlib.data.code_switch import code_switch, dictionary_of
from hbtlib.data.pairs import Pairs
from hbtlib.sampler import Batch

Inputs = dict[str, Any]
Codes = NDArray[np.str_]


class InfoNCE(torch.nn.Module):
    """`losses.info_nce` of queries and passages, hard negatives among them; the rivals change or add something.

    languages: those of the training. width: of the vectors.
    """

    hard_negatives = True
    learning_rate: float | None = None  # of the objective's own weights, where it has some

    def __init__(self, temperature: float, languages: Sequence[str] | Codes, width: int) -> None:
        super().__init__()
        self.temperature, self.languages = temperature, np.array(languages)

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Looks once at what is trained on."""

    def queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        """The queries as they are embedded; `draw` seeds what is random in it."""
        return texts

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Inputs:
        """What it needs of a batch besides: tensors by name, and as `more` further texts with their role."""
        return {}

    def forward(self, vectors: dict[str, torch.Tensor], inputs: Inputs, progress: float) -> torch.Tensor:
        """The loss. vectors: by role, query and passage (B, d), negative (M, d), more (m, d). progress: the share of the
        training that is done."""
        return losses.info_nce(vectors["query"], vectors["passage"], self.temperature, same=inputs["same"],
                               negatives=vectors.get("negative"), same_negatives=inputs.get("same_negative"))

    def _further(self, pairs: Pairs, batch: Batch, role: str, n: int, draw: Sequence[int]) -> Inputs:
        """The query or passage of each id in up to n further languages: the texts; row, of which pair; place, 0 to n − 1."""
        mask, taken = ((pairs.query_mask, batch.query_languages) if role == "query" else
                       (pairs.passage_mask, batch.passage_languages))
        codes = np.array([code for code in self.languages if code in pairs.languages])
        bits = np.array([pairs.languages.index(code) for code in codes], mask.dtype)
        there = (mask[batch.ids][:, None] >> bits & 1).astype(bool) & (codes != taken[:, None])  # (B, L)
        order = np.where(there, np.random.default_rng(draw).random(there.shape), 2.0).argsort(1)[:, :n]
        row, place = np.nonzero(np.take_along_axis(there, order, 1))
        if not row.size:
            return {}
        return {"more": (role, pairs.texts(batch.ids[row], codes[order[row, place]], role)),
                "row": torch.from_numpy(row), "place": torch.from_numpy(place)}


class Adversarial(InfoNCE):
    """InfoNCE, and a discriminator that tells the vectors' languages while the encoder learns to hide them.

    The encoder gets the discriminator's gradient times −`weight` · `losses.reversal_strength`. The discriminator has one
    layer of `hidden` units, with ReLU, and a learning rate of its own. Batches should mix languages. See
    `losses.adversarial`.
    """

    def __init__(self, temperature: float, languages: Sequence[str], width: int, weight: float = 0.1, hidden: int = 256,
                 learning_rate: float = 1e-3) -> None:
        super().__init__(temperature, languages, width)
        _weights(weight=weight)
        self.weight, self.learning_rate = weight, learning_rate
        self.discriminator = torch.nn.Sequential(torch.nn.Linear(width, hidden), torch.nn.ReLU(),
                                                 torch.nn.Linear(hidden, len(languages)))

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Inputs:
        codes = np.concatenate([batch.query_languages, batch.passage_languages])
        return {"languages": torch.from_numpy((codes[:, None] == self.languages).argmax(1))}

    def forward(self, vectors: dict[str, torch.Tensor], inputs: Inputs, progress: float) -> torch.Tensor:
        told = losses.adversarial(self.discriminator, torch.cat([vectors["query"], vectors["passage"]]), inputs["languages"],
                                  self.weight * losses.reversal_strength(progress))
        return super().forward(vectors, inputs, progress) + told


class OneToK(InfoNCE):
    """Every query with its passage in `k` languages (as many as there are): see `losses.one_to_k`."""

    hard_negatives = False

    def __init__(self, temperature: float, languages: Sequence[str], width: int, k: int = 3) -> None:
        super().__init__(temperature, languages, width)
        if k < 1:
            raise ValueError(f"k is {k}; it is the number of languages a query meets its passage in, 1 or more")
        self.k = k

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Inputs:
        return self._further(pairs, batch, "passage", self.k - 1, draw)

    def forward(self, vectors: dict[str, torch.Tensor], inputs: Inputs, progress: float) -> torch.Tensor:
        first = vectors["passage"]
        passages, present = first.new_zeros(len(first), self.k, first.shape[1]), first.new_zeros(len(first), self.k).bool()
        places = [(torch.arange(len(first), device=first.device), torch.zeros(len(first), dtype=torch.int64), first)]
        if "more" in vectors:
            places.append((inputs["row"], inputs["place"] + 1, vectors["more"]))
        for row, place, found in places:
            at = (row.to(first.device), place.to(first.device))
            passages, present = passages.index_put(at, found), present.index_put(at, torch.tensor(True, device=first.device))
        return losses.one_to_k(vectors["query"], passages, self.temperature, present=present, same=inputs["same"])


class SemanticLanguage(InfoNCE):
    """InfoNCE, and Hu et al.'s two losses on queries that stand in a second language, with their weights:
    `losses.semantic_contrastive` of the two, `losses.language_contrastive` of the two as every passage sees them."""

    def __init__(self, temperature: float, languages: Sequence[str], width: int, semantic: float = 1.0,
                 language: float = 1.0) -> None:
        super().__init__(temperature, languages, width)
        _weights(semantic=semantic, language=language)
        self.semantic, self.language = semantic, language

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Inputs:
        return self._further(pairs, batch, "query", 1, draw)

    def forward(self, vectors: dict[str, torch.Tensor], inputs: Inputs, progress: float) -> torch.Tensor:
        loss = super().forward(vectors, inputs, progress)
        if "more" not in vectors:
            return loss
        row, same = inputs["row"].to(loss.device), inputs["same"].to(loss.device)
        first, second = vectors["query"][row], vectors["more"]
        alike = losses.semantic_contrastive(first, second, self.temperature, same=same[row][:, row])
        apart = losses.language_contrastive(first, second, vectors["passage"], self.temperature)
        return loss + self.semantic * alike + self.language * apart


class Clear(InfoNCE):
    """English pairs, and the queries in another language that the English passage looks for: see `losses.clear`.

    Made for the strategy `en-en`. Queries that stand in no other language are left out.
    """

    hard_negatives = False

    def __init__(self, temperature: float, languages: Sequence[str], width: int, alpha: float = 0.4, beta: float = 0.2,
                 ) -> None:
        super().__init__(temperature, languages, width)
        losses.clear(*torch.ones(3, 1, 1), alpha=alpha, beta=beta)  # which checks the two
        self.alpha, self.beta = alpha, beta

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int]) -> Inputs:
        return self._further(pairs, batch, "query", 1, draw)

    def forward(self, vectors: dict[str, torch.Tensor], inputs: Inputs, progress: float) -> torch.Tensor:
        if "more" not in vectors:
            return super().forward(vectors, inputs, progress)
        row = inputs["row"].to(vectors["query"].device)
        return losses.clear(vectors["query"][row], vectors["passage"][row], vectors["more"], self.temperature,
                            alpha=self.alpha, beta=self.beta, same=inputs["same"].to(row.device)[row][:, row])


class CodeSwitch(InfoNCE):
    """InfoNCE on queries a `share` of whose words stands in other languages: see `data.code_switch`.

    The dictionaries are made of the queries of the first pairs that have both languages.
    """

    def __init__(self, temperature: float, languages: Sequence[str], width: int, share: float = 0.5) -> None:
        super().__init__(temperature, languages, width)
        code_switch([], "", {}, share)  # which checks it
        self.share = share
        self.dictionaries: dict[tuple[str, str], Any] = {}

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        for source, target in permutations(map(str, self.languages), 2):
            found = next((p for p in pairs if {source, target} <= set(p.query_languages)), None)
            if found is not None:
                self.dictionaries[source, target] = dictionary_of(found, source, target, roles=("query",))

    def queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        return code_switch(texts, batch.query_languages, self.dictionaries, self.share, draw)


def _weights(**weights: float) -> None:
    for name, value in weights.items():
        if not value >= 0:
            raise ValueError(f"{name} is {value}; it is the weight of a loss, 0 or more")


OBJECTIVES: dict[str, type[InfoNCE]] = {
    "info-nce": InfoNCE, "adversarial": Adversarial, "one-to-k": OneToK, "semantic-language": SemanticLanguage,
    "clear": Clear, "code-switch": CodeSwitch}


def objective(name: str, temperature: float, languages: Sequence[str], width: int, options: dict[str, Any] | None = None,
              ) -> InfoNCE:
    """The objective of that name with its options. Raises ValueError for another name, or options that it has not."""
    if name not in OBJECTIVES:
        raise ValueError(f"no objective {name!r}; there are {', '.join(OBJECTIVES)}")
    try:
        return OBJECTIVES[name](temperature, languages, width, **(options or {}))
    except TypeError as error:
        raise ValueError(f"objective {name!r}: {error}") from None
