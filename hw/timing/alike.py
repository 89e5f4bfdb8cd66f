"""Kernels whose timing stands for that of many: the same structure, widths and counters rounded up,
memories with random contents.

A trained model has hundreds of kernels that differ in a bit of width or in the contents of a ROM.
A kernel is analysed as the one that this gives, which is as slow or slower, so that an accelerator
takes a few dozen runs of Yosys and a new training none. Lanes and styles of memories stay as they
are: they decide what is on a path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from hw.kernels.attention import Attention
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.kernels.requant import Requant
from hw.kernels.skid import Skid
from hw.kernels.split import Split
from hw.kernels.vvu import Vvu
from hw.spec.dtypes import IntType
from hw.spec.kernel import Kernel
from hw.spec.sizes import index_bits

DSP_SIDE = 18
"""Bits of a DSP's shorter operand."""
WIDTHS = (8, 16, 32, 64)
"""Bits of a beat that only moves; wider ones are multiples of the last."""


def alike(kernel: Kernel) -> Kernel:
    """The kernel whose timing stands for this one's; itself where no rule rounds it."""
    rule = RULES.get(type(kernel))
    return rule(kernel) if rule else kernel


def _count(steps: int, least: int = 1) -> int:
    """A counter of as many bits that ends before its own end, which takes a comparison more."""
    bits = max(index_bits(steps), least)
    return (1 << bits) - 1 if steps > 1 else 1


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _width(bits: int) -> int:
    return next((width for width in WIDTHS if bits <= width), _up(bits, WIDTHS[-1]))


def _factors(bits: int, most: int) -> int:
    return DSP_SIDE if bits <= DSP_SIDE <= most else most


def _requant(k: Requant) -> Requant:
    lanes = k.PE * _count(k.NumChannels // k.PE, 6)
    beyond = int(k.ACCU_WIDTH > k.PORT_WIDTH)
    port = DSP_SIDE if k.PORT_WIDTH <= DSP_SIDE else 25
    scaling = _scaling(k)
    above = k.B_WIDTH + k.B_SHIFT - scaling["B_SHIFT"]
    return replace(
        k,
        NumChannels=lanes,
        PORT_WIDTH=port,
        ACCU_WIDTH=port + beyond,
        **scaling,
        B_WIDTH=max(above, 24),
        SETS=1 << index_bits(k.SETS),
        m=None,
        b=None,
        n=None,
    )


def _scaling(k: Requant | Attention) -> dict[str, Any]:
    """Wider factors, sums that begin and codes that are cut out at lower bits."""
    return {
        "M_WIDTH": 24 if k.M_WIDTH <= 24 else 34,
        "B_SHIFT": min(k.B_SHIFT // 8 * 8, 16),
        "SHIFT": min(k.SHIFT // 8 * 8, 16),
    }


def _attention(k: Attention) -> Attention:
    port = _factors(k.PORT_WIDTH, k.S_ACCU_WIDTH)
    return replace(k, PORT_WIDTH=port, **_scaling(k), m=None, b=None, n=None, table=None)


def _mvu(k: Mvu) -> Mvu:
    beats, passes = k.MW // k.SIMD, k.MH // k.PE
    if k.RAM_STYLE != "distributed":  # there the depth is a matter of LUTs
        beats, passes = _count(beats), _count(passes)
    shape = (k.SETS, passes * k.PE, beats * k.SIMD)
    kind = IntType(k.WEIGHT_WIDTH)
    least = kind.min + int(k.parameters()["NARROW_WEIGHTS"])
    weights = np.random.default_rng(1).integers(least, kind.max, shape, np.int64, endpoint=True)
    weights[0, 0, 0] = least
    given: dict[str, Any] = {"MW": shape[2], "MH": shape[1], "weights": weights}
    wide = replace(k, **given, ACCU_WIDTH=32)
    needed = int(wide.parameters()["SUM_WIDTH"])
    return replace(k, **given, ACCU_WIDTH=_up(max(k.ACCU_WIDTH, needed), 4))


def _vvu(k: Vvu) -> Vvu:
    channels = k.NumChannels // k.PE
    if k.RAM_STYLE != "distributed":
        # No deeper than its address: a block RAM more would put a multiplexer behind the memory.
        deepest = (1 << index_bits(channels * k.TAPS)) // k.TAPS
        channels = min(_count(channels), deepest)
    widest = k.WEIGHT_WIDTH + k.ACTIVATION_WIDTH + index_bits(k.TAPS)
    accu = max(k.ACCU_WIDTH, widest) if k.PACK == 1 else k.ACCU_WIDTH
    weights = None if accu >= widest else k.weights
    if weights is not None:
        return k
    return replace(k, NumChannels=channels * k.PE, ACCU_WIDTH=_up(accu, 4), weights=None)


def _fifo(k: Fifo) -> Fifo:
    depth = 63 if k.DEPTH <= 64 and k.RAM_STYLE == "distributed" else _count(k.DEPTH, 10)
    return replace(k, DEPTH=depth, STREAM_WIDTH=_width(k.STREAM_WIDTH))


def _dwc(k: Dwc) -> Dwc:
    return replace(k, ELEM_WIDTH=_up(k.ELEM_WIDTH, 4))


def _moves(k: Any) -> Any:
    return replace(k, STREAM_WIDTH=_width(k.STREAM_WIDTH))


def _split(k: Split) -> Split:
    sides = {
        f"NumChannels{i}": k.PE * _count(getattr(k, f"NumChannels{i}") // k.PE) for i in (0, 1)
    }
    most = max(sides.values())
    return replace(k, NumChannels0=most, NumChannels1=most)


RULES: dict[type[Kernel], Callable[[Any], Kernel]] = {
    Requant: _requant,
    Attention: _attention,
    Mvu: _mvu,
    Vvu: _vvu,
    Fifo: _fifo,
    Dwc: _dwc,
    Pipe: _moves,
    Skid: _moves,
    Split: _split,
}
