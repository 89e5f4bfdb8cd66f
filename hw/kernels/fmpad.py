"""Zero padding of a map (FINN's FMPadding)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch.nn import functional as F

from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Fmpad(Kernel):
    """The kernel `fmpad` puts zeros around a map: (H, W, C) -> (PAD_TOP + H + PAD_BOTTOM, PAD_LEFT
    + W + PAD_RIGHT, C).

    IFM_H, IFM_W, NumChannels: lines, pixels of a line, channels of the map. SIMD: channels a beat.
    ELEM_WIDTH: bits of a code; signed: of no effect on them. PAD_TOP, PAD_BOTTOM: lines of zeros,
    PAD_LEFT, PAD_RIGHT: pixels of zeros.
    """

    name = "fmpad"
    example_values = {"IFM_H": 8, "IFM_W": 8, "NumChannels": 4, "SIMD": 1, "ELEM_WIDTH": 8}

    IFM_H: int
    IFM_W: int
    NumChannels: int
    SIMD: int
    ELEM_WIDTH: int
    PAD_TOP: int = 1
    PAD_BOTTOM: int = 1
    PAD_LEFT: int = 1
    PAD_RIGHT: int = 1
    signed: bool = False

    def validate(self) -> None:
        for parameter in ("IFM_H", "IFM_W", "NumChannels"):
            self.need(1 <= getattr(self, parameter) <= 4096, parameter, "1..4096")
        self.need(
            self.SIMD >= 1 and self.NumChannels % self.SIMD == 0, "SIMD", "divides NumChannels"
        )
        self.need(1 <= self.ELEM_WIDTH <= 32, "ELEM_WIDTH", "1..32")
        for parameter in ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT"):
            self.need(0 <= getattr(self, parameter) <= 255, parameter, "at most 255")

    @property
    def padded(self) -> tuple[int, int, int]:
        """The padded map has this shape, lines, pixels and channels."""
        high = self.PAD_TOP + self.IFM_H + self.PAD_BOTTOM
        return high, self.PAD_LEFT + self.IFM_W + self.PAD_RIGHT, self.NumChannels

    def inputs(self) -> dict[str, Stream]:
        shape, dtype = (
            (self.IFM_H, self.IFM_W, self.NumChannels),
            IntType(self.ELEM_WIDTH, self.signed),
        )
        return {"s_axis": Stream(shape, dtype, self.SIMD, last=False)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream(self.padded, IntType(self.ELEM_WIDTH, self.signed), self.SIMD)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        columns, lines = (self.PAD_LEFT, self.PAD_RIGHT), (self.PAD_TOP, self.PAD_BOTTOM)
        return {"m_axis": F.pad(inputs["s_axis"], (0, 0, *columns, *lines))}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.outputs()["m_axis"].beats

    def hls(self) -> HlsCall:
        names = ("IFM_H", "IFM_W", "NumChannels", "SIMD", "ELEM_WIDTH")
        pads = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")
        return HlsCall("fmpadding", "fmpadding", self.template(*names, *pads))

    def cost(self) -> Cost:
        high, wide, channels = self.padded
        x, y = (index_bits(n) for n in (wide * channels // self.SIMD, high))
        # Comparisons of two counters; zeros enter through the reset of the data registers.
        return Cost(lut=10 + 0.75 * (x + y), ff=x + y + 5 + self.outputs()["m_axis"].width)
