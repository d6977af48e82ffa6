"""Linear layers through oneDNN: the vectors and gradients of torch's own, and where it is used."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from encoder_cases import learnt

from hbtlib.encoders import linear
from hbtlib.encoders.linear import FastLinear, product

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The fast path, on any CPU: the shapes of the weights it was given."""
    shapes: list[torch.Size] = []

    def noted(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        shapes.append(b.shape)
        return product(a, b, bias)

    monkeypatch.setattr(linear, "_CPU_HAS_IT", True)
    monkeypatch.setattr(linear, "product", noted)
    return shapes


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 24), (2, 5, 24)])
def test_a_layer_and_its_gradients_are_torch_s(
    bias: bool, shape: tuple[int, ...], taken: list[torch.Size]
) -> None:
    layer, x = torch.nn.Linear(24, 40, bias), torch.randn(shape, requires_grad=True)
    found = []
    for mode in (FastLinear, torch.enable_grad):
        with mode():
            out = layer(x)
        found.append((out, *torch.autograd.grad((out**2).sum(), [x, *layer.parameters()])))
    assert len(taken) == 3  # forward, and the two products of the gradients
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("cached", [False, True])
def test_an_encoder_learns_the_same(
    tiny_encoder_factory: Any,
    monkeypatch: pytest.MonkeyPatch,
    taken: list[torch.Size],
    cached: bool,
) -> None:
    encoder = tiny_encoder_factory(dropout=0.2).train()
    vectors, gradients = learnt(encoder, cached)
    assert taken
    monkeypatch.setattr(linear, "_is_faster", lambda *_: False)
    plain_vectors, plain = learnt(encoder)
    torch.testing.assert_close(vectors, plain_vectors, atol=1e-6, rtol=0)
    for name in plain:
        torch.testing.assert_close(gradients[name], plain[name], atol=1e-6, rtol=1e-4, msg=name)


@pytest.mark.parametrize("cached", [False, True])
def test_activations_computed_a_second_time_are_those_of_the_first(
    tiny_encoder_factory: Any,
    monkeypatch: pytest.MonkeyPatch,
    taken: list[torch.Size],
    cached: bool,
) -> None:
    """The model computes its layers once more outside of FastLinear.

    What is kept for the gradients has to be the same both times. Dropout is torch's own then.
    """
    monkeypatch.setattr("hbtlib.encoders.dropout._is_here", lambda *_: False)
    encoder = tiny_encoder_factory(dropout=0.2).train()
    _, plain = learnt(encoder)
    encoder.activation_checkpointing_enable()
    _, twice = learnt(encoder, cached)
    for name in plain:
        torch.testing.assert_close(twice[name], plain[name], atol=1e-6, rtol=1e-4, msg=name)


def test_no_gradient_is_taken_that_is_not_asked_for(taken: list[torch.Size]) -> None:
    layer = torch.nn.Linear(24, 40).requires_grad_(False)
    layer.bias.requires_grad_(True)
    with FastLinear():
        layer(torch.randn(3, 24)).sum().backward()
    assert layer.weight.grad is None
    assert len(taken) == 1
    torch.testing.assert_close(layer.bias.grad, torch.full((40,), 3.0))


@pytest.mark.parametrize("where", ["double precision", "autocast", "another CPU"])
def test_elsewhere_the_layer_is_torch_s_own(
    where: str, taken: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = torch.nn.Linear(24, 40), torch.randn(3, 24)
    if where == "double precision":
        layer, x = layer.double(), x.double()
    elif where == "another CPU":
        monkeypatch.setattr(linear, "_CPU_HAS_IT", False)
    with FastLinear(), torch.autocast("cpu", enabled=where == "autocast"):
        assert layer(x).dtype == (torch.bfloat16 if where == "autocast" else x.dtype)
    assert not taken
