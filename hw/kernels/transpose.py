"""Transpose of words: matrices, and the split and merge of attention heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.kernels.common.costs import RAM_STYLES, ram_cost
from hw.ops.layout import transpose
from hw.spec.dtypes import MAX_BITS, IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Kernel):
    """The kernel `transpose` exchanges two axes: (A, B, INNER * PE) codes -> (B, A, INNER * PE).
    PE: codes of a beat. ELEM_WIDTH: bits of a code. RAM_STYLE: of the memory of two frames;
    distributed, block or ultra.

    Heads (L, HEADS, D) -> (HEADS, L, D): A = L, B = HEADS, INNER = D / PE; the way back swaps A
    and B. A matrix of codes: PE = 1, INNER = 1.
    """

    name = "transpose"
    parts = ("ram",)
    example_values = {"A": 4, "B": 3, "INNER": 2, "PE": 2, "ELEM_WIDTH": 4}

    A: int
    B: int
    INNER: int
    PE: int
    ELEM_WIDTH: int
    RAM_STYLE: str = "distributed"

    def validate(self) -> None:
        for side in ("A", "B", "INNER", "PE"):
            self.need(getattr(self, side) >= 1, side, "at least 1")
        self.need(1 <= self.ELEM_WIDTH <= MAX_BITS, "ELEM_WIDTH", f"1 to {MAX_BITS}")
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": self._stream(self.A, self.B, last=False)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self._stream(self.B, self.A, last=True)}

    def _stream(self, rows: int, columns: int, last: bool) -> Stream:
        shape = (rows, columns, self.INNER * self.PE)
        return Stream(shape, IntType(self.ELEM_WIDTH, False), self.PE, last)

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": transpose(inputs["s_axis"], [1, 0, 2])}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return (frames + 1) * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.A * self.B * self.INNER

    def hls(self) -> HlsCall:
        template = self.template("A", "B", "INNER", "PE", "ELEM_WIDTH")
        return HlsCall("channels", "transpose", template)

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        beats = self.ideal_cycles()
        return (
            HlsLoop("transpose_write", beats, stages=2),
            HlsLoop("transpose_read", beats, stages=3, waits=beats),
        )

    def cost(self) -> Cost:
        size = self.ideal_cycles()
        address = index_bits(2 * size)
        words, rows = index_bits(self.INNER), index_bits(self.A)
        # Two addresses and two counters. Where the memory's end is not the address' own, the
        # comparisons and the returns to zero take about as much again.
        whole = size.bit_count() == 1
        luts = 6 + 1.3 * address if whole else 5 + 2 * address + words + rows
        control = Cost(lut=luts, ff=2 * address + words + rows + 4)
        return ram_cost(2 * size, self.PE * self.ELEM_WIDTH, self.RAM_STYLE) + control
