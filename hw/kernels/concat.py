"""Concatenation of channels: of each pixel all channels of one stream, then all of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from hw.spec.dtypes import MAX_BITS, IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Kernel):
    """The kernel `concat` puts channels together: (N, NumChannels0) and (N, NumChannels1) -> (N,
    NumChannels0 + NumChannels1).

    PE: codes of a beat. ELEM_WIDTH: bits of a code.
    pixels: N in tests, since s_axis_1's tlast ends a frame.
    """

    name = "concat"
    example_values = {"NumChannels0": 2, "NumChannels1": 4, "PE": 2, "ELEM_WIDTH": 4}

    NumChannels0: int
    NumChannels1: int
    PE: int
    ELEM_WIDTH: int
    pixels: int = 16

    def validate(self) -> None:
        self.need(self.PE >= 1, "PE", "at least 1")
        for side in ("NumChannels0", "NumChannels1"):
            channels = getattr(self, side)
            self.need(channels >= 1 and channels % self.PE == 0, side, "a positive multiple of PE")
        self.need(1 <= self.ELEM_WIDTH <= MAX_BITS, "ELEM_WIDTH", f"1 to {MAX_BITS}")

    def _stream(self, channels: int, last: bool = True) -> Stream:
        return Stream((self.pixels, channels), IntType(self.ELEM_WIDTH, False), self.PE, last)

    def inputs(self) -> dict[str, Stream]:
        return {
            "s_axis_0": self._stream(self.NumChannels0, last=False),
            "s_axis_1": self._stream(self.NumChannels1),
        }

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self._stream(self.NumChannels0 + self.NumChannels1)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": torch.cat([inputs["s_axis_0"], inputs["s_axis_1"]], 1)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.outputs()["m_axis"].beats

    def hls(self) -> HlsCall:
        template = self.template(
            "NumChannels0", "NumChannels1", "PE", "ELEM_WIDTH", PIXELS=self.pixels
        )
        return HlsCall("channels", "concat", template)

    def cost(self) -> Cost:
        bits = self.PE * self.ELEM_WIDTH
        counter = index_bits(max(self.NumChannels0, self.NumChannels1) // self.PE)
        return Cost(lut=bits + 6 + counter, ff=bits + counter + 3)
