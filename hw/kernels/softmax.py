"""Softmax in integers: table of exp, exact row sums, one rounded division. Independent of the
order of the keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.kernels.common.quotient import offset_cost, quotient_cost
from hw.kernels.common.rows import ScoreRows
from hw.kernels.fifo import Fifo
from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost
from hw.spec.stream import Stream


def exp_table(scale: float, out_scale: float, span: int, high: int) -> NDArray[np.int64]:
    """(span + 1,): code of exp(-d * scale), d = 0..span, halves to even, at most `high`."""
    value = np.exp(-np.arange(span + 1) * float(scale)) / float(out_scale)
    return np.clip(np.rint(value), 0, high).astype(np.int64)


def exp_rows(s: Tensor, table: Tensor) -> Tensor:
    """s (...,M,L) score codes -> table[max of the row - s], in s's type."""
    distance = s.amax(dim=-1, keepdim=True) - s
    return table[distance.to(torch.int64)].to(s.dtype)


def exp_beats(s: Tensor, table: Tensor, length: int) -> Tensor:
    """s (M,N) score codes, N >= length -> `exp_rows` of the first `length`, 0 for the others."""
    e = torch.zeros_like(s)
    e[:, :length] = exp_rows(s[:, :length], table)
    return e


def row_sum(e: Tensor) -> Tensor:
    """e (...,M,L) -> (...,M,1) sums; exact in float32 for L up to EXACT / 255 = 65,793 keys."""
    return e.sum(dim=-1, keepdim=True)


def divide(total: Tensor, weight: Tensor, low: int, high: int, tie: int) -> Tensor:
    """clip(floor(N / D + 1/2 + 2^-tie)) for integers N = total, D = weight > 0. Returns weight's
    type.

    In integers: floor((2^tie N + (2^(tie-1) + 1) D) / (2^tie D)). Halves are no rarity, since keys
    that share a weight average to them; the 2^-tie takes them all upwards and lies far beyond what
    a float model errs by. In float64 the same: quotients are multiples of 1 / D, so one that is not
    on an edge lies at least 1 / (2^tie D) from it, far beyond the rounding of a division while
    D < 2^24, |N| < 2^31 and tie < 16.
    """
    if weight.is_floating_point():
        quotient = (total.double() / weight).add_(0.5 + 2.0**-tie).floor_()
        return quotient.clamp_(low, high).to(weight.dtype)
    shifted = (total << tie) + ((1 << (tie - 1)) + 1) * weight
    return torch.div(shifted, weight << tie, rounding_mode="floor").clamp_(low, high)


@dataclass(frozen=True, eq=False)
class Softmax(ScoreRows):
    """EXP_WIDTH: bits of e, unsigned. OUT_WIDTH: bits of a probability, unsigned, in units of
    2^-OUT_WIDTH. TIE: halves go up, and so do quotients up to 2^-TIE below them. The others as in
    ScoreRows; the table begins with 1 or more.
    """

    name = "softmax"
    parts = ("rowexp", "fifo", "quotient")

    EXP_WIDTH: int = 8
    OUT_WIDTH: int = 8
    TIE: int = 12

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
        return (frames * self.rows + 2) * self.beats(settings) + self.OUT_WIDTH + 5

    def cost(self) -> Cost:
        d, out, e = self.SUM_WIDTH, self.OUT_WIDTH, self.EXP_WIDTH
        beat = -(-self.PE * e // 8) * 8
        rows = Fifo(self.LENGTH // self.PE + 1, beat, self.RAM_STYLE).cost()
        divisors = Fifo(4, -(-d // 8) * 8).cost()
        # Dividends end in zeros: only the offset's higher bits are added to anything.
        added = max(e, d) + 2
        lanes = quotient_cost(self.PE, e, d, d + out, out, added, bounded=True)
        rounding = offset_cost(d, out, False, self.TIE)
        return self.lookup_cost() + rows + divisors + rounding + lanes + Cost(lut=6)
