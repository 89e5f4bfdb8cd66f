"""Kernels of an integer program's nodes: a convolution's products and its requantizer, with the
trained integers inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.kernels.mvu import Mvu
from hw.kernels.requant import Requant
from hw.kernels.vvu import Vvu
from hw.lower.errors import LoweringError
from hw.ops.integers import bounds
from hw.ops.program import Node
from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits


def sum_bits(weight: NDArray[Any], dtype: IntType) -> int:
    """Bits, two's complement, that hold every sum of a convolution of codes of a type."""
    low, high = bounds(weight, dtype.min, dtype.max)
    return signed_bits(low.min(), high.max())


def weight_bits(weight: NDArray[Any]) -> int:
    """Bits, two's complement, that hold every weight; at least 2."""
    return signed_bits(weight.min(), weight.max())


def dense(node: Node, dtype: IntType, pe: int, simd: int = 1, **more: Any) -> Mvu:
    """Returns the mvu of a 1x1 or k x k convolution, its window in the dense order of `swg` (ky,
    kx, channel).

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
    """Returns the vvu of a depthwise convolution. dtype: of the codes that it reads. more: other
    fields.
    """
    weight = node.params["weight"]
    return Vvu(
        NumChannels=len(weight),
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
    """Returns the requant that follows a convolution, with the integers of its node.

    dtype: of the codes that the convolution reads. more: other fields of Requant.

    Raises LoweringError, naming the node, where lowering found no integers for hardware.
    """
    weight = conv.params["weight"]
    return Requant(
        NumChannels=len(weight),
        PE=pe,
        ACCU_WIDTH=sum_bits(weight, dtype),
        **requant_fields(node),
        **more,
    )


def requant_fields(node: Node, lanes: int = 1) -> dict[str, Any]:
    """Returns the fields of Requant that a requant node of a program decides: type of the codes,
    integers m, b, n, and how they are stored. lanes: how many lanes share the integers of one
    scale.

    Raises LoweringError, naming the node, where lowering found no integers for hardware.
    """
    if not node.hardware:
        raise LoweringError(
            node.name,
            node.op,
            "no m and b with four shifts or fewer fit four DSPs",
            "give it thresholds, or lower the model again",
        )
    low, high = node.attrs["low"], node.attrs["high"]
    integers = {k: np.repeat(node.params[k], lanes) for k in "mbn"}
    width = int(high - low).bit_length()
    return {"OUT_WIDTH": width, "OUT_SIGNED": low < 0, **integers, **node.hardware}
