"""split against its golden model."""

from hw.kernels.split import Split
from tests.kernels.suite import suite

GRID = [
    Split(N=20, NumChannels0=2, NumChannels1=4, PE=2, ELEM_WIDTH=4),
    Split(N=20, NumChannels0=3, NumChannels1=3, PE=3, ELEM_WIDTH=3),
    Split(N=10, NumChannels0=5, NumChannels1=1, PE=1, ELEM_WIDTH=8),
    Split(N=1, NumChannels0=1, NumChannels1=1, PE=1, ELEM_WIDTH=1),
    Split(N=3, NumChannels0=4, NumChannels1=4, PE=1, ELEM_WIDTH=32),
    Split(N=64, NumChannels0=64, NumChannels1=24, PE=8, ELEM_WIDTH=4),
    Split(N=64, NumChannels0=24, NumChannels1=64, PE=4, ELEM_WIDTH=8),
    Split(N=30, NumChannels0=6, NumChannels1=9, PE=3, ELEM_WIDTH=5),
    Split(N=100, NumChannels0=32, NumChannels1=32, PE=16, ELEM_WIDTH=4),
    Split(N=256, NumChannels0=8, NumChannels1=8, PE=2, ELEM_WIDTH=4),
]
BAD = [
    ({"N": 0}, "N"),
    ({"PE": 0}, "PE"),
    ({"NumChannels0": 0}, "NumChannels0"),
    ({"NumChannels0": 3}, "NumChannels0"),
    ({"NumChannels1": 0}, "NumChannels1"),
    ({"NumChannels1": 5}, "NumChannels1"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
]
FAULT = ("turn && pixels_q == 0", "turn || pixels_q == 0")
RATE = [Split(N=300, NumChannels0=16, NumChannels1=8, PE=4, ELEM_WIDTH=4)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
