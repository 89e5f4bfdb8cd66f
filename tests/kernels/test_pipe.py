"""pipe against its golden model."""

from hw.kernels.pipe import Pipe
from tests.kernels.suite import suite

GRID = [
    Pipe(8),
    Pipe(72, beats=300),
    Pipe(32, beats=1),
    Pipe(256, 64),
    Pipe(16, 7),
    Pipe(24, 1000),
    Pipe(512, 9),
    Pipe(40, 128),
]
BAD = [({"WIDTH": 0}, "WIDTH"), ({"WIDTH": 12}, "WIDTH")]
FAULT = ("{s_axis_tlast, s_axis_tdata}", "{s_axis_tlast, ~s_axis_tdata}")
RATE = [Pipe(64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
