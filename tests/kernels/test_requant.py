"""requant against its golden model."""

from typing import Any

from hw.kernels.requant import Requant
from tests.kernels.suite import Bad, suite


def layer(
    accu: int, m: int, n: int, zeros: int, out: int, signed: bool = False, **more: Any
) -> Any:
    """Parameters whose widths belong together, as a search finds them."""
    widths = {"ACCU_WIDTH": accu, "PORT_WIDTH": accu, "M_WIDTH": m, "SHIFT": n, "B_SHIFT": zeros}
    widths |= {"B_WIDTH": n - zeros + out + 1, "OUT_WIDTH": out, "OUT_SIGNED": signed}
    return Requant.example(**{**widths, **more})


def expand(**more: Any) -> Any:
    """4-bit codes before a depthwise convolution."""
    return layer(15, 18, 22, 11, 4, **more)


def project(**more: Any) -> Any:
    """8-bit codes of a residual sum."""
    return layer(13, 16, 17, 7, 8, True, **more)


def score(**more: Any) -> Any:
    """Sums much wider than the staircase."""
    return layer(22, 21, 29, 26, 8, True, PORT_WIDTH=17, **more)


GRID = [
    project(NumChannels=12, PE=2),
    expand(NumChannels=5, SHIFTS=4, SHIFT_STEP=3, SETS=3, RAM_STYLE="distributed", B_WIDTH=24),
    score(NumChannels=12, PE=3),
    expand(NumChannels=144, pixels=3),
    project(NumChannels=24, RAM_STYLE="distributed", pixels=9),
    score(NumChannels=1, pixels=1),
    layer(11, 14, 15, 6, 8, True, NumChannels=1, pixels=1 << 11),
    layer(11, 12, 13, 6, 4, NumChannels=6, PE=6, pixels=1 << 11),
    layer(
        12, 15, 16, 6, 4, PORT_WIDTH=10, NumChannels=2, PE=2, pixels=1 << 12, SHIFTS=2, B_WIDTH=16
    ),
    layer(12, 17, 20, 11, 8, NumChannels=1, pixels=1 << 12),
    layer(20, 23, 33, 20, 4, NumChannels=32, PE=4),
    layer(25, 17, 30, 13, 4, NumChannels=32, PE=2, RAM_STYLE="distributed"),
    # Both operands wider than a DSP's second port
    layer(25, 24, 36, 16, 8, True, NumChannels=18, PE=2),
    layer(18, 30, 37, 20, 8, True, NumChannels=12),
    layer(20, 34, 37, 26, 8, True, NumChannels=12),
    layer(20, 24, 34, 15, 4, NumChannels=16, SHIFTS=2, B_WIDTH=25),
    layer(32, 24, 24, 11, 16, PORT_WIDTH=18, NumChannels=36, PE=3),
    layer(8, 9, 9, 0, 4, NumChannels=32, PE=4),
    layer(9, 8, 6, 6, 8, NumChannels=21),
    expand(NumChannels=96, PE=2, SETS=2),
    expand(NumChannels=4, PE=4, SETS=5, OUT_SIGNED=True),
    expand(NumChannels=40, PE=4, SHIFTS=2, SHIFT_STEP=2, RAM_STYLE="distributed", B_WIDTH=18),
    project(NumChannels=48, SETS=9, SHIFTS=2, B_WIDTH=20, pixels=2),
    layer(15, 18, 22, 11, 2, True, NumChannels=64, PE=8, pixels=2),
    layer(17, 23, 30, 15, 4, NumChannels=288, pixels=2),
    layer(16, 17, 16, 4, 3, PORT_WIDTH=2, NumChannels=50, PE=5),
    layer(15, 12, 12, 4, 1, NumChannels=32, PE=2),
    expand(NumChannels=128, PE=16, SHIFTS=4, B_WIDTH=19),
]
BAD: Bad = [
    ({"NumChannels": 0}, "NumChannels"),
    ({"PE": 5}, "PE"),
    ({"PE": 0}, "PE"),
    ({"ACCU_WIDTH": 33}, "ACCU_WIDTH"),
    ({"PORT_WIDTH": 14}, "PORT_WIDTH"),
    ({"PORT_WIDTH": 1}, "PORT_WIDTH"),
    ({"OUT_WIDTH": 1}, "OUT_WIDTH"),
    ({"OUT_WIDTH": 17}, "OUT_WIDTH"),
    ({"M_WIDTH": 1}, "M_WIDTH"),
    ({"M_WIDTH": 35}, "M_WIDTH"),
    ({"B_WIDTH": 1}, "B_WIDTH"),
    ({"B_WIDTH": 41}, "B_WIDTH"),
    ({"B_SHIFT": 18}, "B_SHIFT"),
    ({"SHIFT": 47}, "SHIFT"),
    ({"SHIFTS": 3}, "SHIFTS"),
    ({"SHIFTS": 2, "SHIFT_STEP": 0}, "SHIFT_STEP"),
    ({"SETS": 0}, "SETS"),
    ({"SETS": 257}, "SETS"),
    ({"RAM_STYLE": "ultra"}, "RAM_STYLE"),
]
FAULT = ("product_q) + offset", "product_q) - offset")
RATE = [expand(NumChannels=144, pixels=20), project(NumChannels=24, PE=2, SETS=2, pixels=200)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
