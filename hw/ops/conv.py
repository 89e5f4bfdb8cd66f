"""Convolution of codes, dense, grouped or depthwise: exact integer sums, no bias (the requantizer
carries it).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

EXACT = 1 << 24
"""float32 counts in steps of one up to here: below it every order of summation gives the same
sum.
"""


def conv(x: Tensor, weight: Tensor, stride: int, padding: int, groups: int) -> Tensor:
    """x (B,I,H,W) codes, weight (O,I/groups,k,k) codes -> (B,O,H',W') sums, in x's type; zero
    padding.

    A floating x asks for sums that its type holds exactly, which `bounds` tells; integers always
    are exact.
    """
    if x.is_floating_point():
        return F.conv2d(x, weight.to(x.dtype), None, stride, padding, 1, groups)
    wide = F.conv2d(x.double(), weight.double(), None, stride, padding, 1, groups)
    return wide.to(torch.int64)


def bounds(
    weight: NDArray[np.integer], low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Least and greatest sum of each output channel for codes in low <= 0 <= high; (O,) each.

    Partial sums, and sums at the padded border, lie within them too, since every term may be left
    out.
    """
    flat = weight.reshape(weight.shape[0], -1).astype(np.int64)
    least = np.minimum(flat * low, flat * high).sum(1)
    return least, np.maximum(flat * low, flat * high).sum(1)
