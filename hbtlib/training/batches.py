"""The batches of a plan as the trainer takes them: their texts fetched and tokenised."""

import copy
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.chunking import Chunks
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.distillation import FirstVectors
from hbtlib.training.false_negatives import answers, negatives_that_answer
from hbtlib.training.objectives import InfoNCE, Inputs
from hbtlib.training.processes import share

EMBEDDED = ("query", "passage", "negative", "extra")
"""What of a batch is embedded, in this order; the last two where there are some."""


class PlanBatches(Dataset):
    """The batches of a plan, tokenised: item t is batch t, whatever was read before.

    So resuming at step t needs none of the batches before it.

    An item has these entries:

    - `ids`: (B,) the ids of the batch.
    - `query`, `passage`, `negative`, `extra`: the tokenised texts, where there are some. Of several
      processes each tokenises its `share` of the texts; all other entries are of the whole batch.
    - `counts`: how many texts there are of each.
    - `same`: (B, B) bool, which passages answer which queries (`answers`).
    - `same_negatives`: (B, M) bool, which hard negatives answer which queries, if there are any.
    - the tensors that the objective asked for (`InfoNCE.extra`).
    - `first`: (2B, d) the first vectors of queries and passages, if there is distillation.

    Args:
        plan: the batch plan.
        steps: the number of batches; None: those of an epoch.
        encoder: what the texts are tokenised for.
        objective: whose further texts are fetched; None: InfoNCE, which needs none.
        chunk_tokens: the size of the chunks, see `Encoder.tokenize`.
        rank: the number of this process.
        processes: how many processes share the texts.
        first: the vectors of the encoder as it was before the training, for distillation.
    """

    def __init__(
        self,
        plan: BatchPlan,
        steps: int | None,
        encoder: Encoder,
        objective: InfoNCE | None = None,
        chunk_tokens: int | None = None,
        rank: int = 0,
        processes: int = 1,
        first: FirstVectors | None = None,
    ) -> None:
        self.plan = plan
        self.steps = steps
        self.encoder = encoder
        self.objective = objective or InfoNCE(1.0, plan.languages, encoder.dimension)
        self.chunk_tokens = chunk_tokens
        self.rank = rank
        self.processes = processes
        self.first = first

    def __len__(self) -> int:
        return self.steps if self.steps is not None else len(self.plan)

    def __getitem__(self, t: int) -> Inputs:
        batch = self.plan[t]
        draw = (self.plan.seed, t)
        pairs = self.plan.pairs[batch.source]
        assert isinstance(pairs, Pairs)
        queries = pairs.texts(batch.ids, batch.query_languages, "query")
        passages = pairs.texts(batch.ids, batch.passage_languages, "passage")
        negatives = pairs.negatives(batch.ids, batch.passage_languages)  # a list for each id
        extra = self.objective.extra(pairs, batch, draw)

        same = answers(pairs, batch, queries, passages)
        inputs: Inputs = {
            "ids": torch.from_numpy(batch.ids),
            "same": torch.from_numpy(same),
            **extra.tensors,
        }
        if self.first is not None:
            inputs["first"] = self.first.of(batch)
        texts = {
            "query": ("query", self.objective.rewrite_queries(queries, batch, draw)),
            "passage": ("passage", passages),
            "negative": ("passage", [text for found in negatives for text in found]),
            "extra": (extra.role, extra.texts),
        }
        for name, (role, found) in texts.items():
            if len(found):
                inputs[name] = self._tokenize_share(found, role)
        inputs["counts"] = {name: len(found) for name, (_, found) in texts.items()}
        if inputs["counts"]["negative"]:
            same_negatives = negatives_that_answer(pairs, batch, same, negatives)
            inputs["same_negatives"] = torch.from_numpy(same_negatives)
        return inputs

    def of_all_processes(self) -> "PlanBatches":
        """The same batches with the texts of all processes, which no one process embeds."""
        whole = copy.copy(self)
        whole.rank, whole.processes = 0, 1
        return whole

    def _tokenize_share(self, texts: Sequence[str], role: str) -> Chunks:
        rows = share(len(texts), self.rank, self.processes)
        return self.encoder.tokenize([texts[i] for i in rows], role, self.chunk_tokens)


def tokens_of(inputs: Inputs) -> dict[str, Chunks]:
    """The tokenised texts of a batch, by their names in `EMBEDDED`."""
    return {name: inputs[name] for name in EMBEDDED if name in inputs}
