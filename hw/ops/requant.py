"""Requantization: sums -> codes, y = clip((acc * m + b) >> n) with integers m, b, n per channel, or
by thresholds, y = low + sum_i [acc >= T_i], where no such integers follow the trained quantizer.
"""

from __future__ import annotations

import torch
from torch import Tensor


def requant(acc: Tensor, m: Tensor, b: Tensor, n: Tensor, low: int, high: int) -> Tensor:
    """Turns sums acc (B,O,...) by m, b, n (O,) or (1,) int64 into codes low..high, in acc's type.
    `>>` floors.
    """
    wide = acc.to(torch.int64)
    shape = (1, -1) + (1,) * (acc.dim() - 2)
    shifted = (wide * m.view(shape) + b.view(shape)) >> n.view(shape)
    return shifted.clamp(low, high).to(acc.dtype)


def threshold(acc: Tensor, steps: Tensor, low: int) -> Tensor:
    """Turns sums acc (B,O,...) by steps (O, levels) ascending int64 into low + number of steps at
    or below acc.
    """
    wide = acc.to(torch.int64)
    codes = torch.full_like(wide, low)
    shape = (1, -1) + (1,) * (acc.dim() - 2)
    for step in steps.unbind(1):
        codes += wide >= step.view(shape)
    return codes.to(acc.dtype)


def requant_or_threshold(
    acc: Tensor,
    m: Tensor,
    b: Tensor,
    n: Tensor,
    low: int,
    high: int,
    channels: Tensor,
    steps: Tensor,
) -> Tensor:
    """`requant`, with the listed `channels` (F,) taken from `threshold` on `steps` (F, levels)."""
    if channels.numel() == m.numel():  # also where one set serves a whole tensor
        return threshold(acc, steps, low)
    codes = requant(acc, m, b, n, low, high)
    if channels.numel():
        codes[:, channels] = threshold(acc[:, channels], steps, low)
    return codes
