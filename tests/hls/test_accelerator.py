"""Whole graphs as HLS top functions: the codes of the integer program, frame after frame."""

import pytest

from hw.fold.block import Style
from hw.fold.folding import cheapest
from hw.stitch.accelerator import accelerator
from tests.fold.tiny_model import BUDGET, GRAPHS, LONGEST, SOURCE, blocks, dataflow
from tests.hls.whole_frames import LENGTH, compare, whole_frames

PACE = 40_000


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_gives_the_programs_codes(graph, record_property):
    made = accelerator(dataflow(graph), blocks(graph, PACE))
    lengths = (LONGEST, 17, 1) if LENGTH in made.netlist.inputs() else (0, 0)
    outcome = compare(SOURCE, graph, made, lengths)
    assert outcome.compared > 0 and outcome.wrong == 0
    record_property("outputs compared", outcome.compared)


def test_memories_are_loaded_once_from_the_bytes_that_the_rtl_takes(record_property, capfd):
    flow = dataflow("memory_encoder")
    made = accelerator(
        flow, {x.name: cheapest(x, 20_000, Style(1e6, 1), BUDGET) for x in flow.layers}
    )
    assert made.setup
    for _ in range(2):  # a second library in the process has memories of its own
        outcome = compare(SOURCE, "memory_encoder", made, (0, 0, 0))
        assert outcome.compared > 0 and outcome.wrong == 0
    said = capfd.readouterr()
    assert "leftover data" not in said.out + said.err
    record_property("outputs compared", outcome.compared)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "board", "frames"), [("pico", "PYNQ-Z2", 3), ("nano", "KV260", 1)]
)
def test_whole_frames_of_shipped_models_equal_the_program(config, board, frames, record_property):
    outcomes = list(whole_frames(config, board, frames))
    assert len(outcomes) >= 4
    assert {o.graph: o.wrong for o in outcomes if o.wrong} == {}
    record_property("outputs compared", sum(o.compared for o in outcomes))
