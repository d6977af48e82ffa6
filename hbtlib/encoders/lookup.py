"""One lookup of the token embeddings for all chunks of a training step.

The problem: the gradient of an embedding lookup is a tensor as large as the whole table, mostly
zeros. For XLM-R base that is 250,002 × 768 numbers, or 768 MB. A step that encodes its texts in ten
chunks looks up ten times, so that ten such gradients are made and added up.

The remedy: the embeddings of all tokens of all chunks are looked up once, before the first chunk
is encoded, and each chunk gets its slice of the result. Then there is one gradient of the table.

How: while the chunks are encoded, the embedding module has a forward hook. When the model asks for
the embeddings of a chunk's ids, the hook returns the chunk's slice in place of the module's own
output. That output is still computed, but nothing depends on it, so it gets no gradient. The hook
recognises a chunk's ids by their address in memory. A model that asks for other ids gets the
module's own output.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch


@contextmanager
def one_lookup(model: torch.nn.Module, chunks: Sequence[dict[str, torch.Tensor]]) -> Iterator[None]:
    """While entered, the model gets its chunks' token embeddings from one lookup of all of them.

    Nothing changes if no gradient is taken of the table of embeddings.

    Args:
        model: a transformer.
        chunks: what it will be given, each with `input_ids`, (b, T); they must stay in memory.

    Yields:
        Nothing.
    """
    embeddings = _trained_embeddings(model)
    if embeddings is None:
        yield
        return
    slices = _look_up(embeddings, [chunk["input_ids"] for chunk in chunks])

    def give_slice(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> Any:
        found = slices.get(inputs[0].data_ptr())
        return None if found is None else found.view_as(output)

    hook = embeddings.register_forward_hook(give_slice)
    try:
        yield
    finally:
        hook.remove()


def _trained_embeddings(model: Any) -> Any:
    """The model's token embeddings, if their gradient will be taken; else None."""
    embeddings = None
    with suppress(NotImplementedError):  # some models have no table of tokens
        embeddings = model.get_input_embeddings()
    weight = getattr(embeddings, "weight", None)
    if weight is None:
        return None
    return embeddings if torch.is_grad_enabled() and weight.requires_grad else None


def _look_up(embeddings: Any, input_ids: Sequence[torch.Tensor]) -> dict[int, torch.Tensor]:
    """Looks up the embeddings of all tokens at once.

    Args:
        embeddings: the table's module.
        input_ids: the token ids of each chunk, (b, T).

    Returns:
        For each chunk, by the address of its ids in memory: its embeddings, (b · T, d).
    """
    tokens = torch.cat([ids.ravel() for ids in input_ids])
    slices = embeddings(tokens).split([ids.numel() for ids in input_ids])
    addresses = [ids.data_ptr() for ids in input_ids]
    return dict(zip(addresses, slices, strict=True))
