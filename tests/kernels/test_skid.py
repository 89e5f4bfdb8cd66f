"""skid against its golden model."""

from hw.kernels.skid import Skid
from tests.kernels.suite import suite

GRID = [
    Skid(8),
    Skid(72, beats=300),
    Skid(32, beats=1),
    Skid(256, 64),
    Skid(16, 7),
    Skid(24, 1000),
    Skid(512, 9),
    Skid(40, 128),
]
BAD = [({"WIDTH": 0}, "WIDTH"), ({"WIDTH": 12}, "WIDTH")]
FAULT = ("full_q ? spare_q :", "!full_q ? spare_q :")
RATE = [Skid(WIDTH=64, beats=2000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
