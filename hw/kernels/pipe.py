"""Register slice: holds one beat, so that a source need not wait while its reader works on it."""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.common.bases import Plain
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost


@dataclass(frozen=True, eq=False, kw_only=True)
class Pipe(Plain):
    """The kernel `pipe` with its parameters chosen. STREAM_WIDTH: of tdata in bits. HALF_RATE: it
    takes a beat every other cycle at most, and registers tready. beats: of a frame in tests.
    """

    name = "pipe"
    example_values = {"STREAM_WIDTH": 8}

    STREAM_WIDTH: int
    HALF_RATE: bool = False
    beats: int = 16

    @property
    def cuts_ready(self) -> bool:
        return self.HALF_RATE

    def ideal_cycles(self, **settings: int) -> int:
        return self.beats * (2 if self.HALF_RATE else 1)

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.ideal_cycles() + (0 if self.HALF_RATE else 1)

    def hls(self) -> HlsCall:
        return HlsCall("channels", "forward", self.template("STREAM_WIDTH", BEATS=self.beats))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        # The HLS form passes a beat a cycle at either rate.
        return (HlsLoop("forward", self.beats),)

    def cost(self) -> Cost:
        return Cost(lut=1, ff=self.STREAM_WIDTH + 2)
