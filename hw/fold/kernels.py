"""Kernels of an integer program's nodes: a convolution's products and its requantizer, with the
trained integers inside.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from numpy.typing import NDArray

from hw.kernels.mvu import Mvu
from hw.kernels.requant import Requant
from hw.kernels.vvu import Vvu
from hw.lower.errors import LoweringError
from hw.lower.requant import search_shared
from hw.ops.integers import bounds, step_positions
from hw.ops.program import Node
from hw.spec.dtypes import IntType

SHIFTS = (1, 2, 4)


def sum_bits(weight: NDArray[Any], dtype: IntType) -> int:
    """Bits, two's complement, that hold every sum of a convolution of codes of a type."""
    low, high = bounds(weight, dtype.min, dtype.max)
    return int(max(-low.min() - 1, high.max())).bit_length() + 1


def weight_bits(weight: NDArray[Any]) -> int:
    """Bits, two's complement, that hold every weight; at least 2."""
    return max(2, int(max(-weight.min() - 1, weight.max())).bit_length() + 1)


def dense(node: Node, dtype: IntType, pe: int, simd: int = 1, **more: Any) -> Mvu:
    """mvu of a 1x1 or k x k convolution, its window in the dense order of `swg` (ky, kx, channel).

    dtype: of the codes that it reads. more: other fields of Mvu (PACK, RAM_STYLE, vectors, ...).
    """
    weight = node.params["weight"]
    matrix = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return Mvu(
        MW=matrix.shape[1],
        MH=matrix.shape[0],
        PE=pe,
        SIMD=simd,
        ACTIVATION_WIDTH=dtype.bits,
        SIGNED_ACTIVATIONS=dtype.signed,
        WEIGHT_WIDTH=weight_bits(weight),
        ACCU_WIDTH=sum_bits(weight, dtype),
        weights=matrix[None],
        **more,
    )


def depthwise(node: Node, dtype: IntType, pe: int, simd: int = 1, **more: Any) -> Vvu:
    """vvu of a depthwise convolution. dtype: of the codes that it reads. more: other fields."""
    weight = node.params["weight"]
    return Vvu(
        CHANNELS=len(weight),
        TAPS=weight[0].size,
        PE=pe,
        SIMD=simd,
        ACTIVATION_WIDTH=dtype.bits,
        SIGNED_ACTIVATIONS=dtype.signed,
        WEIGHT_WIDTH=weight_bits(weight),
        ACCU_WIDTH=sum_bits(weight, dtype),
        weights=weight.reshape(1, len(weight), -1),
        **more,
    )


def requantizer(conv: Node, node: Node, dtype: IntType, pe: int = 1, **more: Any) -> Requant:
    """requant that follows a convolution: the node's staircase by integers with few shifts, equal
    on every reachable sum.

    One DSP a lane where that works, else two, as sums of 19 bits and more may need.

    dtype: of the codes that the convolution reads. more: other fields of Requant.

    Raises LoweringError, naming the node, where no such integers fit two DSPs.
    """
    weight, low, high = conv.params["weight"], node.attrs["low"], node.attrs["high"]
    steps = step_positions(node.params["m"], node.params["b"], node.params["n"], low, high)
    out = IntType(int(high - low).bit_length(), low < 0)
    reach = bounds(weight, dtype.min, dtype.max)
    for dsps, shifts in product((1, 2), SHIFTS):
        found = search_shared(steps, *reach, out, shifts, dsps)
        if found is not None:
            return Requant(
                MH=len(weight),
                PE=pe,
                ACCU_WIDTH=sum_bits(weight, dtype),
                OUT_WIDTH=out.bits,
                OUT_SIGNED=out.signed,
                m=found.m,
                b=found.b,
                n=found.n,
                **found.parameters,
                **more,
            )
    raise LoweringError(
        node.name,
        node.op,
        f"no m and b with {SHIFTS[-1]} shifts or fewer fit two DSPs",
        "give it thresholds",
    )
