"""The batches of a plan as a trainer takes them: texts fetched and tokenised, who answers whom, shared among processes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch.distributed.nn.functional import all_gather
from torch.utils.data import Dataset

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Chunks, Encoder
from hbtlib.sampling.plan import Batch, BatchPlan
from hbtlib.training.objectives import InfoNCE, Inputs

ROLES = (
    "query",
    "passage",
    "negative",
    "more",
)  # what of a batch is embedded; the last two where there are some


class PlanBatches(Dataset):
    """The batches of a plan, tokenised: item t is batch t, so that going on at step t needs none of those before. Its
    length is `steps`, or an epoch. objective: whose further texts it fetches. chunk_tokens: see `Encoder.tokenize`. Of
    several processes each tokenises its `share` of the texts; who answers whom, and `counts`, are of the whole batch.
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
    ) -> None:
        self.plan, self.steps, self.encoder, self.chunk_tokens = plan, steps, encoder, chunk_tokens
        self.objective = objective or InfoNCE(1.0, plan.languages, encoder.dimension)
        self.rank, self.processes = rank, processes

    def __len__(self) -> int:
        return self.steps if self.steps is not None else len(self.plan)

    def __getitem__(self, t: int) -> Inputs:
        batch, draw = self.plan[t], (self.plan.seed, t)
        pairs = self.plan.pairs[batch.source]
        assert isinstance(pairs, Pairs)
        queries = pairs.texts(batch.ids, batch.query_languages, "query")
        passages = pairs.texts(batch.ids, batch.passage_languages, "passage")
        of_each = pairs.negatives(batch.ids, batch.passage_languages)
        negatives = [text for found in of_each for text in found]
        inputs = {
            "ids": torch.from_numpy(batch.ids),
            "same": torch.from_numpy(answers(pairs, batch, queries, passages)),
            **self.objective.more(pairs, batch, draw),
        }
        role, more = inputs.pop("more", ("passage", []))
        texts = {
            "query": ("query", self.objective.queries(queries, batch, draw)),
            "passage": ("passage", passages),
            "negative": ("passage", negatives),
            "more": (role, more),
        }
        inputs |= {
            name: self._tokens(found, role) for name, (role, found) in texts.items() if found
        }
        inputs["counts"] = {name: len(found) for name, (_, found) in texts.items()}
        if negatives:
            codes = np.repeat(batch.passage_languages, [len(found) for found in of_each])
            found = _passages(pairs, batch.ids, np.array(negatives, dtype=object), codes)
            inputs["same_negative"] = torch.from_numpy(
                inputs["same"].numpy().astype(np.int64) @ found > 0
            )
        return inputs

    def _tokens(self, texts: Sequence[str], role: str) -> Chunks:
        rows = share(len(texts), self.rank, self.processes)
        return self.encoder.tokenize([texts[i] for i in rows], role, self.chunk_tokens)


def tokens_of(inputs: Inputs) -> dict[str, Chunks]:
    """The tokenised texts of a batch by role."""
    return {role: inputs[role] for role in ROLES if role in inputs}


def answers(
    pairs: Pairs, batch: Batch, queries: Sequence[str], passages: Sequence[str]
) -> np.ndarray:
    """(B, B) bool: does passage j answer query i, because the two ids share a question or a passage, by key or text."""
    same = np.zeros((len(batch), len(batch)), bool)
    for role, texts in (("query", queries), ("passage", passages)):
        for values in (pairs.keys(batch.ids, role), pd.factorize(np.array(texts, dtype=object))[0]):
            same |= values[:, None] == values
    return same


def _passages(
    pairs: Pairs, ids: NDArray[np.int64], negatives: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """(B, M) bool: is negative j, in its language, the passage of id i, whatever language that is met in?"""
    found = np.zeros((len(ids), len(negatives)), bool)
    for code in map(str, np.unique(codes)):
        there = np.flatnonzero(pairs.stands(ids, code, "passage"))
        texts = np.array(pairs.texts(ids[there], code, "passage"), dtype=object)
        found[there] |= (texts[:, None] == negatives) & (codes == code)
    return found


def share(n: int, rank: int, processes: int) -> NDArray[np.int64]:
    """Which of n texts process `rank` embeds: ⌈n / processes⌉ in each, the last text again where they do not go round."""
    each = -(-n // processes)
    return np.minimum(np.arange(rank * each, (rank + 1) * each), n - 1)


def gather(own: torch.Tensor, n: int) -> torch.Tensor:
    """The vectors of each process's `share`, (⌈n / processes⌉, d), → all of them in the texts' order, (n, d).

    Each process takes the whole loss of all vectors. Their gradients are summed over the processes, and those of the
    parameters are then averaged (DistributedDataParallel): so they are those of one process.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return own
    return torch.cat(all_gather(own.contiguous()))[:n]
