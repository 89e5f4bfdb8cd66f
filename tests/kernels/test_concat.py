"""concat against its golden model."""

from hw.kernels.concat import Concat
from tests.kernels.suite import suite

GRID = [
    Concat(CA=2, CB=4, PE=2, ELEM_WIDTH=4, pixels=20),
    Concat(CA=3, CB=3, PE=3, ELEM_WIDTH=3, pixels=20),
    Concat(CA=6, CB=1, PE=1, ELEM_WIDTH=8, pixels=10),
    Concat(CA=1, CB=1, PE=1, ELEM_WIDTH=1, pixels=1),
    Concat(CA=4, CB=4, PE=1, ELEM_WIDTH=32, pixels=3),
    Concat(CA=64, CB=24, PE=8, ELEM_WIDTH=4, pixels=64),
    Concat(CA=24, CB=64, PE=4, ELEM_WIDTH=8, pixels=64),
    Concat(CA=6, CB=9, PE=3, ELEM_WIDTH=5, pixels=30),
    Concat(CA=32, CB=32, PE=16, ELEM_WIDTH=4, pixels=100),
    Concat(CA=64, CB=64, PE=2, ELEM_WIDTH=4, pixels=16),
]
BAD = [
    ({"PE": 0}, "PE"),
    ({"CA": 0}, "CA"),
    ({"CA": 3}, "CA"),
    ({"CB": 0}, "CB"),
    ({"CB": 5}, "CB"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
]
FAULT = ("left_q - 1'b1", "left_q + 1'b1")
RATE = [Concat(CA=16, CB=8, PE=4, ELEM_WIDTH=4, pixels=300)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
