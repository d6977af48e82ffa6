"""Dropout in training on a CPU, in less time and memory than torch's.

torch's mask takes most of dropout's time there, and the factor of 4 bytes that it keeps of each
entry for the gradient its memory. With dropout in the attention, its general kernel besides makes
copies that this one does not. Here 16 random bits decide for each entry, and one byte is kept. The
mask comes from torch's own generator, so that seeds, checkpoints and recomputed chunks mean what
they do in torch, but the same seed drops other entries.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from hbtlib.encoders.linear import FastLinear

_LEVELS = 2**16  # of the 16 random bits of an entry


class FastDropout(FastLinear):
    """While entered, dropout and attention with dropout are computed as this module does.

    Linear layers are those of `FastLinear`: one mode that is entered costs less than two.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Replaces calls of the two functions where this is faster, and passes all others on."""
        kwargs = kwargs or {}
        if func is torch.nn.functional.dropout and _can_drop(*args, **kwargs):
            return _drop(*args, **kwargs)
        is_attention = func is torch.nn.functional.scaled_dot_product_attention
        if is_attention and _can_attend(*args, **kwargs):
            return _attend(*args, **kwargs)
        return super().__torch_function__(func, types, args, kwargs)


def _is_here(x: torch.Tensor, p: float) -> bool:
    """Is something dropped, on a CPU, by torch's usual steps?"""
    dropped = _dropped_levels(p)
    return x.device.type == "cpu" and 0 < dropped < _LEVELS and not torch.compiler.is_compiling()


def _can_drop(
    x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> bool:
    return training and not inplace and x.is_floating_point() and _is_here(x, p)


def _drop(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    return _Dropout.apply(x, p)


def _can_attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> bool:
    has_bias = attn_mask is not None and attn_mask.requires_grad  # whose gradient is not taken here
    same_heads = query.shape[:2] == key.shape[:2] == value.shape[:2]
    is_usual = query.ndim == 4 and same_heads and not is_causal and not has_bias
    return dropout_p > 0 and is_usual and _is_here(query, dropout_p)


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    return _Attention.apply(query * factor, key, value, attn_mask, dropout_p)


def _dropped_levels(p: float) -> int:
    """How many of the 16 bits' values mean that an entry is dropped."""
    return round(p * _LEVELS)


def _kept(shape: torch.Size, p: float) -> torch.Tensor:
    """Draws which entries are kept: uint8, 1 or 0."""
    n = shape.numel()
    words = torch.empty(-(-n // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = words.view(torch.int16)[:n].view(shape)
    return (bits >= _dropped_levels(p) - _LEVELS // 2).view(torch.uint8)


def _keep(x: torch.Tensor, kept: torch.Tensor, p: float) -> torch.Tensor:
    """The entries that are kept, scaled so that the expectation is x; zeros elsewhere."""
    return (x * kept).mul_(_LEVELS / (_LEVELS - _dropped_levels(p)))


class _Dropout(torch.autograd.Function):
    """Dropout of any tensor."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float) -> torch.Tensor:
        kept = _kept(x.shape, p)
        ctx.save_for_backward(kept)
        ctx.p = p
        return _keep(x, kept, p)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        return _keep(gradient, kept, ctx.p), None


class _Attention(torch.autograd.Function):
    """softmax(query · keyᵀ + mask), with dropout, · value; the query is scaled before.

    All are (b, h, T, e); the mask broadcasts to (b, h, T, T), and is boolean (True: is attended to)
    or is added.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        p: float,
    ) -> torch.Tensor:
        scores = query @ key.transpose(2, 3)  # (b, h, T, T)
        if mask is not None and mask.dtype == torch.bool:
            # The lowest number, not −∞: a text without tokens would give NaN.
            scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
        elif mask is not None:
            scores += mask
        weights = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
        kept = _kept(weights.shape, p)
        ctx.save_for_backward(query, key, value, weights, kept)
        ctx.p = p
        return _keep(weights, kept, p) @ value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, weights, kept = ctx.saved_tensors
        of_value = _keep(weights, kept, ctx.p).transpose(2, 3) @ gradient
        of_weights = _keep(gradient @ value.transpose(2, 3), kept, ctx.p)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = of_scores @ key
        of_key = of_scores.transpose(2, 3) @ query
        return of_query, of_key, of_value, None, None
