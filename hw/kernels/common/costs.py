"""Memories that kernels are built on: what they can be made of, and their resources as Yosys maps
them to UltraScale+.
"""

from __future__ import annotations

from hw.spec.kernel import Cost
from hw.spec.sizes import ceil_div

RAM_STYLES = ("distributed", "block", "ultra")
"""A memory that is written has one of these styles: LUTRAM, block RAM, UltraRAM. No bitstream fills
an UltraRAM.
"""
ROM_STYLES = ("distributed", "block")
"""A memory of constants has one of these styles."""
MULTIPLIERS = ("dsp", "lut")
"""Products are made by one of these."""

# Words a block RAM of 18 Kb holds at each width of a word, one port writing, one reading
# (UG573, "Block RAM"; parity bits included).
BLOCKS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
URAM_DEPTH, URAM_WIDTH = 4096, 72
URAM_BYTE = 9
FEW_WORDS = 64
"""Up to this many words beyond whole UltraRAMs are kept in LUTRAM."""


def blocks(depth: int, width: int) -> int:
    """Block RAMs of 18 Kb for `depth` words of `width` bits."""
    return min(ceil_div(depth, d) * ceil_div(width, w) for d, w in BLOCKS)


def rom_cost(depth: int, width: int, style: str) -> Cost:
    """`memory/rom.sv`. A LUT holds 64 words of one bit; several join through a multiplexer of
    LUTs.
    """
    if style == "block":
        return Cost(bram18=blocks(depth, width))
    luts = ceil_div(depth, 64)
    return Cost(lut=width * (luts + mux_luts(luts)), ff=width)


def ram_cost(depth: int, width: int, style: str) -> Cost:
    """`memory/ram.sv`. LUTRAM of more than 64 words is several with a multiplexer and a decoder."""
    if style == "block":
        return Cost(bram18=blocks(depth, width))
    if style == "ultra":
        return _ultra_cost(depth, width)
    banks = ceil_div(depth, 64)
    each = ceil_div(width, 14) * 8 if depth <= 32 else ceil_div(width, 7) * 8 * banks
    join = mux_luts(banks) * width + banks if banks > 1 else 0
    return Cost(lut=each + join, ff=width)


def _ultra_cost(depth: int, width: int) -> Cost:
    most = 1
    while 2 * most * ceil_div(width, URAM_BYTE) * URAM_BYTE <= URAM_WIDTH:
        most *= 2
    rows = [ceil_div(depth, n * URAM_DEPTH) for n in (1, 2, 4, 8) if n <= most]
    side = 1 << rows.index(rows[-1])
    few = depth % URAM_DEPTH
    wide = ceil_div(width, URAM_WIDTH)
    if side > 1:
        return Cost(lut=mux_luts(side) * width + side, ff=side.bit_length() - 1, uram=rows[-1])
    if depth > URAM_DEPTH and 0 < few <= FEW_WORDS:
        rest = ram_cost(few, width, "distributed") + Cost(lut=width + 2, ff=1)
        return rest + Cost(uram=(rows[0] - 1) * wide)
    return Cost(uram=rows[0] * wide)


def mux_luts(places: int) -> float:
    """A multiplexer of one bit, as Yosys builds it without the slice's own ones."""
    if places <= 4:
        return min(places - 1, 1)
    return 2 if places <= 6 else 3 if places <= 8 else places / 2
