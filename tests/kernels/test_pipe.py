"""pipe against its golden model."""

from hw.kernels.pipe import Pipe
from tests.kernels.suite import suite

GRID = [
    Pipe(WIDTH=8),
    Pipe(WIDTH=72, beats=300),
    Pipe(WIDTH=32, beats=1),
    Pipe(WIDTH=256, beats=64),
    Pipe(WIDTH=16, beats=7),
    Pipe(WIDTH=24, beats=1000),
    Pipe(WIDTH=512, beats=9),
    Pipe(WIDTH=40, beats=128),
]
BAD = [({"WIDTH": 0}, "WIDTH"), ({"WIDTH": 12}, "WIDTH")]
FAULT = ("{s_axis_tlast, s_axis_tdata}", "{s_axis_tlast, ~s_axis_tdata}")
RATE = [Pipe(WIDTH=64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
