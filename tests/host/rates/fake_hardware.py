"""Hardware for the device that follows colours, as a bundle describes it."""

from __future__ import annotations

import math
from pathlib import Path

from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.port import Port
from tests.host.fake_device import make_spec, write_bundle


def _end(side: str, channel: int, port: Port) -> StreamEnd:
    beats = math.prod(n for n in port.shape if n is not None)
    return StreamEnd(f"{side}_{port.name}", port.name, channel, beats, None in port.shape)


def write_hardware(folder: Path, board: str = "KV260", cycles: int = 500_000) -> Path:
    """A bundle with hardware at 200 MHz whose graphs take `cycles` each."""
    write_bundle(folder)
    graphs = []
    for index, (name, ports) in enumerate(make_spec().ports.items()):
        ends = [
            tuple(_end(side, channel, port) for channel, port in enumerate(some.values()))
            for side, some in (("s_axis", ports.inputs), ("m_axis", ports.outputs))
        ]
        graphs.append(GraphHardware(name, index, *ends, cycles))
    Hardware(board, "part", 200.0, 0x1234, "top", (), tuple(graphs)).save(folder)
    return folder
