"""concat against its golden model."""

from hw.kernels.concat import Concat
from tests.kernels.suite import suite

GRID = [
    Concat(NumChannels0=2, NumChannels1=4, PE=2, ELEM_WIDTH=4, pixels=20),
    Concat(NumChannels0=3, NumChannels1=3, PE=3, ELEM_WIDTH=3, pixels=20),
    Concat(NumChannels0=6, NumChannels1=1, PE=1, ELEM_WIDTH=8, pixels=10),
    Concat(NumChannels0=1, NumChannels1=1, PE=1, ELEM_WIDTH=1, pixels=1),
    Concat(NumChannels0=4, NumChannels1=4, PE=1, ELEM_WIDTH=32, pixels=3),
    Concat(NumChannels0=64, NumChannels1=24, PE=8, ELEM_WIDTH=4, pixels=64),
    Concat(NumChannels0=24, NumChannels1=64, PE=4, ELEM_WIDTH=8, pixels=64),
    Concat(NumChannels0=6, NumChannels1=9, PE=3, ELEM_WIDTH=5, pixels=30),
    Concat(NumChannels0=32, NumChannels1=32, PE=16, ELEM_WIDTH=4, pixels=100),
    Concat(NumChannels0=64, NumChannels1=64, PE=2, ELEM_WIDTH=4, pixels=16),
]
BAD = [
    ({"PE": 0}, "PE"),
    ({"NumChannels0": 0}, "NumChannels0"),
    ({"NumChannels0": 3}, "NumChannels0"),
    ({"NumChannels1": 0}, "NumChannels1"),
    ({"NumChannels1": 5}, "NumChannels1"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
]
FAULT = ("left_q - 1'b1", "left_q + 1'b1")
RATE = [Concat(NumChannels0=16, NumChannels1=8, PE=4, ELEM_WIDTH=4, pixels=300)]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)
