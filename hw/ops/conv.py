"""Convolution of codes, dense, grouped or depthwise: exact integer sums, no bias (the requantizer
carries it).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def conv(x: Tensor, weight: Tensor, stride: int, padding: int, groups: int) -> Tensor:
    """Convolves x (B,I,H,W) codes with weight (O,I/groups,k,k) codes to (B,O,H',W') sums, in x's
    type; zero padding.

    A floating x asks for sums that its type holds exactly, which `integers.bounds` tells; integers
    always are exact.
    """
    if x.is_floating_point():
        return F.conv2d(x, weight.to(x.dtype), None, stride, padding, 1, groups)
    wide = F.conv2d(x.double(), weight.double(), None, stride, padding, 1, groups)
    return wide.to(torch.int64)
