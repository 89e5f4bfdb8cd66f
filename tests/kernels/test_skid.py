"""skid against its golden model."""

from hw.kernels.skid import Skid
from tests.kernels.suite import suite

GRID = [
    Skid(WIDTH=8),
    Skid(WIDTH=72, beats=300),
    Skid(WIDTH=32, beats=1),
    Skid(WIDTH=256, beats=64),
    Skid(WIDTH=16, beats=7),
    Skid(WIDTH=24, beats=1000),
    Skid(WIDTH=512, beats=9),
    Skid(WIDTH=40, beats=128),
]
BAD = [({"WIDTH": 0}, "WIDTH"), ({"WIDTH": 12}, "WIDTH")]
FAULT = ("full_q ? spare_q :", "!full_q ? spare_q :")
RATE = [Skid(WIDTH=64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
