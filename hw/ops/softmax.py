"""Softmax in integers: table of exp, exact row sums, one rounded division. Independent of the
order of the keys.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def exp_table(scale: float, out_scale: float, span: int, high: int) -> NDArray[np.int64]:
    """Returns (span + 1,): code of exp(-d * scale), d = 0..span, halves to even, at most `high`."""
    value = np.exp(-np.arange(span + 1) * float(scale)) / float(out_scale)
    return np.clip(np.rint(value), 0, high).astype(np.int64)


def exp_rows(s: Tensor, table: Tensor) -> Tensor:
    """Turns scores s (...,M,L) into table[max of the row - s], in s's type."""
    distance = s.amax(dim=-1, keepdim=True) - s
    return table[distance.to(torch.int64)].to(s.dtype)


def exp_beats(s: Tensor, table: Tensor, length: int) -> Tensor:
    """Turns scores s (M,N) into `exp_rows` of the first `length` of N, and 0 for the others."""
    e = torch.zeros_like(s)
    e[:, :length] = exp_rows(s[:, :length], table)
    return e


def row_sum(e: Tensor) -> Tensor:
    """Sums rows e (...,M,L) to (...,M,1), exactly in float32 up to L = EXACT / 255 = 65,793."""
    return e.sum(dim=-1, keepdim=True)


def divide(total: Tensor, weight: Tensor, low: int, high: int, tie: int) -> Tensor:
    """Returns clip(floor(N / D + 1/2 + 2^-tie)) for integers N = total, D = weight > 0. Returns
    weight's type.

    In integers: floor((2^tie N + (2^(tie-1) + 1) D) / (2^tie D)). Halves are no rarity, since keys
    that share a weight average to them; the 2^-tie takes them all upwards and lies far beyond what
    a float model errs by. In float64 the same: quotients are multiples of 1 / D, so one that is not
    on an edge lies at least 1 / (2^tie D) from it, far beyond the rounding of a division while D <
    2^24, |N| < 2^31 and tie < 16.
    """
    if weight.is_floating_point():
        quotient = (total.double() / weight).add_(0.5 + 2.0**-tie).floor_()
        return quotient.clamp_(low, high).to(weight.dtype)
    shifted = (total << tie) + ((1 << (tie - 1)) + 1) * weight
    return torch.div(shifted, weight << tie, rounding_mode="floor").clamp_(low, high)
