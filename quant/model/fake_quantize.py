"""Fake quantization in one pass forward and one backward, equal to Brevitas' own.

Brevitas composes a quantizer of some ten operators, each a pass over the map and a node of
autograd; in a W4A4 step they take most of the time. This is the same function and the same
straight-through gradient (Bengio et al. 2013; of the scale as in LSQ, Esser et al. 2020, without
its gradient scale):

    y  = clip(round(x / s), low, high) * s
    dx = dy                       where round(x / s) lies in [low, high], else 0
    ds = sum dy * (y - x) / s     there, sum dy * (low or high) beyond
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class FakeQuantize(torch.autograd.Function):
    """See the file's opening; `apply(x, scale, low, high)`, scale a tensor of one element or one
    that broadcasts to x.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
        ctx.save_for_backward(x, scale)
        ctx.bounds = low, high
        return (x / scale).round_().clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, scale = ctx.saved_tensors
        low, high = ctx.bounds
        v = x / scale
        code = v.round()
        inside = (code >= low) & (code <= high)
        if low == 0:
            inside &= v > 0  # the ReLU in front of an unsigned quantizer
        to_x = grad * inside if ctx.needs_input_grad[0] else None
        to_scale = None
        if ctx.needs_input_grad[1]:
            error = code.clamp_(low, high).sub_(v.mul_(inside)).mul_(grad)
            extra = [d for d in range(x.dim()) if d >= scale.dim() or scale.shape[d] == 1]
            to_scale = error.sum(extra).view_as(scale) if scale.dim() else error.sum()
        return to_x, to_scale, None, None


def fake_quantize(x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    """Rounds x, of any shape, to the grid {low..high} * scale, with straight-through gradients."""
    return FakeQuantize.apply(x, scale, low, high)
