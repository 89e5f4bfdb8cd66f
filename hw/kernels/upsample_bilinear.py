"""Doubles a map in height and width by bilinear interpolation at half-pixel centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hw.kernels.common.costs import RAM_STYLES, ram_cost
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class UpsampleBilinear(Kernel):
    """The kernel `upsample_bilinear` doubles a map: (H, W, C) -> (2H, 2W, C), torch's
    interpolate(scale_factor=2, mode="bilinear", align_corners=False) rounded to the nearest code,
    halves upwards.

    IFM_H, IFM_W, NumChannels: lines, pixels of a line, channels of the map. SIMD: channels a beat.
    ELEM_WIDTH: bits of a code. SIGNED: are codes two's complement? RAM_STYLE: of the two lines that
    are kept: distributed, block or ultra.
    """

    name = "upsample_bilinear"
    parts = ("ram",)
    example_values = {"IFM_H": 8, "IFM_W": 8, "NumChannels": 4, "SIMD": 1, "ELEM_WIDTH": 8}

    IFM_H: int
    IFM_W: int
    NumChannels: int
    SIMD: int
    ELEM_WIDTH: int
    SIGNED: bool = False
    RAM_STYLE: str = "distributed"

    def validate(self) -> None:
        for parameter in ("IFM_H", "IFM_W", "NumChannels"):
            self.need(1 <= getattr(self, parameter) <= 4096, parameter, "1..4096")
        self.need(
            self.SIMD >= 1 and self.NumChannels % self.SIMD == 0, "SIMD", "divides NumChannels"
        )
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
        shape = (2 * self.IFM_H, 2 * self.IFM_W, self.NumChannels)
        return {"m_axis": Stream(shape, self._dtype, self.SIMD)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        lines = _between(inputs["s_axis"])
        columns = _between(lines.transpose(0, 1)).transpose(0, 1)
        return {"m_axis": (columns + 8) >> 4}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        # A line of one pixel is free only when it has been read to its end.
        waits = frames * self.IFM_H - 1 if self.IFM_W == 1 else 0
        return frames * self.ideal_cycles() + waits + 4

    def ideal_cycles(self, **settings: int) -> int:
        return self.outputs()["m_axis"].beats

    def hls(self) -> HlsCall:
        names = ("IFM_H", "IFM_W", "NumChannels", "SIMD", "ELEM_WIDTH", "SIGNED")
        return HlsCall("upsample", "upsample_bilinear", self.template(*names))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """The first line is read before the first beat leaves."""
        line = self.IFM_W * self.NumChannels // self.SIMD
        return (HlsLoop("upsample_bilinear", line + self.ideal_cycles(), entries=2, stages=7),)

    def cost(self) -> Cost:
        fold = self.NumChannels // self.SIMD
        words = self.IFM_W * fold
        addr, folds = index_bits(words), index_bits(fold)
        count = folds + index_bits(self.IFM_H)
        control = Cost(lut=3.4 * addr + 3 * count + 12, ff=3 * addr + count + 2 * folds + 17)
        # Four adders, of ELEM_WIDTH to ELEM_WIDTH + 3 bits, and some operands chosen before them.
        bits = self.ELEM_WIDTH + 2
        lane = Cost(lut=5 * self.ELEM_WIDTH + 6.5, ff=bits + self.ELEM_WIDTH)
        line = ram_cost(words, self.SIMD * self.ELEM_WIDTH, self.RAM_STYLE)
        pixel = Cost(ff=self.SIMD * bits)
        if fold > 1:
            pixel = ram_cost(fold, self.SIMD * bits, "distributed" if fold <= 64 else "block")
        return control + lane * self.SIMD + line * 2 + pixel


def _between(x: Tensor) -> Tensor:
    """(N, ...) -> (2N, ...), four times the values a quarter before and after each of x."""
    before, after = torch.cat((x[:1], x[:-1])), torch.cat((x[1:], x[-1:]))
    return torch.stack((before + 3 * x, 3 * x + after), 1).flatten(0, 1)
