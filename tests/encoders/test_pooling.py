"""Pooling against plain numpy, and against a decoder's own states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoder_cases import TEXTS

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings
from hbtlib.encoders.pooling import pool


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_pooling_equals_numpy_whichever_side_is_padded(pooling: str, side: str) -> None:
    rng = np.random.default_rng(0)
    states, lengths = rng.standard_normal((4, 6, 3)), [1, 6, 3, 4]
    mask = np.zeros((4, 6), int)
    expected = []
    for i, n in enumerate(lengths):
        real = slice(0, n) if side == "right" else slice(6 - n, 6)
        mask[i, real] = 1
        rows = states[i, real]
        expected.append({"mean": rows.mean(0), "cls": rows[0], "lasttoken": rows[-1]}[pooling])
    ours = pool(torch.from_numpy(states), torch.from_numpy(mask), pooling)
    np.testing.assert_allclose(ours.numpy(), np.stack(expected), atol=1e-12)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])  # relative positions, absolute ones
def test_a_decoder_s_last_token_whichever_side_its_tokenizer_pads(
    tiny_encoder_factory: Any, tmp_path: Path, architecture: str, side: str
) -> None:
    import transformers
    from sentence_transformers import SentenceTransformer

    tokenizer = tiny_encoder_factory().tokenizer
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{architecture}Model")(config)
    tokenizer.padding_side = side
    encoder = Encoder(model, tokenizer, Settings(pooling="lasttoken")).eval()
    alone = np.concatenate([encoder.embed([text], "query") for text in TEXTS])
    np.testing.assert_allclose(encoder.embed(TEXTS, "query"), alone, atol=1e-6)
    by_hand = (
        model(**tokenizer("Query: " + TEXTS[2], return_tensors="pt"))
        .last_hidden_state[0, -1]
        .detach()
        .numpy()
    )
    np.testing.assert_allclose(alone[2], by_hand / np.linalg.norm(by_hand), atol=1e-6)
    encoder.save(tmp_path)
    peer = SentenceTransformer(str(tmp_path), device="cpu")
    np.testing.assert_allclose(peer.encode(TEXTS, prompt_name="query"), alone, atol=1e-6)
