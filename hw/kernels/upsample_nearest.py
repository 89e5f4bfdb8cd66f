"""Doubles a map in height and width by repeating pixels and lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.kernels.common.costs import RAM_STYLES, ram_cost
from hw.ops.layout import upsample
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class UpsampleNearest(Kernel):
    """The kernel `upsample_nearest` repeats every pixel: (H, W, C) -> (2H, 2W, C).

    IFM_H, IFM_W, NumChannels: lines, pixels of a line, channels of the map. SIMD: channels a beat.
    ELEM_WIDTH: bits of a code; signed: of no effect on them. RAM_STYLE: of the line that is kept:
    distributed, block or ultra.
    """

    name = "upsample_nearest"
    parts = ("ram",)
    example_values = {"IFM_H": 8, "IFM_W": 8, "NumChannels": 4, "SIMD": 1, "ELEM_WIDTH": 8}

    IFM_H: int
    IFM_W: int
    NumChannels: int
    SIMD: int
    ELEM_WIDTH: int
    RAM_STYLE: str = "distributed"
    signed: bool = False

    def validate(self) -> None:
        for parameter in ("IFM_H", "IFM_W", "NumChannels"):
            self.need(1 <= getattr(self, parameter) <= 4096, parameter, "1..4096")
        self.need(
            self.SIMD >= 1 and self.NumChannels % self.SIMD == 0, "SIMD", "divides NumChannels"
        )
        self.need(1 <= self.ELEM_WIDTH <= 32, "ELEM_WIDTH", "1..32")
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    @property
    def _dtype(self) -> IntType:
        return IntType(self.ELEM_WIDTH, self.signed)

    @property
    def cuts_ready(self) -> bool:
        return True

    def inputs(self) -> dict[str, Stream]:
        shape = (self.IFM_H, self.IFM_W, self.NumChannels)
        return {"s_axis": Stream(shape, self._dtype, self.SIMD, last=False)}

    def outputs(self) -> dict[str, Stream]:
        shape = (2 * self.IFM_H, 2 * self.IFM_W, self.NumChannels)
        return {"m_axis": Stream(shape, self._dtype, self.SIMD)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        channels_first = inputs["s_axis"].permute(2, 0, 1)[None]
        return {"m_axis": upsample(channels_first, 2)[0].permute(1, 2, 0)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        # A line of one pixel is free only when it has been read to its end.
        waits = frames * self.IFM_H - 1 if self.IFM_W == 1 else 0
        return frames * self.ideal_cycles() + waits + 2

    def ideal_cycles(self, **settings: int) -> int:
        return self.outputs()["m_axis"].beats

    def hls(self) -> HlsCall:
        names = ("IFM_H", "IFM_W", "NumChannels", "SIMD", "ELEM_WIDTH")
        return HlsCall("upsample", "upsample_nearest", self.template(*names))

    def cost(self) -> Cost:
        fold = self.NumChannels // self.SIMD
        words = self.IFM_W * fold
        addr, count = (
            index_bits(words),
            index_bits(fold) + index_bits(self.IFM_H),
        )
        # Two addresses and their comparisons; counters that do not wrap by themselves; handshakes.
        wrap = 7 if words & (words - 1) else 0
        control = Cost(lut=2.3 * addr + 1.7 * count + wrap + 9, ff=3 * addr + count + 5)
        return control + ram_cost(words, self.SIMD * self.ELEM_WIDTH, self.RAM_STYLE)
