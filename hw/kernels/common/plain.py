"""Kernels that move beats as bytes, whatever codes are in them."""

from __future__ import annotations

from typing import Any

from hw.spec.dtypes import IntType
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream


class Plain(Kernel):
    """A kernel with WIDTH, of tdata in bits, and `beats`, of a frame in tests: what goes in comes
    out, a beat a cycle.
    """

    plain = True

    WIDTH: int
    beats: int

    def validate(self) -> None:
        self.need(self.WIDTH >= 1 and self.WIDTH % 8 == 0, "WIDTH", "a positive multiple of 8")

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": Stream((self.beats, self.WIDTH // 8), IntType(8, False), self.WIDTH // 8)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self.inputs()["s_axis"]}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(self.outputs(), inputs["s_axis"])

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats
