"""Rounded quotients of each row's codes and the row's divisor: the end of attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hw.kernels.common.quotient import offset_cost, quotient_cost
from hw.ops.softmax import divide
from hw.spec.dtypes import Arrays, IntType
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost, Kernel, draw
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Divide(Kernel):
    """The kernel `divide` with its parameters chosen. N_WIDTH: bits of the dividend, signed.
    D_WIDTH: bits of the divisor, unsigned, at least 1. OUT_WIDTH, SIGNED: of the quotient. DIM:
    codes of a row. PE: codes of a row at once. TIE: halves go up, and so does what lies up to
    2^-TIE below them. CYCLES: clock cycles a beat, OUT_WIDTH for one bit of the quotient a cycle or
    1 for a pipeline. rows: of a frame in tests.
    """

    name = "divide"
    parts = ("quotient",)
    example_values = {"N_WIDTH": 20, "D_WIDTH": 12, "OUT_WIDTH": 8, "DIM": 8, "PE": 1, "TIE": 12}

    N_WIDTH: int
    D_WIDTH: int
    OUT_WIDTH: int
    SIGNED: bool = True
    DIM: int
    PE: int
    TIE: int
    CYCLES: int = 8
    rows: int = 4

    def validate(self) -> None:
        self.need(2 <= self.N_WIDTH <= 32, "N_WIDTH", "2..32")
        self.need(1 <= self.D_WIDTH <= 32, "D_WIDTH", "1..32")
        self.need(2 <= self.OUT_WIDTH <= 16, "OUT_WIDTH", "2..16")
        self.need(self.PE >= 1, "PE", "at least 1")
        self.need(self.DIM >= 1 and self.DIM % self.PE == 0, "DIM", "a positive multiple of PE")
        self.need(1 <= self.TIE <= 16, "TIE", "1..16")
        self.need(self.CYCLES in (1, self.OUT_WIDTH), "CYCLES", "1 or OUT_WIDTH")

    def inputs(self) -> dict[str, Stream]:
        return {
            "s_axis_n": Stream((self.rows, self.DIM), IntType(self.N_WIDTH), self.PE),
            "s_axis_d": Stream((self.rows, 1), IntType(self.D_WIDTH, False), last=False),
        }

    def outputs(self) -> dict[str, Stream]:
        dtype = IntType(self.OUT_WIDTH, self.SIGNED)
        return {"m_axis": Stream((self.rows, self.DIM), dtype, self.PE)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        dtype = self.outputs()["m_axis"].dtype
        n, d = inputs["s_axis_n"], inputs["s_axis_d"]
        return {"m_axis": divide(n, d, dtype.min, dtype.max, self.TIE)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + (2 if self.CYCLES > 1 else self.OUT_WIDTH + 1)

    def ideal_cycles(self, **settings: int) -> int:
        return self.rows * self.DIM // self.PE * self.CYCLES

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        """Divisors of every magnitude, never 0. Random dividends lie where quotients change and at
        them: at odd multiples of d / 2, and one or 2^-TIE of d off. A few come from all the range.
        """
        streams = self.inputs()
        codes, dtype = streams["s_axis_n"], streams["s_axis_n"].dtype
        most = (1 << self.D_WIDTH) - 1
        shape = (self.rows, 1)
        n = draw(codes, rng, kind)
        if kind != "random":
            least = np.ones(shape, np.int64)
            d = np.where(rng.integers(0, 2, shape) == 1, most, least)
            return {"s_axis_n": n, "s_axis_d": {"min": least, "max": least * most}.get(kind, d)}
        d = np.clip((2.0 ** rng.uniform(0, self.D_WIDTH, shape)).astype(np.int64), 1, most)
        out = self.outputs()["m_axis"].dtype
        halves = 2 * rng.integers(out.min - 2, out.max + 3, codes.shape) - 1
        off = rng.integers(-1, 2, codes.shape) * rng.choice(
            [1, 1 + (most >> self.TIE)], codes.shape
        )
        near = (halves * d >> 1) - (d >> self.TIE) * rng.integers(0, 2, codes.shape) + off
        inside = (near >= dtype.min) & (near <= dtype.max) & (rng.random(codes.shape) < 0.9)
        return {"s_axis_n": np.where(inside, near, n), "s_axis_d": d}

    def hls(self) -> HlsCall:
        names = ("N_WIDTH", "D_WIDTH", "OUT_WIDTH", "SIGNED", "DIM", "PE", "TIE")
        return HlsCall("divide", "divide", self.template(*names, ROWS=self.rows))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        """One quotient a cycle and lane, OUT_WIDTH steps deep; CYCLES is the SystemVerilog's."""
        beats = self.rows * self.DIM // self.PE
        return (HlsLoop("divide", beats, stages=self.OUT_WIDTH + 4),)

    def cost(self) -> Cost:
        n, d, out, pe = self.N_WIDTH, self.D_WIDTH, self.OUT_WIDTH, self.PE
        beat = index_bits(self.DIM // pe)
        count = Cost(lut=min(beat, 4) + beat / 5, ff=beat)
        shared = offset_cost(d, out, self.SIGNED, self.TIE) + count
        offset = d + (1 if self.SIGNED else out)
        if self.CYCLES == 1:
            both = d if self.SIGNED else max(n, offset) + 1
            return shared + quotient_cost(pe, n, d, offset, out, both)
        width = max(max(n, offset) + 1, d + out - 1)
        addend = d + out - 1
        # A bit of r takes one LUT: the adder's, which also chooses and complements.
        lane = Cost(lut=width + 2, ff=width + out - 1)
        return shared + lane * pe + Cost(lut=addend + 8, ff=addend + out + 3)
