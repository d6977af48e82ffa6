"""The loss of `hbt.train` as a loss of sentence-transformers."""

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import all_gather_with_grad, cos_sim
from torch import Tensor
from torch.nn.functional import cross_entropy

from hbtlib.training.losses import check_temperature


class PlanLoss(MultipleNegativesRankingLoss):
    """InfoNCE that leaves out the passages which answer a query too, as `hbt.train` does.

    sentence-transformers' own `MultipleNegativesRankingLoss` has no such mask: a passage that a
    batch holds twice, or a translation of the query's own passage, is a negative there. Here the
    column `label` of `plan_dataset` says which are left out. With data that have no labels the two
    losses are the same.

    Several processes that share a batch (`plan_arguments`) put their vectors together, so that each
    query meets all passages of its batch.

    Args:
        model: what is trained.
        temperature: divides the scores, from 0.001 to 100, as in `hbt.train`.
        similarity_fct: the scores of queries and passages; cosines by default, which for an encoder
            with vectors of unit length are the dot products of `hbt.train`.

    Raises:
        ValueError: if the temperature is out of bounds.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        temperature: float = 0.05,
        similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim,
    ) -> None:
        scale = 1 / check_temperature(temperature)
        super().__init__(model, scale=scale, similarity_fct=similarity_fct)

    def compute_loss_from_embeddings(
        self, embeddings: list[Tensor], labels: Tensor | None
    ) -> Tensor:
        """Computes the loss of the vectors of one batch, or of this process' share of it.

        Args:
            embeddings: the vectors of queries, passages and each column of hard negatives, (b, d).
            labels: (b, B + n B) which passages and hard negatives of the batch answer which query;
                None for data that have none.

        Returns:
            The loss, a scalar.

        Raises:
            ValueError: if the processes' shares are not one batch of the plan.
        """
        if labels is None:
            return super().compute_loss_from_embeddings(embeddings, labels)
        queries, *candidates = embeddings
        several = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        rank, processes = (dist.get_rank(), dist.get_world_size()) if several else (0, 1)
        _check_whole(labels, candidates, processes)  # before processes wait for each other
        if several:
            candidates = [all_gather_with_grad(own) for own in candidates]
        first = rank * len(queries)  # the place of this process' first query in the batch
        scores = self.similarity_fct(queries, torch.cat(candidates)) * self.scale  # (b, B + n B)
        own = torch.arange(first, first + len(queries), device=scores.device)
        left_out = labels.to(scores.device).bool().scatter(1, own[:, None], False)
        return cross_entropy(scores.masked_fill(left_out, -torch.inf), own)

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card says of the loss."""
        return {"temperature": self.temperature, "similarity_fct": self.similarity_fct.__name__}


def _check_whole(labels: Tensor, candidates: list[Tensor], processes: int) -> None:
    """Raises ValueError unless the labels are of the candidates of all processes together."""
    columns = labels.shape[1] if labels.ndim == 2 else 0
    if columns == processes * sum(map(len, candidates)):
        return
    raise ValueError(
        f"the batch of {processes} processes has {processes * len(candidates[0])} passages, but "
        f"its labels are of {columns // len(candidates)}: each step must see one batch of the "
        "plan, so make the rows by plan_dataset, and give the training arguments "
        "**plan_arguments(plan, model), whose split_batches lets processes share a batch"
    )
