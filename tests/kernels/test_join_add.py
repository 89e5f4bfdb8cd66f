"""join_add against its golden model."""

from hw.kernels.join_add import JoinAdd
from tests.kernels.suite import suite

GRID = [
    JoinAdd.example(),
    JoinAdd.example(PE=3, IN_SIGNED_A=False, IN_WIDTH_A=4, OUT_SIGNED=False, OUT_WIDTH=5, beats=40),
    JoinAdd.example(PE=2, MA=181, MB=-77, BIAS=-1234, SHIFT=7),
    JoinAdd.example(PE=4, beats=500),
    JoinAdd(PE=5, IN_WIDTH_A=2, IN_WIDTH_B=7, OUT_WIDTH=3, beats=1),
    JoinAdd.example(IN_WIDTH_A=1, IN_SIGNED_A=False, IN_WIDTH_B=1, IN_SIGNED_B=False, OUT_WIDTH=2),
    JoinAdd.example(
        IN_WIDTH_A=8, IN_SIGNED_A=False, IN_SIGNED_B=False, OUT_WIDTH=1, OUT_SIGNED=False
    ),
    JoinAdd(PE=8, IN_WIDTH_A=16, IN_WIDTH_B=16, OUT_WIDTH=16, beats=9),
    JoinAdd.example(PE=2, MA=4, MB=-1, BIAS=3, SHIFT=2, beats=64),
    JoinAdd.example(PE=3, MA=-8, MB=-2, SHIFT=1, OUT_SIGNED=False, OUT_WIDTH=4),
    JoinAdd.example(MA=65535, MB=-65535, BIAS=(1 << 30) - 1, SHIFT=31, IN_WIDTH_A=16, OUT_WIDTH=2),
    JoinAdd.example(PE=2, MA=65535, MB=0, BIAS=-(1 << 29), SHIFT=15, IN_WIDTH_A=16, OUT_WIDTH=12),
    JoinAdd.example(PE=4, MA=1, MB=3, SHIFT=1, IN_SIGNED_B=False, IN_WIDTH_B=4),
    JoinAdd.example(PE=16, OUT_WIDTH=16, beats=12),
    JoinAdd.example(PE=6, MA=1, MB=1, BIAS=1, SHIFT=1, IN_SIGNED_A=False),
    JoinAdd.example(PE=4, MA=-16, MB=0, OUT_WIDTH=8, IN_WIDTH_A=5),
]
BAD = [
    ({"PE": 0}, "PE"),
    ({"IN_WIDTH_A": 1}, "IN_WIDTH_A"),
    ({"IN_WIDTH_A": 17}, "IN_WIDTH_A"),
    ({"IN_WIDTH_B": 0}, "IN_WIDTH_B"),
    ({"IN_WIDTH_B": 40}, "IN_WIDTH_B"),
    ({"OUT_WIDTH": 1}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 0, "OUT_SIGNED": False}, "OUT_WIDTH"),
    ({"MA": 65536}, "MA"),
    ({"MB": -65536}, "MB"),
    ({"BIAS": 1 << 30}, "BIAS"),
    ({"SHIFT": 32}, "SHIFT"),
]
FAULT = ("term_a + term_b + SUM_WIDTH", "term_a - term_b + SUM_WIDTH")
RATE = [JoinAdd.example(PE=4, beats=2000), JoinAdd.example(MA=5, MB=7, SHIFT=3, beats=1000)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
