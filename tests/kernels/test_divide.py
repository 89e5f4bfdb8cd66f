"""divide against its golden model."""

from hw.kernels.divide import Divide
from tests.kernels.suite import in_order, suite

divide = in_order(Divide)


GRID = [
    Divide.example(rows=12),
    divide(16, 7, 5, False, 6, 2, TIE=3, CYCLES=1, rows=30),
    divide(13, 10, 4, False, 3, 3, TIE=6, CYCLES=4, rows=30),
    divide(20, 12, 8, True, 8, 1, CYCLES=1, rows=40),
    divide(27, 19, 8, True, 16, 1, rows=20),
    divide(27, 19, 8, True, 16, 4, CYCLES=1, rows=60),
    divide(27, 19, 8, True, 16, 4, rows=60),
    divide(32, 32, 16, True, 4, 1, TIE=16, CYCLES=16, rows=20),
    divide(32, 32, 16, False, 4, 2, TIE=16, CYCLES=1, rows=40),
    divide(2, 1, 2, True, 5, 1, TIE=1, CYCLES=2, rows=30),
    divide(2, 1, 2, False, 5, 5, TIE=1, CYCLES=1, rows=50),
    divide(2, 20, 3, True, 4, 2, TIE=2, CYCLES=3, rows=20),
    divide(9, 16, 3, False, 4, 1, TIE=4, CYCLES=1, rows=30),
    divide(30, 5, 6, True, 9, 3, TIE=2, CYCLES=6, rows=30),
    divide(30, 5, 6, False, 9, 1, TIE=1, CYCLES=1, rows=30),
    divide(17, 8, 2, True, 2, 2, TIE=3, CYCLES=1, rows=50),
    divide(17, 8, 2, False, 2, 1, TIE=3, CYCLES=2, rows=50),
    divide(24, 16, 4, True, 1, 1, TIE=8, CYCLES=4, rows=60),
    divide(24, 16, 4, True, 1, 1, TIE=8, CYCLES=1, rows=100),
    divide(21, 9, 10, True, 12, 3, TIE=5, CYCLES=10, rows=20),
    divide(22, 9, 12, False, 12, 3, TIE=5, CYCLES=1, rows=50),
    divide(18, 10, 7, False, 20, 4, TIE=10, CYCLES=7, rows=40),
    divide(14, 6, 8, True, 400, 1, TIE=2, rows=4),
    divide(14, 6, 8, True, 400, 2, TIE=2, CYCLES=1, rows=20),
    divide(16, 8, 8, False, 300, 1, TIE=12, rows=4),
]
BAD = [
    ({"N_WIDTH": 1}, "N_WIDTH"),
    ({"N_WIDTH": 33}, "N_WIDTH"),
    ({"D_WIDTH": 0}, "D_WIDTH"),
    ({"D_WIDTH": 33}, "D_WIDTH"),
    ({"OUT_WIDTH": 1, "CYCLES": 1}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 17, "CYCLES": 17}, "OUT_WIDTH"),
    ({"DIM": 0}, "DIM"),
    ({"DIM": 9, "PE": 2}, "DIM"),
    ({"PE": 0}, "PE"),
    ({"TIE": 0}, "TIE"),
    ({"TIE": 17}, "TIE"),
    ({"CYCLES": 0}, "CYCLES"),
    ({"CYCLES": 4}, "CYCLES"),
]
FAULT = ("(D_WIDTH + 1)'(d) + (D", "(D_WIDTH + 1)'(d) - (D")
RATE = [Divide.example(rows=60), Divide.example(CYCLES=1, DIM=3, rows=500)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
