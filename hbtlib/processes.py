"""One batch in several processes: each embeds its share of the texts, all see all vectors."""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch.distributed.nn.functional import all_gather


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
