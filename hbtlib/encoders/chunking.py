"""Chunks: tokenised texts of like length, so that little is padded and memory is bounded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

# "chunks": a list of {"input_ids": (b, T), "attention_mask": (b, T)}. "place": (n,) the row of each
# text, if the rows of all chunks are counted through.
Chunks = dict[str, Any]

# By default a chunk holds at most this many tokens on a GPU, padding included.
GPU_TOKENS = 16_384

# On a CPU small chunks are best: little is padded, and a chunk's states stay in the cache. A chunk
# of MiniLM (width 384) holds 512 tokens. Narrower encoders get more tokens, because each chunk has
# a fixed cost, and wider ones not fewer.
_CPU_TOKENS = 512
_CPU_NUMBERS = 512 * 384  # tokens × width


def default_chunk_tokens(device: str, width: int) -> int:
    """Returns how many tokens a chunk holds if nothing else is asked for.

    Args:
        device: The type of the device: `cpu`, `cuda`, ….
        width: The size of a token's state.

    Returns:
        The number of tokens, padding included.
    """
    if device != "cpu":
        return GPU_TOKENS
    return max(_CPU_TOKENS, _CPU_NUMBERS // width)


def make_chunks(
    token_ids: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerBase, chunk_tokens: int
) -> Chunks:
    """Puts tokenised texts into chunks, the longest texts first.

    Args:
        token_ids: the token ids of each of n texts.
        tokenizer: pads the texts of a chunk to the same length.
        chunk_tokens: a chunk holds at most this many tokens, padding included, but always one text.

    Returns:
        The chunks, and the place of each text in them.
    """
    order = np.argsort([-len(ids) for ids in token_ids], kind="stable")  # longest first
    chunks = []
    start = 0
    while start < len(order):
        longest = max(len(token_ids[order[start]]), 1)
        end = start + max(chunk_tokens // longest, 1)
        rows = [token_ids[i] for i in order[start:end]]
        chunks.append(dict(tokenizer.pad({"input_ids": rows}, return_tensors="pt")))
        start = end
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return {"chunks": chunks, "place": torch.from_numpy(place)}
