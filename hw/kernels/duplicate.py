"""Fork (FINN's DuplicateStreams): one stream to two readers, each at its own pace."""

from __future__ import annotations

from dataclasses import dataclass

from hw.kernels.common.bases import Plain
from hw.spec.hls import HlsCall, HlsLoop
from hw.spec.kernel import Cost
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Duplicate(Plain):
    """The kernel `duplicate` with its parameters chosen. STREAM_WIDTH: of tdata in bits. beats: of
    a frame in tests.
    """

    name = "duplicate"
    example_values = {"STREAM_WIDTH": 8}

    STREAM_WIDTH: int
    beats: int = 16

    def outputs(self) -> dict[str, Stream]:
        stream = self.inputs()["s_axis"]
        return {"m_axis_0": stream, "m_axis_1": stream}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 1

    def hls(self) -> HlsCall:
        return HlsCall("channels", "duplicate", self.template("STREAM_WIDTH", BEATS=self.beats))

    def hls_loops(self, **settings: int) -> tuple[HlsLoop, ...]:
        return (HlsLoop("duplicate_beats", self.beats, stages=2),)

    def cost(self) -> Cost:
        return Cost(lut=3, ff=self.STREAM_WIDTH + 3)
