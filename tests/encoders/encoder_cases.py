"""Texts for the tests' tiny encoder, and the gradients of a small loss of their vectors."""

from __future__ import annotations

import torch

from hbtlib.encoders.encoder import Encoder

# In the vocabulary of the tiny encoder, of several lengths; two are equal.
TEXTS = ["question 1 in aa", "passage", "in in in in bb 3 4 5 question", "cc", "question 1 in aa"]
# So different in length that they make several chunks.
LENGTHS = [f"passage {i} " * (i + 1) for i in range(9)]


def learnt(encoder: Encoder, cached: bool = False) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The vectors of LENGTHS, and the gradients of every weight that has one."""
    encoder.zero_grad()
    torch.manual_seed(3)
    vectors = encoder(encoder.tokenize(LENGTHS, "passage", 30), cached=cached)
    (vectors @ vectors.T).exp().mean().backward()
    return vectors.detach(), {
        name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None
    }
