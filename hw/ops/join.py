"""Residual join and saturation: both operands are codes of one scale, so the sum is an integer
addition.
"""

from __future__ import annotations

from torch import Tensor


def join_add(a: Tensor, b: Tensor, low: int, high: int) -> Tensor:
    """Returns clip(a + b) for codes of one shape and scale."""
    return (a + b).clamp_(low, high)


def saturate(x: Tensor, low: int, high: int) -> Tensor:
    """Returns clip(x), codes brought to a narrower type of the same scale."""
    return x.clamp(low, high)
