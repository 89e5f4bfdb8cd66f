"""transpose against its golden model."""

import pytest

from hw.kernels.transpose import Transpose
from sim.bench.check import check
from tests.kernels.suite import LEAST_RATE, Bad, suite

GRID = [
    Transpose(A=5, B=3, INNER=2, PE=2, ELEM_WIDTH=4),
    Transpose(A=4, B=6, INNER=1, PE=1, ELEM_WIDTH=8, RAM_STYLE="block"),
    Transpose(A=2, B=7, INNER=3, PE=3, ELEM_WIDTH=3),
    Transpose(A=1, B=1, INNER=1, PE=1, ELEM_WIDTH=1),
    Transpose(A=1, B=5, INNER=2, PE=1, ELEM_WIDTH=32),
    Transpose(A=5, B=1, INNER=2, PE=1, ELEM_WIDTH=4),
    Transpose(A=1, B=1, INNER=6, PE=4, ELEM_WIDTH=4),
    Transpose(A=2, B=1, INNER=1, PE=2, ELEM_WIDTH=4),
    Transpose(A=64, B=4, INNER=4, PE=4, ELEM_WIDTH=4, RAM_STYLE="block"),
    Transpose(A=4, B=64, INNER=4, PE=4, ELEM_WIDTH=4, RAM_STYLE="block"),
    Transpose(A=13, B=2, INNER=8, PE=4, ELEM_WIDTH=8),
    Transpose(A=13, B=64, INNER=1, PE=1, ELEM_WIDTH=8, RAM_STYLE="block"),
    Transpose(A=33, B=17, INNER=1, PE=1, ELEM_WIDTH=8),
    Transpose(A=64, B=2, INNER=8, PE=8, ELEM_WIDTH=8, RAM_STYLE="ultra"),
    Transpose(A=8, B=8, INNER=1, PE=1, ELEM_WIDTH=4),
]
BAD: Bad = [
    ({"A": 0}, "A"),
    ({"B": 0}, "B"),
    ({"INNER": 0}, "INNER"),
    ({"PE": 0}, "PE"),
    ({"ELEM_WIDTH": 0}, "ELEM_WIDTH"),
    ({"ELEM_WIDTH": 33}, "ELEM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("raddr_q + stride", "raddr_q - stride")
RATE: list[Transpose] = []

test_grid, test_bad, test_fault, _ = suite(GRID, BAD, FAULT)


@pytest.mark.parametrize(
    "kernel", [Transpose.example(A=32, B=4, INNER=4), Transpose.example(A=3, B=2, INNER=1)]
)
def test_rate(kernel: Transpose) -> None:
    """A frame can leave only when it is all there, so a run of frames takes one frame's time more;
    what each further frame adds is the rate.
    """
    added = kernel.cycles(3) - kernel.cycles(1)
    assert 2 * kernel.ideal_cycles() >= LEAST_RATE * added
    assert check(kernel, stalls=False).faults == []
