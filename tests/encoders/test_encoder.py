"""The encoder: order, company and chunks of texts do not matter; prompts and precision do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoder_cases import TEXTS

from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.parts import Settings


def test_embed_keeps_the_order_and_needs_no_company(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    together = encoder.embed(TEXTS, "query")
    alone = np.concatenate([encoder.embed([text], "query") for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert together.dtype == np.float32
    assert np.array_equal(together[0], together[4])
    assert encoder.embed([], "query").shape == (0, 32)


def test_chunks_hold_every_text_within_the_budget(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    whole = encoder(encoder.tokenize(TEXTS, "passage", chunk_tokens=10_000))
    for budget in (1, 12, 30):
        tokens = encoder.tokenize(TEXTS, "passage", chunk_tokens=budget)
        assert sum(len(c["input_ids"]) for c in tokens["chunks"]) == len(TEXTS)
        assert all(
            c["input_ids"].numel() <= budget or len(c["input_ids"]) == 1 for c in tokens["chunks"]
        )
        torch.testing.assert_close(encoder(tokens), whole, atol=1e-6, rtol=0)


def test_roles_differ_by_their_prefix_alone(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    assert not np.allclose(
        encoder.embed(TEXTS, "query"), encoder.embed(TEXTS, "passage"), atol=1e-3
    )
    plain = Encoder(
        encoder.model,
        encoder.tokenizer,
        encoder.settings._replace(query_prefix="", passage_prefix=""),
    )
    prefixed = plain.embed(["Query: " + text for text in TEXTS])
    np.testing.assert_array_equal(prefixed, encoder.embed(TEXTS, "query"))
    with pytest.raises(ValueError, match="role is 'document'"):
        encoder.embed(TEXTS, "document")


def test_options_reach_the_model(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    tiny_encoder_factory().save(tmp_path)
    eager, sdpa = (
        Encoder.load(tmp_path, device="cpu", attn_implementation=kind) for kind in ("eager", "sdpa")
    )
    assert (eager.model.config._attn_implementation, sdpa.model.config._attn_implementation) == (
        "eager",
        "sdpa",
    )
    np.testing.assert_allclose(eager.embed(TEXTS), sdpa.embed(TEXTS), atol=1e-6)
    with pytest.raises(ValueError, match="nonsense"):
        Encoder.load(tmp_path, device="cpu", attn_implementation="nonsense")


def test_refuses_what_cannot_be(tiny_encoder_factory: Any, tmp_path: Path) -> None:
    base = tiny_encoder_factory()
    with pytest.raises(ValueError, match="pooling is 'max'; it is one of mean, cls, lasttoken"):
        Encoder(base.model, base.tokenizer, Settings(pooling="max"))
    with pytest.raises(OSError, match="nowhere"):
        Encoder.load(tmp_path / "nowhere")


def test_precision_changes_vectors_a_little(tiny_encoder_factory: Any) -> None:
    encoder = tiny_encoder_factory()
    exact, half = (
        encoder.embed(["question 3 in aa", "passage 4"], "query", precision=p)
        for p in ("fp32", "bf16")
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(exact - half).max() < 0.05
    with pytest.raises(ValueError, match="precision is 'int8'; it is one of fp32, bf16, fp16"):
        encoder.embed(["a"], "query", precision="int8")
