"""Dropout as this library computes it: torch's formula, its share, its gradients, its seeds."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from hbtlib.encoders import dropout
from hbtlib.encoders.dropout import FastDropout
from hbtlib.encoders.encoder import Encoder
from hbtlib.encoders.small import small_encoder, train_tokenizer


def random(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(math.prod(shape))
    return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.37, 0.9])
def test_it_drops_the_share_p_and_keeps_the_expectation(p: float, dtype: torch.dtype) -> None:
    x = torch.ones(300, 1001, dtype=dtype, requires_grad=True)
    with FastDropout():
        dropped = F.dropout(x, p)
    kept = dropped != 0
    assert kept.double().mean().item() == pytest.approx(1 - p, abs=4 / math.sqrt(x.numel()))
    rounding = 1e-2 if dtype == torch.bfloat16 else 1e-4  # p in 16 bits, and the dtype's
    torch.testing.assert_close(dropped, kept / (1 - p), rtol=rounding, atol=0, check_dtype=False)
    assert dropped.dtype == dtype
    dropped.backward(torch.full_like(x, 2.0))
    assert x.grad is not None
    torch.testing.assert_close(x.grad, 2 * dropped.detach())


def test_entries_are_dropped_independently() -> None:
    """Neighbours, whose bits come from one word of the generator, are as any others."""
    with FastDropout():
        kept = (F.dropout(torch.ones(200_000), 0.5) != 0).double() * 2 - 1
    for distance in (1, 2, 3, 4, 5, 8):
        assert abs((kept[distance:] * kept[:-distance]).mean().item()) < 4 / math.sqrt(len(kept))


def test_seeds_repeat_and_differ() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        with FastDropout():
            return F.dropout(torch.ones(7, 11), 0.5)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("training", [True, False])
def test_what_drops_nothing_or_all_is_torch_s(p: float, training: bool) -> None:
    x = random(3, 4)
    with FastDropout():
        ours = F.dropout(x, p, training)
    assert torch.equal(ours, F.dropout(x, p, training))


@pytest.mark.parametrize("kind", ["none", "boolean", "added"])
def test_attention_is_the_formula_s_with_its_gradients(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask of dropout is replaced by one that is known, in both."""
    p = 0.25
    kept = (torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(4)) > p).byte()
    monkeypatch.setattr(dropout, "_kept", lambda shape, p: kept)
    shown = torch.tensor([[True] * 5, [True, True, True, False, False]])[:, None, None, :]
    mask = {"none": None, "boolean": shown, "added": torch.where(shown, 0.5, -torch.inf).double()}
    inputs = [random(2, 3, 5, 4) for _ in range(3)]
    inputs = [(x.detach() * (i + 1)).requires_grad_() for i, x in enumerate(inputs)]
    with FastDropout():
        ours = F.scaled_dot_product_attention(*inputs, attn_mask=mask[kind], dropout_p=p)
    query, key, value = inputs
    scores = query @ key.transpose(2, 3) / math.sqrt(4)
    if kind != "none":
        scores = scores.masked_fill(~shown, -torch.inf)
    weights = scores.softmax(-1) * kept / (1 - p)
    expected = weights @ value
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)
    weight = random(2, 3, 5, 4).detach()
    ours_gradients = torch.autograd.grad((ours * weight).sum(), inputs)
    gradients = torch.autograd.grad((expected * weight).sum(), inputs)
    for one, other in zip(ours_gradients, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-5)  # in float32 inside


def test_a_text_without_tokens_gives_finite_numbers() -> None:
    query, key, value = (random(1, 2, 4, 8, dtype=torch.float32) for _ in range(3))
    nothing = torch.zeros(1, 1, 1, 4, dtype=torch.bool)
    with FastDropout():
        found = F.scaled_dot_product_attention(query, key, value, nothing, dropout_p=0.1)
    assert found.isfinite().all()


@pytest.mark.parametrize("options", [{"is_causal": True}, {"scale": 0.3}, {"dropout_p": 0.0}])
def test_other_attention_is_torch_s_where_it_has_to_be(options: dict[str, float]) -> None:
    """A causal mask and no dropout go to torch; a scale of one's own is used."""
    query, key, value = (random(1, 2, 4, 8) for _ in range(3))
    asked = {"dropout_p": 1e-4, **options}  # so little that no entry is dropped
    torch.manual_seed(0)
    with FastDropout():
        ours = F.scaled_dot_product_attention(query, key, value, **asked)
    plain = F.scaled_dot_product_attention(query, key, value, **{**asked, "dropout_p": 0.0})
    torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-3)


def test_an_encoder_in_training_uses_it_and_one_that_embeds_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ["some words", "other words that are more"]
    encoder: Encoder = small_encoder(train_tokenizer(texts, 60), width=32, heads=2, dropout=0.3)
    calls: list[torch.Size] = []
    usual = dropout._kept

    def counting(shape: torch.Size, p: float) -> torch.Tensor:
        calls.append(shape)
        return usual(shape, p)

    monkeypatch.setattr(dropout, "_kept", counting)
    tokens = encoder.to("cpu").tokenize(texts, "query")
    encoder.eval()(tokens)
    assert not calls
    torch.manual_seed(0)
    vectors = [encoder.train()(tokens, cached=cached) for cached in (False, False)]
    assert not torch.equal(*vectors)
    layers = encoder.model.config.num_hidden_layers
    in_attention = [shape for shape in calls if len(shape) == 4]
    assert len(in_attention) == 2 * layers


def test_a_chunk_that_is_computed_once_more_drops_the_same() -> None:
    texts = ["some words", "other words that are more"]
    gradients = []
    for cached in (False, True):
        encoder = small_encoder(train_tokenizer(texts, 60), width=32, heads=2, dropout=0.3)
        tokens = encoder.to("cpu").train().tokenize(texts, "query")
        torch.manual_seed(3)
        (encoder(tokens, cached=cached) * torch.arange(32.0)).sum().backward()
        gradients.append(encoder.model.get_input_embeddings().weight.grad)
    torch.testing.assert_close(*gradients)
