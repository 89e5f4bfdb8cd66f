"""Expected cycles of HLS kernels: the iterations that they count on are those that the compiled
loops make.
"""

import numpy as np
import pytest

from hw.hls.source import kernel_top
from hw.library import kernel_class
from hw.spec.hls import ENTRY_CYCLES, HlsLoop
from sim.csim.library import Library, beats_of
from tests.kernels.grids import grid, names

ONCE = {"mvau_load", "vvau_load"}
"""Loops that run before the first frame."""
INSIDE = {"attention_requant": "requant_set"}
"""Loops of one iteration that stand in another, pipelined one."""


def wrong_trips(kernels):
    """(kernel, setting, counted, expected) of every frame in which they differ, and frames run."""
    tops = [kernel_top(f"{k.name}_{i}", k, i) for i, k in enumerate(kernels)]
    library = Library(tops, counted=True)
    rng = np.random.default_rng(3)
    wrong, frames = [], 0
    for top, kernel in zip(tops, kernels, strict=True):
        once = kernel.setup()
        for setting in kernel.settings():
            frame = kernel.stimulus(rng, "random", **setting)
            given = {k: beats_of(s, [(once | frame)[k]]) for k, s in kernel.inputs().items()}
            if frames and once:
                given |= {k: given[k][:0] for k in once if setting != kernel.settings()[0]}
            library.run(top.name, 1, given)
            counted = {k: n for k, n in library.trips().items() if k not in ONCE}
            expected: dict[str, int] = {}
            for loop in kernel.hls_loops(**setting):
                expected[loop.function] = expected.get(loop.function, 0) + loop.trips
                if loop.function in INSIDE:
                    expected[INSIDE[loop.function]] = loop.trips
            frames += 1
            if counted != expected:
                wrong.append((top.name, setting, counted, expected))
    return wrong, frames


def test_the_first_set_of_every_kernel_has_the_loops_that_it_says(record_property):
    wrong, frames = wrong_trips([grid(name)[0] for name in names()])
    assert wrong == []
    record_property("frames counted", frames)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_set_has_the_loops_that_it_says(name, record_property):
    wrong, frames = wrong_trips(grid(name))
    assert wrong == []
    record_property("frames counted", frames)


@pytest.mark.parametrize("name", names())
def test_estimates_lie_above_what_the_folding_asks(name):
    """A frame cannot be quicker than its beats, and not much slower without a loop that is entered
    again and again.
    """
    for kernel in grid(name):
        for setting in kernel.settings():
            loops = kernel.hls_loops(**setting)
            interval, latency = kernel.hls_interval(**setting), kernel.hls_latency(**setting)
            beats = max(s.beats for s in kernel.outputs().values())
            assert interval > (beats if not setting else 0)
            assert interval <= latency + max(loop.stages for loop in loops)
            once = max(loop.trips for loop in loops)
            entered = max(loop.entries for loop in loops)
            assert interval <= once + entered * 40


def test_a_loop_that_is_entered_for_each_row_pays_for_it():
    flat, rows = HlsLoop("f", 100, 1, 6), HlsLoop("f", 100, 10, 6)
    assert flat.cycles == 100 + 5 + ENTRY_CYCLES
    assert rows.cycles == 100 + 10 * (5 + ENTRY_CYCLES)
    plain = kernel_class("matmul").example()
    ragged = kernel_class("matmul").example(RAGGED=True, PE=2)
    assert ragged.hls_interval() > plain.hls_interval()
    assert plain.hls_latency() > plain.hls_interval()
