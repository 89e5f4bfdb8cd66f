"""Maximum over squares of a map that do not overlap (FINN's StreamingMaxPool)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.kernels.common.costs import RAM_STYLES, ram_cost
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Maxpool(Kernel):
    """The kernel `maxpool` keeps the greatest code of each square: (H, W, C) -> (H // KERNEL, W //
    KERNEL, C); what is left over is dropped.

    IFM_H, IFM_W, NumChannels: lines, pixels of a line, channels of the map. SIMD: channels a beat.
    KERNEL: lines and pixels of a square. ELEM_WIDTH: bits of a code. SIGNED: are codes two's
    complement? RAM_STYLE: of the line of maxima: distributed, block or ultra.
    """

    name = "maxpool"
    parts = ("ram",)
    example_values = {
        "IFM_H": 8,
        "IFM_W": 8,
        "NumChannels": 4,
        "SIMD": 1,
        "KERNEL": 2,
        "ELEM_WIDTH": 8,
    }

    IFM_H: int
    IFM_W: int
    NumChannels: int
    SIMD: int
    KERNEL: int
    ELEM_WIDTH: int
    SIGNED: bool = False
    RAM_STYLE: str = "distributed"

    def validate(self) -> None:
        for parameter in ("IFM_H", "IFM_W", "NumChannels"):
            self.need(1 <= getattr(self, parameter) <= 4096, parameter, "1..4096")
        self.need(
            self.SIMD >= 1 and self.NumChannels % self.SIMD == 0, "SIMD", "divides NumChannels"
        )
        fits = 2 <= self.KERNEL <= min(self.IFM_H, self.IFM_W)
        self.need(fits, "KERNEL", "2..min(IFM_H, IFM_W)")
        wide = 1 + self.SIGNED <= self.ELEM_WIDTH <= 32
        self.need(wide, "ELEM_WIDTH", "1..32, from 2 where SIGNED")
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    @property
    def _dtype(self) -> IntType:
        return IntType(self.ELEM_WIDTH, self.SIGNED)

    def inputs(self) -> dict[str, Stream]:
        shape = (self.IFM_H, self.IFM_W, self.NumChannels)
        return {"s_axis": Stream(shape, self._dtype, self.SIMD, last=False)}

    def outputs(self) -> dict[str, Stream]:
        shape = (self.IFM_H // self.KERNEL, self.IFM_W // self.KERNEL, self.NumChannels)
        return {"m_axis": Stream(shape, self._dtype, self.SIMD)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        k = self.KERNEL
        squares = inputs["s_axis"].unfold(0, k, k).unfold(1, k, k)  # (H/k, W/k, C, k, k)
        return {"m_axis": squares.amax((-2, -1))}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        lines = self.IFM_H // self.KERNEL * self.KERNEL
        pixels = self.IFM_W // self.KERNEL * self.KERNEL
        # The last square is whole before the frame's rest has come.
        last = ((lines - 1) * self.IFM_W + pixels) * (self.NumChannels // self.SIMD)
        return (frames - 1) * self.ideal_cycles() + last + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.inputs()["s_axis"].beats

    def hls(self) -> HlsCall:
        names = ("IFM_H", "IFM_W", "NumChannels", "SIMD", "KERNEL", "ELEM_WIDTH", "SIGNED")
        return HlsCall("maxpool", "maxpool", self.template(*names))

    def cost(self) -> Cost:
        fold, bits = self.NumChannels // self.SIMD, self.SIMD * self.ELEM_WIDTH
        words = self.IFM_W // self.KERNEL * fold
        addr, side = index_bits(words), index_bits(self.KERNEL)
        count = index_bits(fold) + 2 * side + (self.IFM_H // self.KERNEL).bit_length()
        control = Cost(lut=2.2 * addr + 1.9 * count + 5, ff=3 * addr + count + 3)
        # A comparison and a choice; a comparison of few bits shares LUTs with the choice.
        lanes = Cost(lut=1.9 * bits - 2.5 * self.SIMD, ff=bits)
        if words == 1:
            return control + lanes + Cost(ff=bits)
        going_round = Cost(lut=1.1 * bits, ff=bits + 1) if fold == 1 else Cost()
        return control + lanes + going_round + ram_cost(words, bits, self.RAM_STYLE)
