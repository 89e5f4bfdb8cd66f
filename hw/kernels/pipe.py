"""Register slice: holds one beat, so that a source need not wait while its reader works on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost, Kernel
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False)
class Pipe(Kernel):
    """WIDTH: of tdata in bits. beats: of a frame in tests."""

    name = "pipe"
    plain = True

    WIDTH: int = 8
    beats: int = 16

    def validate(self) -> None:
        self.need(self.WIDTH >= 1 and self.WIDTH % 8 == 0, "WIDTH", "a positive multiple of 8")

    def inputs(self) -> dict[str, Stream]:
        return {"s_axis": Stream((self.beats, self.WIDTH // 8), IntType(8, False), self.WIDTH // 8)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self.inputs()["s_axis"]}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": inputs["s_axis"]}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats

    def cost(self) -> Cost:
        return Cost(lut=1, ff=self.WIDTH + 2)
