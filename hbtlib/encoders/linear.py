"""Linear layers in float32 through oneDNN, on a CPU with AVX-512.

torch asks MKL for these products. On AMD's processors MKL keeps to AVX2 and takes twice the time
(tests/benchmarks/training_speed.py). The numbers are as precise, and differ in their last digits.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

_CPU_HAS_IT = (
    torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"
)


def product(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Computes a · bᵀ (+ bias) in the fastest way there is.

    Args:
        a: (…, k) float32.
        b: (n, k) float32.
        bias: (n,) float32, or None.

    Returns:
        (…, n) float32.
    """
    if a.device.type != "cpu" or not _CPU_HAS_IT:
        return torch.nn.functional.linear(a, b, bias)
    return torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")


class FastLinear(TorchFunctionMode):
    """While entered, `torch.nn.functional.linear` of float32 weights is oneDNN's."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Replaces calls of `linear` where this is faster, and passes all others on."""
        if func is torch.nn.functional.linear and not kwargs and _is_faster(*args):
            x, weight, *bias = args
            return _Linear.apply(x, weight, bias[0] if bias else None)
        return func(*args, **(kwargs or {}))


def _is_faster(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> bool:
    return (
        weight.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and _CPU_HAS_IT
    )


class _Linear(torch.autograd.Function):
    """x · weightᵀ + bias, with `product` in both directions."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        x_needs, weight_needs, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if weight_needs else None, weight if x_needs else None)
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        x_needs, weight_needs, bias_needs = ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])  # (all tokens, n)
        of_x, of_weight, of_bias = None, None, None
        if x_needs:
            of_x = product(gradient, weight.T)
        if weight_needs:
            of_weight = product(rows.T, x.reshape(-1, x.shape[-1]).T)
        if bias_needs:
            of_bias = rows.sum(0)
        return of_x, of_weight, of_bias
