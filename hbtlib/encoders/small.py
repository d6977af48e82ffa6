"""The small encoder: it comes from a fixed seed, so that no machine needs a download."""

from typing import Any

from transformers import PreTrainedTokenizerFast

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.small_parts import small_parts, worldfacts_parts
from hbtlib.encoders.small_tokenizer import train_tokenizer

__all__ = ["small_encoder", "train_tokenizer", "worldfacts_encoder"]


def small_encoder(tokenizer: PreTrainedTokenizerFast, **options: Any) -> Encoder:
    """Makes a small encoder with random weights, the same for the same seed.

    Args:
        tokenizer: its tokenizer, for instance from `train_tokenizer`.
        options: seed, width, layers, heads, dropout and embedding_std, as in
            `hbtlib.encoders.small_parts.small_transformer`.

    Returns:
        The encoder, on the CPU, not in training mode.
    """
    return Encoder.from_parts(small_parts(tokenizer, **options)).eval()


def worldfacts_encoder(**options: Any) -> Encoder:
    """The default study's encoder, as `Encoder.load("small")` gives it, but on the CPU.

    Args:
        options: as for `small_encoder`.

    Returns:
        The encoder, not in training mode.
    """
    return Encoder.from_parts(worldfacts_parts(**options)).eval()
