"""Softmax in integers: table of exp, exact row sums, one rounded division. Independent of the
order of the keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from hw.kernels.common.quotient import offset_cost, quotient_cost
from hw.kernels.common.rows import ScoreRows
from hw.kernels.fifo import Fifo
from hw.ops.softmax import divide, exp_beats, row_sum
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall, HlsLoop, rom
from hw.spec.kernel import Cost
from hw.spec.sizes import whole_bytes
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Softmax(ScoreRows):
    """The kernel `softmax` with its parameters chosen. EXP_WIDTH: bits of e, unsigned. OUT_WIDTH:
    bits of a probability, unsigned, in units of 2^-OUT_WIDTH. TIE: halves go up, and so do
    quotients up to 2^-TIE below them. The others as in ScoreRows; the table begins with 1 or more.
    """

    name = "softmax"
    parts = ("rowexp", "fifo", "quotient")
    example_values = {
        "IN_WIDTH": 8,
        "LENGTH": 16,
        "PE": 1,
        "SUM_WIDTH": 12,
        "EXP_WIDTH": 8,
        "OUT_WIDTH": 8,
        "TIE": 12,
    }

    EXP_WIDTH: int
    OUT_WIDTH: int
    TIE: int

    @property
    def exp_width(self) -> int:
        return self.EXP_WIDTH

    def validate(self) -> None:
        self.need(1 <= self.EXP_WIDTH <= 8, "EXP_WIDTH", "1..8")
        self.need(2 <= self.OUT_WIDTH <= 16, "OUT_WIDTH", "2..16")
        self.need(1 <= self.TIE <= 16, "TIE", "1..16")
        super().validate()
        self.need(self.codes[0] >= 1, "table", "the maximum's code is at least 1")

    def outputs(self) -> dict[str, Stream]:
        dtype = IntType(self.OUT_WIDTH, False)
        return {"m_axis": Stream((self.rows, self.LENGTH), dtype, self.PE)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        table = torch.from_numpy(self.codes)
        e = exp_beats(inputs["s_axis"], table, self.length(inputs))
        most = (1 << self.OUT_WIDTH) - 1
        return {"m_axis": divide(e << self.OUT_WIDTH, row_sum(e), 0, most, self.TIE)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        exponentials = 5 if self.RAGGED else 3  # rowexp.latency
        return (frames * self.rows + 2) * self.beats(settings) + self.OUT_WIDTH + exponentials + 2

    def hls(self) -> HlsCall:
        names = ("IN_WIDTH", "EXP_WIDTH", "OUT_WIDTH", "LENGTH", "PE", "SUM_WIDTH", "TIE")
        table = rom(self.codes, self.EXP_WIDTH, False)
        template = self.template(*names, ROWS=self.rows)
        return HlsCall("softmax", "softmax", template, {"table": table})

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        loops = super().hls_loops(**settings)
        row = loops[-1]
        return (*loops, HlsLoop("softmax_divide", row.trips, row.entries, self.OUT_WIDTH + 4))

    def cost(self) -> Cost:
        d, out, e = self.SUM_WIDTH, self.OUT_WIDTH, self.EXP_WIDTH
        beat = whole_bytes(self.PE * e)
        rows = Fifo(
            DEPTH=self.LENGTH // self.PE + 1, STREAM_WIDTH=beat, RAM_STYLE=self.RAM_STYLE
        ).cost()
        divisors = Fifo(DEPTH=4, STREAM_WIDTH=whole_bytes(d)).cost()
        # Dividends end in zeros: only the offset's higher bits are added to anything.
        added = max(e, d) + 2
        lanes = quotient_cost(self.PE, e, d, d + out, out, added, bounded=True)
        rounding = offset_cost(d, out, False, self.TIE)
        return self.lookup_cost() + rows + divisors + rounding + lanes + Cost(lut=6)
