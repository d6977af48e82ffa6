"""InfoNCE over in-batch negatives."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy


def info_nce(queries: torch.Tensor, passages: torch.Tensor, temperature: float = 0.05, *,
             same: torch.Tensor | None = None, negatives: torch.Tensor | None = None,
             same_negatives: torch.Tensor | None = None) -> torch.Tensor:
    """Mean over the batch of −log( e^(s(qᵢ,pᵢ)/τ) / Σⱼ e^(s(qᵢ,pⱼ)/τ) ), s the dot product of unit vectors.

    queries, passages: (B, d); row i of one belongs to row i of the other, the other rows are its negatives.
    same: (B, B) bool, True at (i, j) where passage j also answers query i (a duplicate or a translation) and so is
    left out of the sum; the diagonal counts whatever stands there. negatives: (M, d) hard negatives, seen by every
    query, left out where `same_negatives` (B, M) says so. Returns a scalar.

    Source: van den Oord et al. 2018, eq. 4; arXiv 2408.10536, eq. 1, whose text has the in-batch negatives that the
    formula leaves out, and which prints no temperature. Raises ValueError for a temperature not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0 (0.05 is usual)")
    scores = queries @ passages.T / temperature  # (B, B)
    if same is not None:
        off_diagonal = ~torch.eye(len(queries), dtype=torch.bool, device=scores.device)
        scores = scores.masked_fill(same.to(scores.device) & off_diagonal, -torch.inf)
    if negatives is not None and len(negatives):
        more = queries @ negatives.T / temperature  # (B, M)
        if same_negatives is not None:
            more = more.masked_fill(same_negatives.to(more.device), -torch.inf)
        scores = torch.cat([scores, more], dim=1)
    return cross_entropy(scores, torch.arange(len(queries), device=scores.device))
