"""A tiny translation model with random weights: it knows no language, and needs no download."""

from __future__ import annotations

from typing import Any

import torch

from hbtlib.data.sets.belebele import VARIANTS

CODES = VARIANTS
"""NLLB's codes of the languages of `hbtlib.languages.TWENTY`: those of FLORES, as Belebele's."""

_LETTERS = "▁abcdefghijklmnopqrstuvwxyz.?"
_LENGTH = 20  # characters, about


def random_model(seed: int = 0) -> tuple[Any, Any]:
    """Makes a model of NLLB's kind, the same for the same seed.

    Its tokens are the letters a to z, so what it makes for languages in other scripts is dropped.

    Args:
        seed: the seed of the weights; torch's own random state is left as it is.

    Returns:
        The model (`M2M100ForConditionalGeneration`) and its tokenizer (`NllbTokenizer`).
    """
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    tokens = ["<s>", "<pad>", "</s>", "<unk>", *_LETTERS]
    tokenizer = NllbTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[],
        extra_special_tokens=list(CODES.values()),
        model_max_length=1024,
    )
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=1024,
        init_std=1.0,  # so that what it makes depends on what it reads
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = M2M100ForConditionalGeneration(config)
    # Nothing has taught it to come to an end: from some length on, the end becomes likelier.
    model.generation_config.exponential_decay_length_penalty = (_LENGTH, 1.5)
    return model, tokenizer
