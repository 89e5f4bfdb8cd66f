"""Hardware for the device that follows colours, as a bundle describes it."""

from __future__ import annotations

import math
from itertools import count
from pathlib import Path

from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.port import Port
from tests.host.fake_device import make_spec, write_bundle

LONGEST = 4096
"""A ragged input has so many rows at most."""


def _end(side: str, number: int, port: Port) -> StreamEnd:
    beats = math.prod(n for n in port.shape if n is not None)
    return StreamEnd(f"{side}_{port.name}", port.name, number, beats, None in port.shape)


def write_hardware(folder: Path, board: str = "KV260", cycles: int = 500_000) -> Path:
    """A bundle with hardware at 200 MHz whose graphs take `cycles` each."""
    write_bundle(folder)
    graphs, reads, writes = [], count(), count()
    for index, (name, ports) in enumerate(make_spec().ports.items()):
        inputs = tuple(_end("s_axis", next(reads), port) for port in ports.inputs.values())
        outputs = tuple(_end("m_axis", next(writes), port) for port in ports.outputs.values())
        graphs.append(GraphHardware(name, index, inputs, outputs, cycles, longest=LONGEST))
    Hardware(board, "part", 200.0, 0x1234, "top", (), tuple(graphs)).save(folder)
    return folder
