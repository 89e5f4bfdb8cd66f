"""Skid buffer: registers tready, and where asked the other direction of the handshake too."""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.common.bases import Plain
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost


@dataclass(frozen=True, eq=False, kw_only=True)
class Skid(Plain):
    """The kernel `skid` with its parameters chosen. STREAM_WIDTH: of tdata in bits.
    REGISTER_FORWARD: registers tdata and tvalid as well as tready. beats: of a frame in tests.
    """

    name = "skid"
    example_values = {"STREAM_WIDTH": 8}

    STREAM_WIDTH: int
    REGISTER_FORWARD: bool = True
    beats: int = 16

    @property
    def cuts_ready(self) -> bool:
        return True

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + int(self.REGISTER_FORWARD)

    def hls(self) -> HlsCall:
        return HlsCall("channels", "forward", self.template("STREAM_WIDTH", BEATS=self.beats))

    def cost(self) -> Cost:
        registers = 2 if self.REGISTER_FORWARD else 1
        return Cost(lut=self.STREAM_WIDTH + 4, ff=registers * (self.STREAM_WIDTH + 2))
