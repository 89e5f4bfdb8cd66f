"""What `common/mac_array.sv` takes: cycles of latency, resources; and how weights are encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.kernel import Cost
from hw.spec.sizes import index_bits

DSP_PRODUCT = 9
"""Bits of a product from which Yosys takes a DSP for it."""
OPERAND_WIDTH = 25
"""The wider operand of a DSP48E1 has this many bits."""


def latency(pe: int, simd: int, pack: int, res: str) -> int:
    """Enabled cycles from the last terms of a sum to the sum."""
    return (3 if res == "dsp" else 2) + index_bits(simd)


def encode(weights: NDArray[np.integer[Any]], pack: int) -> NDArray[np.int64]:
    """Turns weights (..., PE) into what ENCODED_WEIGHTS asks for: of each `pack` rows that share a
    multiplier, every row but the first less the borrow of those below. A code without the least
    of its width stays within that width.
    """
    groups = weights.astype(np.int64).reshape(-1, pack)
    for k in range(1, pack):
        groups[:, k] -= groups[:, k - 1] < 0
    return groups.reshape(weights.shape)


def dsps(pe: int, simd: int, activation_width: int, weight_width: int, pack: int, res: str) -> int:
    """DSPs that Yosys takes. It builds products of fewer than 9 bits of LUTs, whatever RES says,
    and those of one-bit activations too.
    """
    bits = activation_width + weight_width
    if res == "lut" or activation_width == 1 or (pack == 1 and bits < DSP_PRODUCT):
        return 0
    return pe // pack * simd


def cost(
    pe: int,
    simd: int,
    activation_width: int,
    weight_width: int,
    accu_width: int,
    pack: int,
    res: str,
    encoded: bool = False,
    steps: int = 2,
) -> Cost:
    """Resources of the array alone. steps: sets of terms that a sum takes in; one needs no
    accumulator.

    The multiplexer before an accumulator shares the adder's LUTs, and an adder of a tree takes one
    LUT a bit of its inputs.
    """
    product, levels = activation_width + weight_width, index_bits(simd)
    found = dsps(pe, simd, activation_width, weight_width, pack, res)
    multipliers = pe // pack * simd
    packed = (
        res == "dsp"
        and simd == 1
        and pack == 2
        and accu_width + weight_width + (not encoded) <= OPERAND_WIDTH
    )
    spacing = accu_width if packed else 7 if pack == 4 else product
    late = pack == 4 and weight_width == 4 and not encoded
    top = weight_width + (pack > 1 and not encoded and not late)
    # What goes along with the terms is three shift registers of LUTs and one of flip-flops.
    lut, ff = 3.0, 1.0 * ((2 if res == "dsp" else 1) + levels)
    # Multipliers, with what packing takes.
    if res == "lut":
        lut += multipliers * _lut_multiplier(activation_width, weight_width)
        ff += multipliers * product
    else:
        if not found:
            each = 1.5 * product if activation_width == 1 else 1.5 * activation_width * weight_width
            lut += multipliers * each
        if pack > 1 and not encoded:
            # A borrow runs along a carry chain, except where a DSP48E1 could take the adder.
            lut += multipliers * (weight_width if packed else 1.7 * (pack - 1) + 3.5 * late)
        if pack == 4:
            lut += multipliers * (6 if product > spacing else 0)
            ff += multipliers * (6 if product > spacing else 0)
        ff += simd * activation_width * (2 if late else 1) + multipliers * 2 * late
        ff += multipliers * (pack * weight_width + (0 if encoded else pack - 1))
        ff += multipliers * ((pack - 1) * spacing + top + activation_width)
    if packed:
        return Cost(lut + pe * accu_width, ff + pe * accu_width, found)
    # Trees of adders, then accumulators.
    nodes = simd
    for level in range(levels):
        adders, nodes = nodes // 2, (nodes + 1) // 2
        lut += pe * adders * (product + level)
        ff += pe * nodes * (product + level + 1)
        ff += (pe - pe // pack) * nodes
    if steps > 1:
        lut += pe * accu_width
    return Cost(lut, ff + pe * min(accu_width, product + levels if steps == 1 else 32), found)


def _lut_multiplier(activation_width: int, weight_width: int) -> float:
    """LUTs of `common/mul_lut.sv`: weights times two bits of the activation, then sums."""
    if activation_width == 1:
        return weight_width
    digits, odd = divmod(activation_width, 2)
    each = weight_width + 1 if weight_width <= 4 else 2 * weight_width + 2
    return digits * each + (digits + odd - 1) * (weight_width + 1 + (weight_width > 4))
