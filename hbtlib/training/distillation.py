"""The vectors that the encoder gave before its training, which distillation holds it near to.

The batches of a plan are known before the training, and so are their texts. So each text is
embedded once, by the encoder before its first step, and not in every step by a copy that would have
to be kept in memory.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hbtlib.data.pairs import Pairs
from hbtlib.encoders.encoder import Encoder
from hbtlib.sampling.batch import Batch
from hbtlib.sampling.plan import BatchPlan
from hbtlib.training.processes import gather, share

ROLES = ("query", "passage")


class FirstVectors:
    """The first vectors of the queries and passages of a plan's batches.

    Memory is 4 · (d + 2) bytes for each different text. Queries are those of the pairs, whatever an
    objective makes of them: code-switched ones are held near the original's vector.

    Args:
        plan: the batches.
        steps: how many of them are trained on.
        embed: gives the vectors of texts and a role, (n, d) float32.

    Attributes:
        keys: (n,) what stands for each text, ascending: its source, role, language and id.
        vectors: (n, d) float32, in this order.
    """

    def __init__(
        self,
        plan: BatchPlan,
        steps: int,
        embed: Callable[[list[str], str], NDArray[np.float32]],
    ) -> None:
        self._codes = np.array(sorted({code for pairs in plan.pairs for code in pairs.languages}))
        self._most_ids = max(len(pairs) for pairs in plan.pairs)
        self.keys = np.unique(np.concatenate([self._keys_of(plan[t]) for t in range(steps)]))
        source_and_role = self.keys // (self._most_ids * len(self._codes))
        found = []
        for group in np.unique(source_and_role):  # ascending, as the keys are
            source, role = divmod(int(group), len(ROLES))
            pairs = plan.pairs[source]
            assert isinstance(pairs, Pairs)
            keys = self.keys[source_and_role == group]
            languages = self._codes[keys // self._most_ids % len(self._codes)]
            texts = pairs.texts(keys % self._most_ids, languages, ROLES[role])
            found.append(embed(texts, ROLES[role]))
        self.vectors = np.concatenate(found)

    def of(self, batch: Batch) -> torch.Tensor:
        """The first vectors of a batch's queries, then of its passages, (2B, d)."""
        return torch.from_numpy(self.vectors[np.searchsorted(self.keys, self._keys_of(batch))])

    def _keys_of(self, batch: Batch) -> NDArray[np.int64]:
        """One number for each query of a batch, then for each passage, (2B,)."""
        keys = []
        for role, languages in enumerate((batch.query_languages, batch.passage_languages)):
            group = batch.source * len(ROLES) + role
            language = np.searchsorted(self._codes, languages)
            keys.append((group * len(self._codes) + language) * self._most_ids + batch.ids)
        return np.concatenate(keys)


def first_vectors(
    plan: BatchPlan, steps: int, encoder: Encoder, precision: str, rank: int, processes: int
) -> FirstVectors:
    """Embeds the queries and passages of a plan's batches by an encoder that is not yet trained.

    Args:
        plan: the batches.
        steps: how many of them are trained on.
        encoder: the encoder before the training.
        precision: of the embedding, as `Encoder.embed` takes it.
        rank: the number of this process.
        processes: how many processes share the texts.
    """

    def embed(texts: list[str], role: str) -> NDArray[np.float32]:
        rows = share(len(texts), rank, processes)
        own = torch.from_numpy(encoder.embed([texts[i] for i in rows], role, precision=precision))
        return gather(own.to(encoder.device), len(texts)).cpu().numpy()

    found = FirstVectors(plan, steps, embed)
    if rank == 0:
        print(
            f"distillation: the encoder as it is has embedded the {len(found.keys):,} texts of "
            f"{steps:,} batches",
            flush=True,
        )
    return found
