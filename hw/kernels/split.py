"""Split of channels: of each pixel the first NumChannels0 channels to one stream, the other
NumChannels1 to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.ops.layout import cut
from hw.spec.dtypes import MAX_BITS, IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Split(Kernel):
    """The kernel `split` takes channels apart: (N, NumChannels0 + NumChannels1) -> (N,
    NumChannels0) and (N, NumChannels1).

    PE: codes of a beat. ELEM_WIDTH: bits of a code.
    """

    name = "split"
    example_values = {"N": 16, "NumChannels0": 2, "NumChannels1": 4, "PE": 2, "ELEM_WIDTH": 4}

    N: int
    NumChannels0: int
    NumChannels1: int
    PE: int
    ELEM_WIDTH: int

    def validate(self) -> None:
        self.need(self.N >= 1, "N", "at least 1")
        self.need(self.PE >= 1, "PE", "at least 1")
        for side in ("NumChannels0", "NumChannels1"):
            channels = getattr(self, side)
            self.need(channels >= 1 and channels % self.PE == 0, side, "a positive multiple of PE")
        self.need(1 <= self.ELEM_WIDTH <= MAX_BITS, "ELEM_WIDTH", f"1 to {MAX_BITS}")

    def _stream(self, channels: int, last: bool = True) -> Stream:
        return Stream((self.N, channels), IntType(self.ELEM_WIDTH, False), self.PE, last)

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": self._stream(self.NumChannels0 + self.NumChannels1, last=False)}

    def outputs(self) -> dict[str, Stream]:
        return {
            "m_axis_0": self._stream(self.NumChannels0),
            "m_axis_1": self._stream(self.NumChannels1),
        }

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        x = inputs["s_axis"]
        return {
            "m_axis_0": cut(x, 1, 0, self.NumChannels0),
            "m_axis_1": cut(x, 1, self.NumChannels0, self.NumChannels0 + self.NumChannels1),
        }

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.inputs()["s_axis"].beats

    def hls(self) -> HlsCall:
        template = {"PIXELS": self.N} | self.template(
            "NumChannels0", "NumChannels1", "PE", "ELEM_WIDTH"
        )
        return HlsCall("channels", "split", template)

    def cost(self) -> Cost:
        bits = self.PE * self.ELEM_WIDTH
        counter = index_bits(max(self.NumChannels0, self.NumChannels1) // self.PE)
        pixels = index_bits(self.N)
        # A counter of pixels that wraps by itself is little more than its carry chain.
        each = 0.25 if self.N.bit_count() == 1 else 0.75
        return Cost(lut=6 + counter + each * pixels, ff=bits + counter + pixels + 4)
