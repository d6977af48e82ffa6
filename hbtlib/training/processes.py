"""Several processes that train as one: which texts each embeds, and all vectors put together."""

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch.distributed.nn.functional import all_gather


def share(n: int, rank: int, processes: int) -> NDArray[np.int64]:
    """The texts that a process embeds.

    Every process gets the same number of texts, ⌈n / processes⌉; where they do not go round, the
    last text is embedded again.

    Args:
        n: the number of texts.
        rank: the number of the process, from 0.
        processes: how many there are.

    Returns:
        The rows of its texts, (⌈n / processes⌉,).
    """
    each = -(-n // processes)  # ⌈n / processes⌉
    return np.minimum(np.arange(rank * each, (rank + 1) * each), n - 1)


def gather(own: torch.Tensor, n: int) -> torch.Tensor:
    """Puts the vectors of every process's `share` together.

    Each process takes the whole loss of all vectors. Their gradients are summed over the processes,
    and those of the parameters are then averaged (DistributedDataParallel): so they are the
    gradients that one process would have.

    Args:
        own: (⌈n / processes⌉, d) the vectors of this process.
        n: the number of texts.

    Returns:
        All vectors in the order of the texts, (n, d).
    """
    if not (dist.is_available() and dist.is_initialized()):
        return own
    return torch.cat(all_gather(own.contiguous()))[:n]
