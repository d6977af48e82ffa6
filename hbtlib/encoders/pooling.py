"""Pooling: from the states of a text's tokens to one vector."""

from typing import NamedTuple

import torch


class Pooling(NamedTuple):
    """A way of pooling.

    Attributes:
        flag: what sentence-transformers calls it in its configuration.
        description: what the model card says.
    """

    flag: str
    description: str


POOLINGS = {
    "mean": Pooling("pooling_mode_mean_tokens", "mean of the token states"),
    "cls": Pooling("pooling_mode_cls_token", "first token's state"),
    "lasttoken": Pooling("pooling_mode_lasttoken", "last token's state"),
}


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pools the token states of each text, whichever side is padded.

    Args:
        states: (B, T, d) the token states.
        mask: (B, T) 1 for a real token, 0 for padding.
        pooling: `mean` for the mean over the real tokens, `cls` for the first real token's state,
            `lasttoken` for the last real token's.

    Returns:
        (B, d) a vector for each text.

    Example:
        >>> import torch
        >>> from hbtlib.encoders.pooling import pool
        >>> states = torch.tensor([[[1.0], [3.0], [9.0]]])
        >>> mask = torch.tensor([[1, 1, 0]])
        >>> [pool(states, mask, name).item() for name in ("mean", "cls", "lasttoken")]
        [2.0, 1.0, 3.0]
    """
    if pooling == "mean":
        weights = mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    if pooling == "lasttoken":
        positions = torch.arange(mask.shape[1], device=mask.device)
        position = (mask * (positions + 1)).argmax(1)  # (B,) the largest one that is not masked
    else:
        position = mask.to(torch.int32).argmax(1)  # (B,) the first 1
    return states[torch.arange(len(states), device=states.device), position]
