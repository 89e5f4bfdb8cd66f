"""lut against its golden model."""

from math import erf, sqrt

from hw.kernels.lut import Lut
from tests.kernels.suite import Bad, suite

# GELU of code / 16 to code * 16, the index being the bits of a code in two's complement.
GELU = tuple(round(c / 2 * (1 + erf(c / 16 / sqrt(2)))) for c in (*range(128), *range(-128, 0)))

GRID = [
    Lut.example(tokens=8, channels=8),
    Lut(IN_WIDTH=4, OUT_WIDTH=6, PE=3, RAM_STYLE="block", channels=6, signed_out=False),
    Lut.example(IN_WIDTH=1, OUT_WIDTH=1, signed_in=False, signed_out=False, tokens=1, channels=1),
    Lut.example(PE=2, RAM_STYLE="block", tokens=40),
    Lut.example(PE=4, table=GELU, tokens=40),
    Lut(IN_WIDTH=8, OUT_WIDTH=4, PE=4, signed_out=False, tokens=40),
    Lut(IN_WIDTH=4, OUT_WIDTH=8, PE=2, signed_in=False),
    Lut(IN_WIDTH=7, OUT_WIDTH=5, PE=5, channels=5, tokens=30),
    Lut(IN_WIDTH=6, OUT_WIDTH=16, PE=2),
    Lut(IN_WIDTH=5, OUT_WIDTH=12, PE=3, channels=9, signed_in=False),
    Lut(IN_WIDTH=2, OUT_WIDTH=3, PE=8),
    Lut(IN_WIDTH=3, OUT_WIDTH=32, PE=1),
    Lut.example(OUT_WIDTH=32, PE=2, RAM_STYLE="block", tokens=30),
    Lut.example(OUT_WIDTH=18, PE=4, RAM_STYLE="block", signed_in=False, tokens=30),
    Lut.example(OUT_WIDTH=19, PE=3, RAM_STYLE="block", channels=9, tokens=30),
    Lut(IN_WIDTH=4, OUT_WIDTH=4, PE=16, channels=32, signed_out=False),
    Lut.example(OUT_WIDTH=8, PE=8, channels=16, tokens=50),
    Lut.example(OUT_WIDTH=8, PE=1, RAM_STYLE="block", tokens=100),
    Lut(IN_WIDTH=6, OUT_WIDTH=8, PE=6, channels=12, signed_in=False, signed_out=False),
    Lut(IN_WIDTH=7, OUT_WIDTH=7, PE=7, RAM_STYLE="block", channels=7, tokens=25),
    Lut(IN_WIDTH=8, OUT_WIDTH=1, PE=3, channels=3, signed_out=False, tokens=33),
    Lut(IN_WIDTH=8, OUT_WIDTH=8, PE=16, RAM_STYLE="block", channels=64, tokens=40),
]
BAD: Bad = [
    ({"IN_WIDTH": 0}, "IN_WIDTH"),
    ({"IN_WIDTH": 9}, "IN_WIDTH"),
    ({"OUT_WIDTH": 0}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 33}, "OUT_WIDTH"),
    ({"PE": 0}, "PE"),
    ({"RAM_STYLE": "ultra"}, "RAM_STYLE"),
]
FAULT = ("found[(p+1)*OUT_WIDTH", "found[(p-p)*OUT_WIDTH")
RATE = [
    Lut.example(tokens=200, channels=16, PE=2),
    Lut.example(tokens=200, PE=2, RAM_STYLE="block"),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
