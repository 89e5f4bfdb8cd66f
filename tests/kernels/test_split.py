"""split against its golden model."""

from hw.kernels.split import Split
from tests.kernels.suite import suite

GRID = [
    Split(N=20, CA=2, CB=4, PE=2, ELEM_WIDTH=4),
    Split(N=20, CA=3, CB=3, PE=3, ELEM_WIDTH=3),
    Split(N=10, CA=5, CB=1, PE=1, ELEM_WIDTH=8),
    Split(N=1, CA=1, CB=1, PE=1, ELEM_WIDTH=1),
    Split(N=3, CA=4, CB=4, PE=1, ELEM_WIDTH=32),
    Split(N=64, CA=64, CB=24, PE=8, ELEM_WIDTH=4),
    Split(N=64, CA=24, CB=64, PE=4, ELEM_WIDTH=8),
    Split(N=30, CA=6, CB=9, PE=3, ELEM_WIDTH=5),
    Split(N=100, CA=32, CB=32, PE=16, ELEM_WIDTH=4),
    Split(N=256, CA=8, CB=8, PE=2, ELEM_WIDTH=4),
]
BAD = [
    ({"N": 0}, "N"),
    ({"PE": 0}, "PE"),
    ({"CA": 0}, "CA"),
    ({"CA": 3}, "CA"),
    ({"CB": 0}, "CB"),
    ({"CB": 5}, "CB"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
]
FAULT = ("turn && pixels_q == 0", "turn || pixels_q == 0")
RATE = [Split(N=300, CA=16, CB=8, PE=4, ELEM_WIDTH=4)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
