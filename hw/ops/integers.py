"""What follows from integer parameters alone: reachable sums of a weight, steps of a requantizer.

numpy only, so that an integer program runs where PyTorch is not installed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType

EXACT = 1 << 24
"""Up to here float32 counts in steps of one: below it every order of summation gives the same
sum.
"""


def bounds(
    weight: NDArray[np.integer], low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the least and greatest sum of each output channel for codes in low <= 0 <= high; (O,)
    each.

    Partial sums, and sums at the padded border, lie within them too, since every term may be left
    out.
    """
    flat = weight.reshape(weight.shape[0], -1).astype(np.int64)
    least = np.minimum(flat * low, flat * high).sum(1)
    return least, np.maximum(flat * low, flat * high).sum(1)


def product_bounds(terms: int, a: IntType, b: IntType) -> tuple[int, int]:
    """Returns the least and greatest sum of `terms` products of codes of two types, 0 among them:
    any of the terms may be left out.
    """
    corners = [x * y for x in (a.min, a.max) for y in (b.min, b.max)]
    return terms * min(0, *corners), terms * max(0, *corners)


def step_positions(
    m: NDArray[np.int64], b: NDArray[np.int64], n: NDArray[np.int64], low: int, high: int
) -> NDArray[np.int64]:
    """Returns (O, high - low): the smallest acc with clip((acc * m + b) >> n) >= low + 1 + i; m >
    0.
    """
    codes = np.arange(low + 1, high + 1, dtype=np.int64)[None]
    return -((b[:, None] - (codes << n[:, None])) // m[:, None])
