"""Width converter (FINN's StreamingDataWidthConverter): as many codes, other beats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hw.kernels.common.costs import mux_luts
from hw.spec.dtypes import MAX_BITS, IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Dwc(Kernel):
    """The kernel `dwc` with its parameters chosen. IN_LANES, OUT_LANES: codes a beat on either
    side, any two different numbers. ELEM_WIDTH: bits of a code. groups: of least common multiple of
    the lanes, that a frame holds in tests.
    """

    name = "dwc"
    example_values = {"IN_LANES": 4, "OUT_LANES": 2, "ELEM_WIDTH": 4}

    IN_LANES: int
    OUT_LANES: int
    ELEM_WIDTH: int
    groups: int = 4

    def validate(self) -> None:
        self.need(self.IN_LANES >= 1, "IN_LANES", "at least 1")
        differs = self.OUT_LANES >= 1 and self.OUT_LANES != self.IN_LANES
        self.need(differs, "OUT_LANES", "at least 1, other than IN_LANES")
        self.need(1 <= self.ELEM_WIDTH <= MAX_BITS, "ELEM_WIDTH", f"1 to {MAX_BITS}")

    def _stream(self, lanes: int) -> Stream:
        codes = self.groups * math.lcm(self.IN_LANES, self.OUT_LANES)
        return Stream((codes,), IntType(self.ELEM_WIDTH, False), lanes)

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": self._stream(self.IN_LANES)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self._stream(self.OUT_LANES)}

    def spacing(self, port: str) -> int:
        into, out = self.IN_LANES, self.OUT_LANES
        return max(1, into // out if port == "s_axis" else out // into)

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": inputs["s_axis"]}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self._stream(min(self.IN_LANES, self.OUT_LANES)).beats

    def hls(self) -> HlsCall:
        codes = self._stream(1).size
        template = self.template("IN_LANES", "OUT_LANES", "ELEM_WIDTH", CODES=codes)
        return HlsCall("channels", "dwc", template)

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """An iteration takes a beat where less than one to give is held, and gives one where it is
        held; after the least common multiple of both sides nothing is held.
        """
        period = math.lcm(self.IN_LANES, self.OUT_LANES)
        held = taken = given = trips = 0
        while given < period:
            trips += 1
            if held < self.OUT_LANES and taken < period:
                held, taken = held + self.IN_LANES, taken + self.IN_LANES
            if held >= self.OUT_LANES:
                held, given = held - self.OUT_LANES, given + self.OUT_LANES
        return (HlsLoop("dwc_codes", self._stream(1).size // period * trips, stages=4),)

    def cost(self) -> Cost:
        common = math.gcd(self.IN_LANES, self.OUT_LANES)
        unit = common * self.ELEM_WIDTH
        into, out = self.IN_LANES // common, self.OUT_LANES // common
        # One multiplexer of `into` places for each output bit, a counter modulo the greater side.
        counter = index_bits(max(into, out))
        control = 3 + counter * (1 if min(into, out) == 1 else 2)
        rest = into + out - 1 if into < out else 2 * out - 1
        return Cost(lut=out * unit * mux_luts(into) + control, ff=rest * unit + counter + 2)
