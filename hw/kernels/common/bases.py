"""Base classes of kernels: those that move beats as bytes, and those that hold several sets of
parameters, so that one physical block serves repeated layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hw.spec.dtypes import Arrays, IntType
from hw.spec.kernel import Kernel
from hw.spec.sizes import index_bits
from hw.spec.stream import Stream

PORT = "s_axis_layer"


class Plain(Kernel):
    """A kernel with STREAM_WIDTH, of tdata in bits, and `beats`, of a frame in tests: what goes in
    comes out, a beat a cycle.
    """

    plain = True

    STREAM_WIDTH: int
    beats: int

    def validate(self) -> None:
        self.need(
            self.STREAM_WIDTH >= 1 and self.STREAM_WIDTH % 8 == 0,
            "STREAM_WIDTH",
            "a positive multiple of 8",
        )

    def inputs(self) -> dict[str, Stream]:
        return {
            "s_axis": Stream(
                (self.beats, self.STREAM_WIDTH // 8), IntType(8, False), self.STREAM_WIDTH // 8
            )
        }

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": self.inputs()["s_axis"]}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return dict.fromkeys(self.outputs(), inputs["s_axis"])

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats


class Layered(Kernel):
    """A kernel with a parameter SETS. Where it is above 1, `s_axis_layer` tells each frame's set,
    one beat a frame.
    """

    SETS: int

    def layer_stream(self) -> dict[str, Stream]:
        """The stream of layers, where there is one."""
        if self.SETS == 1:
            return {}
        kind = IntType(index_bits(self.SETS), False)
        return {PORT: Stream((1,), kind, last=False)}

    def layer(self, inputs: dict[str, Any]) -> int:
        """The set that a frame asks for."""
        return int(inputs[PORT][0]) if self.SETS > 1 else 0

    def settings(self) -> list[dict[str, int]]:
        return [{"layer": n} for n in sorted({0, self.SETS // 2, self.SETS - 1})]

    def stimulus(self, rng: np.random.Generator, kind: str, **settings: int) -> Arrays:
        codes = super().stimulus(rng, kind)
        if self.SETS > 1:
            codes[PORT] = np.array([settings.get("layer", 0)], np.int64)
        return codes
