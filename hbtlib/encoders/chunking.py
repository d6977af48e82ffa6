"""Chunks: tokenised texts of like length, so that little is padded and memory is bounded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

# "chunks": a list of {"input_ids": (b, T), "attention_mask": (b, T)}. "place": (n,) the row of each
# text, if the rows of all chunks are counted through.
Chunks = dict[str, Any]

# By default a chunk holds at most this many tokens, padding included. On a CPU small chunks cost
# nothing.
CPU_TOKENS = 512
GPU_TOKENS = 16_384


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
