"""FIFO (FINN's StreamingFIFO): holds beats between two streams of unequal pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.kernels.costs import ram_cost
from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost, Kernel
from hw.spec.stream import Stream

STYLES = ("distributed", "block", "ultra")


@dataclass(frozen=True, eq=False)
class Fifo(Kernel):
    """DEPTH: words of the memory, any number from 2; it holds DEPTH + 1 beats, the last one in its
    output register. WIDTH: of tdata in bits. RAM_STYLE: distributed, block or ultra.
    beats: of a frame in tests.
    """

    name = "fifo"
    plain = True
    parts = ("ram",)

    DEPTH: int = 32
    WIDTH: int = 8
    RAM_STYLE: str = "distributed"
    beats: int = 16

    def validate(self) -> None:
        self.need(self.DEPTH >= 2, "DEPTH", "at least 2")
        self.need(self.WIDTH >= 1 and self.WIDTH % 8 == 0, "WIDTH", "a positive multiple of 8")
        self.need(self.RAM_STYLE in STYLES, "RAM_STYLE", "distributed, block or ultra")

    @property
    def capacity(self) -> int:
        """Beats that it takes while none leaves."""
        return self.DEPTH + 1

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": Stream((self.beats, self.WIDTH // 8), IntType(8, False), self.WIDTH // 8)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self.inputs()["s_axis"]}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": inputs["s_axis"]}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 2

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats

    def cost(self) -> Cost:
        address = (self.DEPTH - 1).bit_length()
        # Per bit of address two incrementers and a comparison; returning to zero before the
        # counter's own end takes about as much again.
        whole = self.DEPTH.bit_count() == 1
        control = Cost(lut=6 + address if whole else 5 + 2 * address, ff=2 * address + 2)
        return ram_cost(self.DEPTH, self.WIDTH + 1, self.RAM_STYLE) + control
