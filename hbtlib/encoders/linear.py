"""Linear layers in float32 on a CPU with AVX-512 through oneDNN: torch asks MKL, which keeps to AVX2 on AMD's processors
and takes twice the time (tests/benchmarks/training_speed.py). The numbers are as precise, and differ in the last digits.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

_SMALLEST = (
    2**17
)  # weights of a layer: so the small encoder's committed runs stay what they are, bit for bit
_THERE = (
    torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"
)


def product(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """a @ b.T (+ bias), (…, k) and (n, k) → (…, n), float32: the fastest way there is."""
    if a.device.type != "cpu" or not _THERE:
        return torch.nn.functional.linear(a, b, bias)
    return torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(
            x if ctx.needs_input_grad[1] else None, weight if ctx.needs_input_grad[0] else None
        )
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (x, weight), (of_x, of_weight, of_bias) = ctx.saved_tensors, ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            product(gradient, weight.T) if of_x else None,
            product(rows.T, x.reshape(-1, x.shape[-1]).T) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )


class FastLinear(TorchFunctionMode):
    """While it is entered, `torch.nn.functional.linear` of large float32 weights on such a CPU is oneDNN's."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.nn.functional.linear and not kwargs and _pays(*args):
            return _Linear.apply(*args[:2], args[2] if len(args) > 2 else None)
        return func(*args, **(kwargs or {}))


def _pays(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.numel() >= _SMALLEST
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and _THERE
    )
