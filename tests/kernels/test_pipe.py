"""pipe against its golden model."""

from hw.kernels.pipe import Pipe
from tests.kernels.suite import suite

GRID = [
    Pipe(STREAM_WIDTH=8),
    Pipe(STREAM_WIDTH=72, beats=300),
    Pipe(STREAM_WIDTH=40, HALF_RATE=True, beats=100),
    Pipe(STREAM_WIDTH=32, beats=1),
    Pipe(STREAM_WIDTH=256, beats=64),
    Pipe(STREAM_WIDTH=16, beats=7),
    Pipe(STREAM_WIDTH=24, beats=1000),
    Pipe(STREAM_WIDTH=512, beats=9),
    Pipe(STREAM_WIDTH=40, beats=128),
    Pipe(STREAM_WIDTH=8, HALF_RATE=True),
    Pipe(STREAM_WIDTH=256, HALF_RATE=True, beats=1),
]
BAD = [({"STREAM_WIDTH": 0}, "STREAM_WIDTH"), ({"STREAM_WIDTH": 12}, "STREAM_WIDTH")]
FAULT = ("{s_axis_tlast, s_axis_tdata}", "{s_axis_tlast, ~s_axis_tdata}")
RATE = [
    Pipe(STREAM_WIDTH=64, beats=2000),
    Pipe(STREAM_WIDTH=64, HALF_RATE=True, beats=2000),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
