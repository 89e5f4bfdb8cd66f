"""The operators as their golden functions define them, on 64-bit integers: slow, never wrong."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.ops.operators import bind
from sim.in_torch import running, store

__all__ = ["bind", "load", "running", "store"]


def load(codes: NDArray) -> Tensor:
    """Codes as the integers that golden functions read."""
    return torch.from_numpy(np.ascontiguousarray(codes)).to(torch.int64)
