"""What a batch is trained for: InfoNCE, and the objectives of the methods that mixing batches is compared with. An objective
says which texts of a batch it needs beside its pairs, and gives the loss of their vectors (`losses`).
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any, ClassVar

import numpy as np
import torch

from hbtlib.data.pairs import Pairs
from hbtlib.sampling.plan import Batch
from hbtlib.training import losses
from hbtlib.training.code_switch import code_switch, dictionary_of

Inputs = dict[str, Any]
Options = Mapping[str, float] | None
Vectors = dict[str, torch.Tensor]  # by role: query and passage (B, d), negative (M, d), more (m, d)


class InfoNCE(torch.nn.Module):
    """`losses.info_nce` of queries and passages, hard negatives among them; the rivals change or add something. options: as
    in `defaults`, each 0 or more. languages: those of the training. width: of the vectors. Raises ValueError for an option
    that it has not, or that makes no sense.
    """

    defaults: ClassVar[dict[str, float]] = {}
    hard_negatives = True  # has it a place for them
    translated: str | None = None  # which role's texts it takes in further languages: in `more`

    def __init__(
        self, temperature: float, languages: Sequence[str], width: int, options: Options = None
    ) -> None:
        super().__init__()
        self.temperature, self.languages = temperature, np.array(languages)
        self.options = {**self.defaults, **(options or {})}
        for name, value in self.options.items():
            if name not in self.defaults or not value >= 0:
                known = self.defaults or "no options"
                raise ValueError(
                    f"{name} is {value}: the objective has {known}, numbers of 0 or more"
                )

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        """Looks once at what is trained on."""

    def queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        """The queries as they are embedded; `draw` seeds what is random in it."""
        return texts

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int], n: int = 1) -> Inputs:
        """What it needs of a batch besides: tensors by name, and as `more` the role and further texts. Here, if `translated`
        says so: the query or passage of each id in up to n further languages, drawn among those it stands in; row, of which
        pair; place, 0 to n − 1.
        """
        if self.translated is None:
            return {}
        taken, codes = (
            batch.query_languages if self.translated == "query" else batch.passage_languages,
            self.languages,
        )
        there = np.stack(
            [pairs.stands(batch.ids, str(code), self.translated) for code in codes], 1
        )  # (B, L)
        there &= codes != taken[:, None]
        order = np.where(there, np.random.default_rng(draw).random(there.shape), 2.0).argsort(1)[
            :, :n
        ]
        row, place = np.nonzero(np.take_along_axis(there, order, 1))
        if not row.size:
            return {}
        return {
            "more": (
                self.translated,
                pairs.texts(batch.ids[row], codes[order[row, place]], self.translated),
            ),
            "row": torch.from_numpy(row),
            "place": torch.from_numpy(place),
        }

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        """The loss. progress: the share of the training that is done."""
        return losses.info_nce(
            vectors["query"],
            vectors["passage"],
            self.temperature,
            same=inputs["same"],
            negatives=vectors.get("negative"),
            same_negatives=inputs.get("same_negative"),
        )


class Adversarial(InfoNCE):
    """InfoNCE, and a discriminator that tells the vectors' languages while the encoder learns to hide them. The encoder gets
    the discriminator's gradient times −`weight` · `losses.reversal_strength`. The discriminator has one layer of `hidden`
    units, with ReLU, and a learning rate of its own. Batches should mix languages. See `losses.adversarial`.
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

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int], n: int = 1) -> Inputs:
        codes = np.concatenate([batch.query_languages, batch.passage_languages])
        return {"languages": torch.from_numpy((codes[:, None] == self.languages).argmax(1))}

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        told = losses.adversarial(
            self.discriminator,
            torch.cat([vectors["query"], vectors["passage"]]),
            inputs["languages"],
            self.options["weight"] * losses.reversal_strength(progress),
        )
        return super().forward(vectors, inputs, progress) + told


class OneToK(InfoNCE):
    """Every query with its passage in `k` languages (as many as there are): see `losses.one_to_k`."""

    defaults: ClassVar[dict[str, float]] = {"k": 3}
    hard_negatives = False
    translated = "passage"

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        if self.options["k"] < 1 or self.options["k"] % 1:
            raise ValueError(
                f"k is {self.options['k']}; it is the number of languages a query meets its passage in"
            )

    def more(self, pairs: Pairs, batch: Batch, draw: Sequence[int], n: int = 1) -> Inputs:
        return super().more(pairs, batch, draw, int(self.options["k"]) - 1)

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        first = vectors["passage"]
        passages = first.new_zeros(len(first), int(self.options["k"]), first.shape[1])
        passages[:, 0] = first
        present = passages.new_zeros(passages.shape[:2], dtype=torch.bool)
        present[:, 0] = True
        if "more" in vectors:
            at = (inputs["row"].to(first.device), inputs["place"].to(first.device) + 1)
            passages, present[at] = passages.index_put(at, vectors["more"]), True
        return losses.one_to_k(
            vectors["query"], passages, self.temperature, present=present, same=inputs["same"]
        )


class SemanticLanguage(InfoNCE):
    """InfoNCE, and Hu et al.'s two losses on queries that stand in a second language, with their weights:
    `losses.semantic_contrastive` of the two, `losses.language_contrastive` of the two as every passage sees them.
    """

    defaults: ClassVar[dict[str, float]] = {"semantic": 1.0, "language": 1.0}
    translated = "query"

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        loss = super().forward(vectors, inputs, progress)
        if "more" not in vectors:
            return loss
        first, second, same = _translated(vectors, inputs)
        alike = losses.semantic_contrastive(first, second, self.temperature, same=same)
        apart = losses.language_contrastive(first, second, vectors["passage"], self.temperature)
        return loss + self.options["semantic"] * alike + self.options["language"] * apart


class Clear(InfoNCE):
    """English pairs, and the queries in another language that the English passage looks for: see `losses.clear`. Made for
    the strategy `en-en`. Queries that stand in no other language are left out.
    """

    defaults: ClassVar[dict[str, float]] = {"alpha": 0.4, "beta": 0.2}
    hard_negatives = False
    translated = "query"

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        losses.clear(*torch.ones(3, 1, 1), **self.options)  # which checks the two

    def forward(self, vectors: Vectors, inputs: Inputs, progress: float) -> torch.Tensor:
        if "more" not in vectors:
            return super().forward(vectors, inputs, progress)
        first, second, same = _translated(vectors, inputs)
        passages = vectors["passage"][inputs["row"].to(first.device)]
        return losses.clear(first, passages, second, self.temperature, same=same, **self.options)


class CodeSwitch(InfoNCE):
    """InfoNCE on queries a `share` of whose words stands in other languages: see `data.code_switch`. The dictionaries are
    made of the queries of the first pairs that have some in both languages.
    """

    defaults: ClassVar[dict[str, float]] = {"share": 0.5}

    def prepare(self, pairs: Sequence[Pairs]) -> None:
        code_switch([], "", {}, self.options["share"])  # which checks it
        self.dictionaries: dict[tuple[str, str], Any] = {}
        for source, target in permutations(map(str, self.languages), 2):
            for p in pairs:
                if np.logical_and(
                    *(p.stands(np.arange(len(p)), code, "query") for code in (source, target))
                ).any():
                    self.dictionaries[source, target] = dictionary_of(
                        p, source, target, roles=("query",)
                    )
                    break

    def queries(self, texts: list[str], batch: Batch, draw: Sequence[int]) -> list[str]:
        return code_switch(
            texts, batch.query_languages, self.dictionaries, self.options["share"], draw
        )


def _translated(
    vectors: Vectors, inputs: Inputs
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The queries that stand in a second language, these in it, and who of them answers whom: (m, d), (m, d), (m, m)."""
    queries = vectors["query"]
    row, same = inputs["row"].to(queries.device), inputs["same"].to(queries.device)
    return queries[row], vectors["more"], same[row][:, row]


OBJECTIVES: dict[str, type[InfoNCE]] = {
    "info-nce": InfoNCE,
    "adversarial": Adversarial,
    "one-to-k": OneToK,
    "semantic-language": SemanticLanguage,
    "clear": Clear,
    "code-switch": CodeSwitch,
}
