"""dwc against its golden model."""

from hw.kernels.dwc import Dwc
from tests.kernels.suite import suite

GRID = [
    Dwc(IN_LANES=4, OUT_LANES=1, ELEM_WIDTH=4, groups=20),
    Dwc(IN_LANES=1, OUT_LANES=3, ELEM_WIDTH=8, groups=20),
    Dwc(IN_LANES=8, OUT_LANES=3, ELEM_WIDTH=4, groups=10),
    Dwc(IN_LANES=3, OUT_LANES=4, ELEM_WIDTH=5, groups=10),
    Dwc(IN_LANES=6, OUT_LANES=4, ELEM_WIDTH=4, groups=1),
    Dwc(IN_LANES=2, OUT_LANES=1, ELEM_WIDTH=1, groups=1),
    Dwc(IN_LANES=1, OUT_LANES=2, ELEM_WIDTH=32, groups=1),
    Dwc(IN_LANES=5, OUT_LANES=7, ELEM_WIDTH=3, groups=4),
    Dwc(IN_LANES=7, OUT_LANES=5, ELEM_WIDTH=3, groups=4),
    Dwc(IN_LANES=16, OUT_LANES=4, ELEM_WIDTH=8, groups=50),
    Dwc(IN_LANES=4, OUT_LANES=16, ELEM_WIDTH=4, groups=50),
    Dwc(IN_LANES=12, OUT_LANES=1, ELEM_WIDTH=4, groups=40),
    Dwc(IN_LANES=8, OUT_LANES=12, ELEM_WIDTH=8, groups=30),
    Dwc(IN_LANES=64, OUT_LANES=8, ELEM_WIDTH=4, groups=30),
    Dwc(IN_LANES=12, OUT_LANES=8, ELEM_WIDTH=8, groups=30),
]
BAD = [
    ({"IN_LANES": 0}, "IN_LANES"),
    ({"OUT_LANES": 0}, "OUT_LANES"),
    ({"OUT_LANES": 4}, "OUT_LANES"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
]
FAULT = ("place_q - BACK", "place_q + BACK")
RATE = [
    Dwc(IN_LANES=8, OUT_LANES=1, ELEM_WIDTH=4, groups=250),
    Dwc(IN_LANES=1, OUT_LANES=8, ELEM_WIDTH=4, groups=250),
    Dwc(IN_LANES=3, OUT_LANES=4, ELEM_WIDTH=4, groups=500),
    Dwc(IN_LANES=8, OUT_LANES=3, ELEM_WIDTH=4, groups=250),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
