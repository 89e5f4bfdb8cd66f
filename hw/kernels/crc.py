"""CRC-32 of a frame, the one of Ethernet, zip and zlib: what two ends compare to know that a stream
came through whole.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import torch

from hw.kernels.common.bases import Plain
from hw.spec.dtypes import IntType
from hw.spec.hls import HlsCall
from hw.spec.kernel import Cost
from hw.spec.stream import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Crc(Plain):
    """The kernel `crc` with its parameters chosen. STREAM_WIDTH: of tdata in bits. beats: of a
    frame in tests, since tlast ends it.
    """

    name = "crc"
    example_values = {"STREAM_WIDTH": 8}
    plain = False

    STREAM_WIDTH: int
    beats: int = 16

    def outputs(self) -> dict[str, Stream]:
        return {"m_axis": Stream((4,), IntType(8, False), 4)}

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        value = zlib.crc32(bytes(inputs["s_axis"].flatten().tolist()))
        return {"m_axis": torch.tensor(list(value.to_bytes(4, "little")), dtype=torch.int64)}

    def cycles(self, frames: int = 1, **settings: int) -> int:
        return frames * self.beats + 1

    def hls(self) -> HlsCall:
        return HlsCall("crc", "crc", self.template("STREAM_WIDTH", BEATS=self.beats))

    def cost(self) -> Cost:
        return Cost(lut=4.75 * self.STREAM_WIDTH + 44, ff=65)
