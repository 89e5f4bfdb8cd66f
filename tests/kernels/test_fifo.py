"""fifo against its golden model."""

from pathlib import Path

import pytest

from hw.design import Design
from hw.kernels.fifo import Fifo
from hw.library import sources
from sim.bench.check import simulate
from sim.bench.plan import Beats, Case
from tests.kernels.suite import Bad, suite

GRID = [
    Fifo(DEPTH=2, STREAM_WIDTH=8, beats=40),
    Fifo(DEPTH=5, STREAM_WIDTH=24, beats=60),
    Fifo(DEPTH=16, STREAM_WIDTH=8, RAM_STYLE="block", beats=64),
    Fifo(DEPTH=32, STREAM_WIDTH=8, beats=100),
    Fifo(DEPTH=3, STREAM_WIDTH=16, beats=1),
    Fifo(DEPTH=33, STREAM_WIDTH=72, beats=150),
    Fifo(DEPTH=4, STREAM_WIDTH=256, beats=33),
    Fifo(DEPTH=100, STREAM_WIDTH=8, beats=400),
    Fifo(DEPTH=64, STREAM_WIDTH=32, beats=300),
    Fifo(DEPTH=1000, STREAM_WIDTH=32, RAM_STYLE="block", beats=3000),
    Fifo(DEPTH=4096, STREAM_WIDTH=64, RAM_STYLE="ultra", beats=6000),
    Fifo(DEPTH=512, STREAM_WIDTH=16, beats=1500),
    Fifo(DEPTH=16384, STREAM_WIDTH=8, RAM_STYLE="ultra", beats=20_000),
    Fifo(DEPTH=9001, STREAM_WIDTH=24, RAM_STYLE="ultra", beats=12_000),
    Fifo(DEPTH=4112, STREAM_WIDTH=128, RAM_STYLE="ultra", beats=6000),
]
BAD: Bad = [
    ({"DEPTH": 1}, "DEPTH"),
    ({"DEPTH": 0}, "DEPTH"),
    ({"STREAM_WIDTH": 0}, "STREAM_WIDTH"),
    ({"STREAM_WIDTH": 12}, "STREAM_WIDTH"),
    ({"RAM_STYLE": "flash"}, "RAM_STYLE"),
]
FAULT = ("pull || (room_q", "!pull || (room_q")
RATE = [
    Fifo(DEPTH=2, STREAM_WIDTH=8, beats=2000),
    Fifo.example(DEPTH=7, RAM_STYLE="block", beats=2000),
]

test_grid, test_bad, test_fault, test_rate = suite(GRID, BAD, FAULT, RATE)


@pytest.mark.parametrize(("depth", "style"), [(2, "distributed"), (5, "distributed"), (8, "block")])
def test_capacity(depth: int, style: str) -> None:
    """It takes exactly DEPTH + 1 beats while none leaves."""
    files = (*sources("fifo"), Path(__file__).with_name("fifo_capacity.sv"))
    design = Design("fifo_capacity", files, {"DEPTH": depth, "RAM_STYLE": style}, {})
    said = Beats([Fifo.example(DEPTH=depth, RAM_STYLE=style).capacity], [1], 32)
    case = Case("capacity", "none", 1, {}, {"m_axis": said}, {"m_axis": 1}, None, 1000)
    (outcome,) = simulate(design, [case])
    assert outcome.faults == []
    assert outcome.compared == 1
