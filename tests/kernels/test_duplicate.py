"""duplicate against its golden model."""

from hw.kernels.duplicate import Duplicate
from tests.kernels.suite import suite

GRID = [
    Duplicate(WIDTH=8, beats=50),
    Duplicate(WIDTH=24, beats=1),
    Duplicate(WIDTH=64, beats=300),
    Duplicate(WIDTH=8, beats=1),
    Duplicate(WIDTH=8, beats=2),
    Duplicate(WIDTH=16, beats=7),
    Duplicate(WIDTH=32, beats=100),
    Duplicate(WIDTH=72, beats=99),
    Duplicate(WIDTH=128, beats=64),
    Duplicate(WIDTH=512, beats=40),
]
BAD = [({"WIDTH": 0}, "WIDTH"), ({"WIDTH": 12}, "WIDTH")]
FAULT = ("!wait_0 && !wait_1", "!wait_0 || !wait_1")
RATE = [Duplicate(WIDTH=64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
