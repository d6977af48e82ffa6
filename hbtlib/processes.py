"""One batch in several processes: each embeds its share of the texts, all see all vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray


def share(n: int, rank: int, processes: int) -> NDArray[np.int64]:
    """Which of n texts process `rank` embeds: ⌈n / processes⌉ in each, the last text again where they do not go round."""
    each = -(-n // processes)
    return np.minimum(np.arange(rank * each, (rank + 1) * each), n - 1)


def gather(own: torch.Tensor, n: int) -> torch.Tensor:
    """The vectors of each process's `share`, (⌈n / processes⌉, d), → all of them in the texts' order, (n, d)."""
    if not (dist.is_available() and dist.is_initialized()):
        return own
    return _Gather.apply(own)[:n]


class _Gather(torch.autograd.Function):
    """All processes' rows, one process after the other; backward, a process's own rows alone, and nothing is sent.

    Each process computes the whole loss from all vectors, so it has the whole gradient of its own; the gradient of the
    parameters is the sum over processes, where DistributedDataParallel takes the mean: hence times their number.
    """

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        ctx.rows = len(own)
        everyone = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(everyone, own.contiguous())
        return torch.cat(everyone)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        first = dist.get_rank() * ctx.rows
        return gradient[first:first + ctx.rows] * dist.get_world_size()
