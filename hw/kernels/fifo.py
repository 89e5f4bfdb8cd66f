"""FIFO (FINN's StreamingFIFO): holds beats between two streams of unequal pace."""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.common.bases import Plain
from hw.kernels.common.costs import RAM_STYLES, ram_cost
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost
from hw.spec.sizes import index_bits


@dataclass(frozen=True, eq=False, kw_only=True)
class Fifo(Plain):
    """The kernel `fifo` with its parameters chosen. DEPTH: words of the memory, any number from 2;
    it holds DEPTH + 1 beats, the last one in its output register. STREAM_WIDTH: of tdata in bits.
    RAM_STYLE: distributed, block or ultra. beats: of a frame in tests.
    """

    name = "fifo"
    parts = ("ram",)
    example_values = {"DEPTH": 32, "STREAM_WIDTH": 8}

    DEPTH: int
    STREAM_WIDTH: int
    RAM_STYLE: str = "distributed"
    beats: int = 16

    def validate(self) -> None:
        self.need(self.DEPTH >= 2, "DEPTH", "at least 2")
        super().validate()
        self.need_one_of("RAM_STYLE", RAM_STYLES)

    @property
    def capacity(self) -> int:
        """Beats that it takes while none leaves."""
        return self.DEPTH + 1

    @property
    def cuts_ready(self) -> bool:
        return True

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 2

    def hls(self) -> HlsCall:
        return HlsCall("channels", "forward", self.template("STREAM_WIDTH", BEATS=self.beats))

    def cost(self) -> Cost:
        address = index_bits(self.DEPTH)
        # Per bit of address two incrementers and two comparisons; returning to zero before the
        # counter's own end takes twice as much again.
        whole = self.DEPTH.bit_count() == 1
        control = Cost(lut=5 + address if whole else 4 + 2.7 * address, ff=2 * address + 3)
        return ram_cost(self.DEPTH, self.STREAM_WIDTH + 1, self.RAM_STYLE) + control
