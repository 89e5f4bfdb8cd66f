"""softmax against its golden model."""

import numpy as np

from hw.kernels.softmax import Softmax
from hw.ops.softmax import exp_table
from tests.kernels.suite import Bad, in_order, suite

softmax = in_order(Softmax)


ONES = np.ones(256, np.int64)  # all quotients 1 / L: halves where L is an odd part of 2^(W + 1)

GRID = [
    Softmax.example(LENGTH=12, rows=4),
    softmax(5, 20, 2, True, SUM_WIDTH=11, EXP_WIDTH=6, OUT_WIDTH=5, TIE=2),
    Softmax.example(LENGTH=12, PE=4, ROM_STYLE="block", RAM_STYLE="block", rows=5),
    Softmax.example(LENGTH=1, SUM_WIDTH=8, rows=9),
    Softmax.example(LENGTH=3, PE=3, SUM_WIDTH=10, rows=7, OUT_WIDTH=4, TIE=3),
    softmax(4, 1, 1, True, SUM_WIDTH=8, rows=12),
    softmax(3, 4, 4, True, "block", SUM_WIDTH=5, EXP_WIDTH=3, OUT_WIDTH=6, rows=12),
    softmax(2, 10, 1, SUM_WIDTH=4, EXP_WIDTH=1, OUT_WIDTH=3, TIE=1, rows=6),
    softmax(2, 6, 2, True, SUM_WIDTH=14, OUT_WIDTH=2),
    softmax(8, 2, 1, True, SUM_WIDTH=9, OUT_WIDTH=12, TIE=16, rows=12),
    softmax(6, 15, 3, ROM_STYLE="block", SUM_WIDTH=12, OUT_WIDTH=16, rows=5),
    softmax(7, 24, 4, True, "distributed", "block", 13, OUT_WIDTH=9),
    softmax(8, 33, 1, True, "block", SUM_WIDTH=32, OUT_WIDTH=10, TIE=8),
    softmax(8, 64, 1, SUM_WIDTH=14, table=ONES, OUT_WIDTH=5),
    softmax(8, 64, 2, True, "ultra", SUM_WIDTH=14, table=ONES, OUT_WIDTH=4, TIE=5),
    softmax(7, 77, 1, True, SUM_WIDTH=15),
    softmax(8, 96, 3, SUM_WIDTH=15, RAM_STYLE="block", OUT_WIDTH=7, TIE=4),
    softmax(6, 100, 4, True, "block", SUM_WIDTH=13, EXP_WIDTH=5, OUT_WIDTH=6),
    softmax(5, 128, 2, SUM_WIDTH=15, OUT_WIDTH=8),
    softmax(4, 130, 1, SUM_WIDTH=12, EXP_WIDTH=4, rows=2, TIE=7),
    softmax(8, 264, 1, True, "block", "block", 17, exp_table(1 / 16, 1 / 255, 255, 255)),
    softmax(8, 300, 2, True, SUM_WIDTH=17),
    softmax(8, 400, 4, True, "block", SUM_WIDTH=17, rows=2),
]
BAD: Bad = [
    ({"IN_WIDTH": 1}, "IN_WIDTH"),
    ({"IN_WIDTH": 9}, "IN_WIDTH"),
    ({"EXP_WIDTH": 0}, "EXP_WIDTH"),
    ({"EXP_WIDTH": 9, "SUM_WIDTH": 20}, "EXP_WIDTH"),
    ({"OUT_WIDTH": 1}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 17}, "OUT_WIDTH"),
    ({"LENGTH": 0}, "LENGTH"),
    ({"LENGTH": 65537, "SUM_WIDTH": 30}, "LENGTH"),
    ({"LENGTH": 13, "PE": 4}, "LENGTH"),
    ({"PE": 0}, "PE"),
    ({"PE": 3, "RAGGED": True}, "PE"),
    ({"RAM_STYLE": "mixed"}, "RAM_STYLE"),
    ({"ROM_STYLE": "ultra"}, "ROM_STYLE"),
    ({"SUM_WIDTH": 11}, "SUM_WIDTH"),
    ({"SUM_WIDTH": 33}, "SUM_WIDTH"),
    ({"TIE": 0}, "TIE"),
    ({"TIE": 17}, "TIE"),
]
FAULT = ("(SUM_WIDTH + 1)'(d) + (S", "(SUM_WIDTH + 1)'(d) - (S")
RATE = [
    Softmax.example(LENGTH=64, SUM_WIDTH=14, rows=120),
    Softmax.example(LENGTH=16, PE=2, RAGGED=True, rows=400, SUM_WIDTH=12),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
