"""Operators that move codes without changing them."""

from __future__ import annotations

from torch import Tensor


def upsample(x: Tensor, factor: int) -> Tensor:
    """Repeats every pixel of a map: (B,C,H,W) -> (B,C,factor*H,factor*W)."""
    b, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1)[:, :, None, :, None]  # channels last stays channels last
    wide = rows.expand(b, h, factor, w, factor, c).reshape(b, h * factor, w * factor, c)
    return wide.permute(0, 3, 1, 2)


def reshape(x: Tensor, shape: list[int]) -> Tensor:
    """Returns the codes, in row-major order, in another shape."""
    return x.reshape(shape)


def transpose(x: Tensor, order: list[int]) -> Tensor:
    """Returns the tensor with its axes in another order."""
    return x.permute(order)


def cut(x: Tensor, axis: int, start: int, end: int) -> Tensor:
    """Returns x[start:end] along an axis."""
    return x.narrow(axis, start, end - start)
