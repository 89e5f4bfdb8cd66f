"""duplicate against its golden model."""

from hw.kernels.duplicate import Duplicate
from tests.kernels.suite import suite

GRID = [
    Duplicate(STREAM_WIDTH=8, beats=50),
    Duplicate(STREAM_WIDTH=24, beats=1),
    Duplicate(STREAM_WIDTH=64, beats=300),
    Duplicate(STREAM_WIDTH=8, beats=1),
    Duplicate(STREAM_WIDTH=8, beats=2),
    Duplicate(STREAM_WIDTH=16, beats=7),
    Duplicate(STREAM_WIDTH=32, beats=100),
    Duplicate(STREAM_WIDTH=72, beats=99),
    Duplicate(STREAM_WIDTH=128, beats=64),
    Duplicate(STREAM_WIDTH=512, beats=40),
]
BAD = [({"STREAM_WIDTH": 0}, "STREAM_WIDTH"), ({"STREAM_WIDTH": 12}, "STREAM_WIDTH")]
FAULT = ("!wait_0 && !wait_1", "!wait_0 || !wait_1")
RATE = [Duplicate(STREAM_WIDTH=64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
