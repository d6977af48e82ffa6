"""Gradient caching: a batch of any size in the memory of one chunk (GradCache, Gao et al. 2021, arXiv 2101.06983)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch.utils.checkpoint import get_device_states, set_device_states

from hbtlib.encoder import Chunks

Chunk = dict[str, torch.Tensor]  # input_ids and attention_mask, (b, T) each
Vectors = dict[str, torch.Tensor]  # by role, (n, d)
LossOf = Callable[[Vectors], torch.Tensor]


def cached_step(model: torch.nn.Module, tokens: dict[str, Chunks], loss_of: LossOf,
                accelerator: Accelerator) -> torch.Tensor:
    """The loss of a batch; its gradients are added to the parameters', with the graph of one chunk in memory at a time.

    tokens: by role, n texts in chunks; `loss_of` is given their vectors by role, (n, d) each, in the texts' order. The
    loss depends on the parameters θ through the vectors v alone, so that ∂L/∂θ = Σ over chunks of ∂L/∂v · ∂v/∂θ: the
    gradients of one graph through all chunks, to rounding, with dropout too. It costs a second forward pass. Returns the
    loss without a graph.
    """
    chunks = [chunk for part in tokens.values() for chunk in part["chunks"]]
    vectors, states = forward_no_grad(model, chunks)
    loss, gradients = build_cache(vectors, tokens, loss_of)
    forward_backward(model, chunks, gradients, states, accelerator)
    return loss


class RandomState(NamedTuple):
    """Where the random numbers of the CPU and of a chunk's device stand."""

    cpu: torch.Tensor
    devices: list[int]
    on_devices: list[torch.Tensor]

    @classmethod
    def before(cls, chunk: Chunk) -> RandomState:
        return cls(torch.get_rng_state(), *get_device_states(chunk["input_ids"]))

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Puts the state back, so that dropout falls as it did; afterwards all is as if nothing had been drawn."""
        with torch.random.fork_rng(self.devices):
            torch.set_rng_state(self.cpu)
            set_device_states(self.devices, self.on_devices)
            yield


def forward_no_grad(model: torch.nn.Module, chunks: Sequence[Chunk]) -> tuple[list[torch.Tensor], list[RandomState]]:
    """Each chunk's vectors (b, d) without a graph, and the random state before each."""
    vectors, states = [], []
    with torch.no_grad():
        for chunk in chunks:
            states.append(RandomState.before(chunk))
            vectors.append(model(**chunk))
    return vectors, states


def build_cache(vectors: Sequence[torch.Tensor], tokens: dict[str, Chunks], loss_of: LossOf,
                ) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """The loss of all vectors, and its gradient at each chunk's, (b, d) each."""
    leaves = [chunk.detach().requires_grad_() for chunk in vectors]
    rest = iter(leaves)
    whole = {role: torch.cat(list(islice(rest, len(part["chunks"]))))[part["place"]] for role, part in tokens.items()}
    loss = loss_of(whole)
    return loss.detach(), torch.autograd.grad(loss, leaves)


def forward_backward(model: torch.nn.Module, chunks: Sequence[Chunk], gradients: Sequence[torch.Tensor],
                     states: Sequence[RandomState], accelerator: Accelerator) -> None:
    """Each chunk once more, with a graph, through which its vectors' gradients go on to the parameters."""
    for i, (chunk, gradient, state) in enumerate(zip(chunks, gradients, states, strict=True)):
        # Several processes add up their gradients once a batch: at their last chunks.
        waiting: Any = accelerator.no_sync(model) if i + 1 < len(chunks) else nullcontext()
        with state.replayed(), waiting:
            accelerator.backward((model(**chunk) * gradient).sum())
