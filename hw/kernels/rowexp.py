"""Exponentials of a row of scores relative to its maximum, and their sum: softmax up to the
division.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from hw.kernels.common.rows import ScoreRows
from hw.ops.softmax import exp_beats, row_sum
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall, rom
from hw.spec.kernel import Cost
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Rowexp(ScoreRows):
    """The kernel `rowexp` with its parameters chosen. OUT_WIDTH: bits of e, unsigned. The others as
    in ScoreRows.
    """

    name = "rowexp"
    parts = ("greatest", "ram", "rom_clear", "rom_dual")
    example_values = {"IN_WIDTH": 8, "LENGTH": 16, "PE": 1, "SUM_WIDTH": 12, "OUT_WIDTH": 8}

    OUT_WIDTH: int

    @property
    def exp_width(self) -> int:
        return self.OUT_WIDTH

    def validate(self) -> None:
        self.need(1 <= self.OUT_WIDTH <= 8, "OUT_WIDTH", "1..8")
        super().validate()

    def outputs(self) -> dict[str, Stream]:
        return {
            "m_axis": Stream((self.rows, self.LENGTH), IntType(self.OUT_WIDTH, False), self.PE),
            "m_axis_sum": Stream((self.rows, 1), IntType(self.SUM_WIDTH, False), last=False),
        }

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        table = torch.from_numpy(self.codes)
        e = exp_beats(inputs["s_axis"], table, self.length(inputs))
        return {"m_axis": e, "m_axis_sum": row_sum(e)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return (frames * self.rows + 1) * self.beats(settings) + self.latency

    @property
    def latency(self) -> int:
        """This many cycles pass from a row's last beat in to its first beat out."""
        return 5 if self.RAGGED else 3

    def hls(self) -> HlsCall:
        names = ("IN_WIDTH", "OUT_WIDTH", "LENGTH", "PE", "SUM_WIDTH")
        table = rom(self.codes, self.OUT_WIDTH, False)
        return HlsCall("rowexp", "rowexp", self.template(*names, ROWS=self.rows), {"table": table})

    def cost(self) -> Cost:
        return self.lookup_cost()
