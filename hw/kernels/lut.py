"""Table look-up: any function of one code, such as GELU, sigmoid or a change of scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hw.kernels.common.costs import ROM_STYLES
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall, rom
from hw.spec.kernel import Cost, Kernel, RomImage
from hw.spec.sizes import ceil_div
from hw.spec.stream import Stream

SEED = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Lut(Kernel):
    """The kernel `lut` looks codes up in a table: (N, C) codes -> (N, C) codes.

    IN_WIDTH, OUT_WIDTH: bits of a code. PE: codes a beat. RAM_STYLE: distributed or block.
    table: 2**IN_WIDTH codes out, indexed by the bits of the code in; None for random ones.
    signed_in, signed_out: of the codes. tokens, channels: N and C of a frame.

    The module does not know the frame's shape: tlast passes through.
    """

    name = "lut"
    parts = ("rom", "rom_dual")
    example_values = {"IN_WIDTH": 8, "OUT_WIDTH": 8, "PE": 1}

    IN_WIDTH: int
    OUT_WIDTH: int
    PE: int
    RAM_STYLE: str = "distributed"
    table: Sequence[int] | None = None
    signed_in: bool = True
    signed_out: bool = True
    tokens: int = 4
    channels: int = 8

    def validate(self) -> None:
        self.need(1 <= self.IN_WIDTH <= 8, "IN_WIDTH", "1..8")
        self.need(1 <= self.OUT_WIDTH <= 32, "OUT_WIDTH", "1..32")
        self.need(self.PE >= 1, "PE", "at least 1")
        self.need(self.channels % self.PE == 0, "PE", "PE divides the channels")
        self.need_one_of("RAM_STYLE", ROM_STYLES)
        if self.table is not None:
            self.need(len(self.table) == self.depth, "table", f"{self.depth} codes")
            self._out.check(np.asarray(self.table), "codes of the table")

    @property
    def depth(self) -> int:
        """Each lane's table has this many words."""
        return 1 << self.IN_WIDTH

    @property
    def _out(self) -> IntType:
        return IntType(self.OUT_WIDTH, self.signed_out)

    @property
    def _table(self) -> list[int]:
        if self.table is not None:
            return list(self.table)
        out = self._out
        rng = np.random.default_rng(SEED)
        codes = rng.integers(out.min, out.max, self.depth, np.int64, endpoint=True)
        codes[0], codes[-1] = out.min, out.max
        return [int(code) for code in codes]

    def memories(self) -> dict[str, RomImage]:
        mask = (1 << self.OUT_WIDTH) - 1
        return {"INIT_FILE": RomImage(tuple(c & mask for c in self._table), self.OUT_WIDTH)}

    def inputs(self) -> dict[str, Stream]:
        dtype = IntType(self.IN_WIDTH, self.signed_in)
        return {"s_axis": Stream((self.tokens, self.channels), dtype, self.PE)}

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((self.tokens, self.channels), self._out, self.PE)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"m_axis": torch.tensor(self._table)[inputs["s_axis"] & (self.depth - 1)]}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + 1

    def ideal_cycles(self, **settings: int) -> int:
        return self.inputs()["s_axis"].beats

    def hls(self) -> HlsCall:
        template = self.template("IN_WIDTH", "OUT_WIDTH", "PE", BEATS=self.ideal_cycles())
        codes = np.asarray(self._table) & ((1 << self.OUT_WIDTH) - 1)
        return HlsCall("lut", "lut", template, {"table": rom(codes, self.OUT_WIDTH, False)})

    def cost(self) -> Cost:
        handshake = Cost(lut=1, ff=2)
        if self.RAM_STYLE == "block":
            # One port is up to 36 bits wide, each of two up to 18.
            pair = 1 if self.OUT_WIDTH <= 18 else 2
            return handshake + Cost(bram18=self.PE // 2 * pair + self.PE % 2)
        return handshake + Cost(lut=self._luts, ff=self.OUT_WIDTH) * self.PE

    @property
    def _luts(self) -> int:
        """LUTs of one lane: 64 words of one bit each, which the slice's own multiplexers join. Bits
        that are constant, equal to a bit of the index or to each other take none.
        """
        codes, index = np.array(self._table), np.arange(self.depth)
        planes = {((codes >> b) & 1).tobytes() for b in range(self.OUT_WIDTH)}
        wires = [np.zeros_like(index), *((index >> b) & 1 for b in range(self.IN_WIDTH))]
        free = {wire.tobytes() for wire in wires} | {(1 - wire).tobytes() for wire in wires}
        return len(planes - free) * ceil_div(self.depth, 64)
