"""rowexp against its golden model."""

from hw.kernels.rowexp import Rowexp
from hw.ops.softmax import exp_table
from tests.kernels.suite import Bad, in_order, suite

rowexp = in_order(Rowexp)


GRID = [
    Rowexp.example(LENGTH=12, rows=4),
    rowexp(5, 20, 2, RAGGED=True, SUM_WIDTH=11, OUT_WIDTH=6),
    Rowexp.example(LENGTH=12, PE=4, ROM_STYLE="block", RAM_STYLE="block", rows=5),
    Rowexp.example(LENGTH=1, SUM_WIDTH=8, rows=9),
    Rowexp.example(LENGTH=3, PE=3, SUM_WIDTH=10, rows=7),
    rowexp(4, 1, 1, True, SUM_WIDTH=8, rows=5),
    rowexp(3, 4, 4, True, "block", SUM_WIDTH=5, OUT_WIDTH=3),
    rowexp(2, 10, 1, SUM_WIDTH=4, OUT_WIDTH=1, rows=6),
    rowexp(2, 6, 2, True, SUM_WIDTH=14, OUT_WIDTH=8),
    rowexp(8, 2, 1, True, SUM_WIDTH=9, rows=8),
    rowexp(6, 15, 3, ROM_STYLE="block", SUM_WIDTH=12, rows=5),
    rowexp(7, 24, 4, True, "distributed", "block", 13),
    rowexp(8, 33, 1, True, "block", SUM_WIDTH=32),
    rowexp(8, 64, 1, rows=5, SUM_WIDTH=14),
    rowexp(8, 64, 2, True, "ultra", SUM_WIDTH=14),
    rowexp(7, 77, 1, True, SUM_WIDTH=15),
    rowexp(8, 96, 3, SUM_WIDTH=15, RAM_STYLE="block"),
    rowexp(6, 100, 4, True, "block", SUM_WIDTH=13, OUT_WIDTH=5),
    rowexp(5, 128, 2, SUM_WIDTH=15),
    rowexp(4, 130, 1, SUM_WIDTH=12, OUT_WIDTH=4, rows=2),
    rowexp(8, 264, 1, True, "block", "block", 17, exp_table(1 / 16, 1 / 255, 255, 255)),
    rowexp(8, 300, 2, True, SUM_WIDTH=17),
    rowexp(8, 400, 4, True, "block", SUM_WIDTH=17, rows=2),
    rowexp(8, 136, 8, True, "block", "block", 16, rows=6),
    rowexp(8, 48, 16, True, SUM_WIDTH=14, rows=5),
]
BAD: Bad = [
    ({"IN_WIDTH": 1}, "IN_WIDTH"),
    ({"IN_WIDTH": 9}, "IN_WIDTH"),
    ({"OUT_WIDTH": 0}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 9, "SUM_WIDTH": 20}, "OUT_WIDTH"),
    ({"LENGTH": 0}, "LENGTH"),
    ({"LENGTH": 65537, "SUM_WIDTH": 30}, "LENGTH"),
    ({"LENGTH": 13, "PE": 4}, "LENGTH"),
    ({"PE": 0}, "PE"),
    ({"PE": 3, "RAGGED": True}, "PE"),
    ({"RAM_STYLE": "mixed"}, "RAM_STYLE"),
    ({"ROM_STYLE": "ultra"}, "ROM_STYLE"),
    ({"SUM_WIDTH": 11}, "SUM_WIDTH"),
    ({"SUM_WIDTH": 33}, "SUM_WIDTH"),
]
FAULT = ("first_q || top > max_q", "first_q || top < max_q")
RATE = [
    Rowexp.example(LENGTH=64, SUM_WIDTH=14, rows=80),
    Rowexp.example(LENGTH=16, PE=2, RAGGED=True, rows=150),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
