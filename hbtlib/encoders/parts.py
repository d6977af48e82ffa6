"""What an encoder is made of, as it is read from a folder or brought by a package."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Settings(NamedTuple):
    """What turns a transformer's token states into a vector, beside its weights.

    Attributes:
        pooling: how the token states become one vector: `mean`, `cls` (the first token's state) or
            `lasttoken`.
        normalize: whether vectors are scaled to unit length, so that dot products are cosines.
        query_prefix: the prompt before every query.
        passage_prefix: the prompt before every passage.
        max_length: how many tokens of a text are read, special tokens and prompt included.
    """

    pooling: str = "mean"
    normalize: bool = True
    query_prefix: str = "Query: "
    passage_prefix: str = "Passage: "
    max_length: int = 256


@dataclass(frozen=True)
class EncoderParts:
    """The parts that an `Encoder` is put together from.

    Attributes:
        model: the transformer.
        tokenizer: its tokenizer.
        settings: pooling, normalisation, prompts and length.
        layers: dense layers between pooling and normalisation, as sentence-transformers has them.
        assumed_prompts: those of `query_prefix` and `passage_prefix` in `settings` that nothing
            stored with the model confirms.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: Settings
    layers: tuple[torch.nn.Module, ...] = ()
    assumed_prompts: tuple[str, ...] = ()
