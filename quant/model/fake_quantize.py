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

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor


class FakeQuantize(torch.autograd.Function):
    """See the file's opening; `apply(x, scale, low, high)`, scale a tensor of one element or one
    that broadcasts to x.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
        y = (x / scale).round_().clamp_(low, high).mul_(scale)
        ctx.save_for_backward(x, y, scale)  # y is kept anyway, by the layer that reads it
        ctx.bounds = low, high
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        x, y, scale = ctx.saved_tensors
        # One pass where comparing, masking and multiplying would be five, mostly over bytes.
        to_x = torch.ops.aten.hardtanh_backward(grad, x / scale, *rounded_within(*ctx.bounds))
        to_scale = None
        if ctx.needs_input_grad[1]:
            # sum dy (y - x) / s inside and dy y / s beyond, as two products of whole maps
            if scale.numel() == 1:
                total = flat(grad, x).dot(flat(y, x)) - flat(to_x, x).dot(flat(x, x))
            else:
                extra = [d for d in range(x.dim()) if d >= scale.dim() or scale.shape[d] == 1]
                total = (grad * y - to_x * x).sum(extra)
            to_scale = total.view_as(scale) / scale
        return to_x, to_scale, None, None


@cache
def rounded_within(low: int, high: int) -> tuple[float, float]:
    """Between which values, both left out, a float32 rounds to one of low..high, halves to even;
    from 0 on where low is 0, for the ReLU in front of an unsigned quantizer.
    """
    least, most = np.float32(low - 0.5), np.float32(high + 0.5)
    if low % 2 == 0:
        least = np.nextafter(least, np.float32(-np.inf))
    if high % 2 == 0:
        most = np.nextafter(most, np.float32(np.inf))
    return float(least) if low else 0.0, float(most)


def flat(values: Tensor, like: Tensor) -> Tensor:
    """All values in a row, in the order in which `like`, of the same shape, lies in memory."""
    if like.dim() == 4 and not like.is_contiguous():  # channels last
        values = values.permute(0, 2, 3, 1)
    return values.reshape(-1)


def fake_quantize(x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    """Rounds x, of any shape, to the grid {low..high} * scale, with straight-through gradients."""
    return FakeQuantize.apply(x, scale, low, high)
