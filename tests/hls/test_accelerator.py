"""Whole graphs as HLS top functions: the codes of the integer program, frame after frame."""

import numpy as np
import pytest

from hw.fold.block import Style
from hw.fold.folding import cheapest
from hw.hls.accelerator import netlist_top
from hw.ops.program import Program
from hw.spec.stream import Stream
from hw.stitch.accelerator import SETUP, accelerator
from sim.csim.library import Library
from sim.graph import GraphExecutor
from tests.fold.tiny_model import BUDGET, GRAPHS, LONGEST, SOURCE, blocks, dataflow

PACE = 40_000
LENGTH = "s_axis_length"


def frames_of(program, lengths):
    """Codes by port, one frame for each length of ragged inputs."""
    rng = np.random.default_rng(11)
    return [
        {
            p.name: rng.integers(
                p.dtype.min, p.dtype.max + 1, [length if n is None else n for n in p.shape]
            ).astype(p.dtype.numpy)
            for p in program.inputs
        }
        for length in lengths
    ]


def beats(made, frames, lengths):
    """Bytes of every input stream of an accelerator, frame after frame."""
    streams = made.netlist.inputs()
    given = {}
    for end in made.inputs:
        kind = streams[end.name]
        packed = []
        for frame in frames:
            codes = np.ascontiguousarray(frame[end.port].transpose(0, 2, 3, 1)).astype(np.int64)
            rows = codes.reshape(-1, codes.shape[-1])
            if end.ragged:  # filled up with any codes
                more = -len(rows) % end.rows
                rows = np.concatenate([rows, np.full((more, rows.shape[1]), 7)])
            packed.append(Stream((rows.size,), kind.dtype, kind.lanes).pack(rows.ravel()))
        given[end.name] = np.concatenate(packed)
    if LENGTH in streams:
        given[LENGTH] = np.concatenate([streams[LENGTH].pack(np.array([n])) for n in lengths])
    if made.setup:
        given[SETUP] = np.frombuffer(made.setup, np.uint8).reshape(-1, 1)
    return given


def compare(graph, made, lengths):
    """Codes compared; fails where one differs from the program's."""
    library = Library([netlist_top(made.netlist)])
    frames = frames_of(Program.load(SOURCE, graph), lengths)
    found = library.run(made.netlist.title, len(frames), beats(made, frames, lengths))
    executor = GraphExecutor(SOURCE, graph)
    wanted = [{k: v.copy() for k, v in executor.run(f).items()} for f in frames]
    compared = 0
    for end in made.outputs:
        codes = made.netlist.outputs()[end.name].unpack(found[end.name])
        right = np.concatenate([w[end.port].transpose(0, 2, 3, 1).ravel() for w in wanted])
        np.testing.assert_array_equal(codes, right, end.port)
        compared += right.size
    return compared


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_gives_the_programs_codes(graph, record_property):
    made = accelerator(dataflow(graph), blocks(graph, PACE))
    lengths = (LONGEST, 17, 1) if LENGTH in made.netlist.inputs() else (0, 0)
    record_property("outputs compared", compare(graph, made, lengths))


def test_memories_are_loaded_once_from_the_bytes_that_the_rtl_takes(record_property):
    flow = dataflow("memory_encoder")
    made = accelerator(
        flow, {x.name: cheapest(x, 20_000, Style(1e6, 1), BUDGET) for x in flow.layers}
    )
    assert made.setup
    record_property("outputs compared", compare("memory_encoder", made, (0, 0, 0)))
