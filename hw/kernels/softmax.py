"""Softmax in integers: table of exp, exact row sums, one rounded division. Independent of the
order of the keys.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def exp_table(scale: float, out_scale: float, span: int, high: int) -> NDArray[np.int64]:
    """(span + 1,): code of exp(-d * scale) for d = 0..span, rounded half to even, at most `high`.
    """
    value = np.exp(-np.arange(span + 1) * float(scale)) / float(out_scale)
    return np.clip(np.rint(value), 0, high).astype(np.int64)


def exp_rows(s: Tensor, table: Tensor) -> Tensor:
    """s (...,M,L) score codes -> table[max of the row - s], in s's type."""
    distance = s.amax(dim=-1, keepdim=True) - s
    return table[distance.to(torch.int64)].to(s.dtype)


def row_sum(e: Tensor) -> Tensor:
    """e (...,M,L) -> (...,M,1) sums; exact in float32 for L up to EXACT / 255 = 65,793 keys."""
    return e.sum(dim=-1, keepdim=True)


def divide(total: Tensor, weight: Tensor, low: int, high: int) -> Tensor:
    """clip(round(N / D)), halves to even, for integers N = total, D = weight > 0. Returns
    weight's type.

    In integers: q = floor((2 N + D) / (2 D)), less 1 where the remainder is 0 and q odd. Halves
    are no rarity, since keys that share a weight average to them, so they round as in the trained
    quantizer. In float64 the same: quotients are multiples of 1 / D, so one that is no half lies
    at least 1 / (2 D) from it, far beyond the rounding of a division while D < 2^24 and |N| <
    2^31.
    """
    if weight.is_floating_point():
        return (total.double() / weight).round_().clamp_(low, high).to(weight.dtype)
    doubled = 2 * total + weight
    quotient = torch.div(doubled, 2 * weight, rounding_mode="floor")
    half = doubled == quotient * 2 * weight
    quotient -= (half & (quotient % 2 != 0)).to(quotient.dtype)
    return quotient.clamp_(low, high)
