"""One lookup of all token embeddings gives the vectors and gradients of one for each chunk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from encoder_cases import LENGTHS, learnt

from hbtlib.encoders import encoder as encoder_module


def learnt_chunk_by_chunk(encoder: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The vectors and gradients where each chunk looks up its own tokens."""
    with monkeypatch.context() as patch:
        patch.setattr(encoder_module, "one_lookup", lambda model, chunks: nullcontext())
        return learnt(encoder)


def test_one_lookup_of_all_chunks_gives_the_gradients_of_one_each(
    tiny_encoder_factory: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = tiny_encoder_factory(dropout=0.2).train()
    words = encoder.model.get_input_embeddings()
    handed: list[int] = []  # one entry for each gradient of a lookup that the loss depends on
    before: Callable[..., Any] = torch.nn.functional.embedding

    def noted(ids: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        out = before(ids, *args, **options)
        if args[0] is words.weight:
            out.register_hook(lambda gradient: handed.append(len(gradient)))
        return out

    monkeypatch.setattr(torch.nn.functional, "embedding", noted)
    vectors, gradients = learnt_chunk_by_chunk(encoder, monkeypatch)
    chunks = len(handed)
    assert chunks > 2
    handed.clear()
    again, of_one = learnt(encoder)
    assert len(handed) == 1
    assert torch.equal(again, vectors)
    for name in gradients:
        torch.testing.assert_close(of_one[name], gradients[name], atol=1e-7, rtol=1e-5, msg=name)
    handed.clear()
    learnt(encoder, cached=True)
    assert len(handed) == chunks  # one chunk's graph at a time: no tensor of all tokens
    assert not words._forward_hooks


def test_a_model_that_looks_its_words_up_twice_gets_the_same(
    tiny_encoder_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_encoder_factory().train()
    words = encoder.model.get_input_embeddings()
    run = encoder.model.forward

    def twice(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        words(torch.zeros_like(input_ids))  # not the texts' ids: they are looked up as usual
        words(input_ids)
        return run(input_ids=input_ids, attention_mask=attention_mask)

    monkeypatch.setattr(encoder.model, "forward", twice)
    vectors, gradients = learnt_chunk_by_chunk(encoder, monkeypatch)
    again, of_one = learnt(encoder)
    assert torch.equal(again, vectors)
    for name in gradients:
        torch.testing.assert_close(of_one[name], gradients[name], atol=1e-7, rtol=1e-5, msg=name)


def test_a_model_without_a_table_of_words_learns_too(
    tiny_encoder_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_encoder_factory().train()

    def none() -> Any:
        raise NotImplementedError

    monkeypatch.setattr(encoder.model, "get_input_embeddings", none)
    assert encoder.embed(LENGTHS).shape == (9, 32)
    assert learnt(encoder)[1]
