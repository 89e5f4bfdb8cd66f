"""Skid buffer: registers both directions of a handshake, so that no path runs through it."""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.common.bases import Plain
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost


@dataclass(frozen=True, eq=False, kw_only=True)
class Skid(Plain):
    """The kernel `skid` with its parameters chosen. STREAM_WIDTH: of tdata in bits. beats: of a
    frame in tests.
    """

    name = "skid"
    example_values = {"STREAM_WIDTH": 8}

    STREAM_WIDTH: int
    beats: int = 16

    @property
    def cuts_ready(self) -> bool:
        return True

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 1

    def hls(self) -> HlsCall:
        return HlsCall("channels", "forward", self.template("STREAM_WIDTH", BEATS=self.beats))

    def cost(self) -> Cost:
        return Cost(lut=self.STREAM_WIDTH + 4, ff=2 * (self.STREAM_WIDTH + 2))
