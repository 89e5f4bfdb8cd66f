"""Graphs stitched of kernels: their golden is the program's, their ends are what is promised."""

import numpy as np
import pytest
import torch

from hw.fold.block import Style
from hw.fold.conv_blocks import DenseBlock
from hw.fold.folding import INSIDE, cheapest
from hw.kernels.fifo import Fifo
from hw.ops.program import Program
from hw.spec.errors import SpecError
from hw.stitch.accelerator import MOST_INPUTS, accelerator, apart, planned
from hw.stitch.cuts import is_cut
from sim.graph import GraphExecutor
from tests.fold.tiny_model import BUDGET, GRAPHS, LONGEST, SOURCE, blocks, dataflow
from tests.hls.whole_frames import codes_of


def by_golden(made, codes, length):
    """Outputs in stream order by port."""
    given = {
        e.name: torch.from_numpy(
            np.ascontiguousarray(codes[e.port].transpose(0, 2, 3, 1)).astype(np.int64)
        ).reshape(made.netlist.inputs()[e.name].shape)
        for e in made.inputs
    }
    if "s_axis_length" in made.netlist.inputs():
        given["s_axis_length"] = torch.tensor([length])
    return {e.port: made.netlist.golden(given)[e.name].numpy().ravel() for e in made.outputs}


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("pace", [4000, 40_000])
def test_kernels_compute_what_the_program_does(graph, pace):
    flow = dataflow(graph)
    chosen = {x.name: cheapest(x, max(pace, 12_000), Style(), BUDGET) for x in flow.layers}
    made = accelerator(flow, chosen)
    (codes,) = codes_of(Program.load(SOURCE, graph), [LONGEST])
    wanted = GraphExecutor(SOURCE, graph).run(codes)
    found = by_golden(made, codes, LONGEST)
    for port, array in wanted.items():
        np.testing.assert_array_equal(found[port], array.transpose(0, 2, 3, 1).ravel(), port)


@pytest.mark.parametrize("graph", GRAPHS)
def test_skids_stand_where_the_schedule_counts_them(graph):
    flow, chosen = dataflow(graph), blocks(graph, 40_000)
    made = accelerator(flow, chosen)
    assert accelerator(flow, chosen, most=None).skids == {}
    named = {(x.name, i) for x in flow.layers for i in (INSIDE, *range(len(x.inputs)))}
    assert made.skids and made.skids.keys() <= named
    skids = [n for n, k in made.netlist.instances.items() if is_cut(n, k)]
    # All but those of outputs and of a length; one before a fork counts for each of its readers.
    assert sum(made.skids.values()) >= len(skids) - len(flow.outputs) - 1
    with_skids, without = planned(flow, chosen, made.skids).cycles, planned(flow, chosen).cycles
    assert abs(with_skids - without) < 0.1 * without
    if graph == "memory_encoder":  # where nobody waits for another, they only take their cycle
        assert 0 < with_skids - without <= len(skids)


def test_memories_that_are_loaded_come_over_one_stream():
    flow = dataflow("memory_encoder")
    chosen = {x.name: cheapest(x, 20_000, Style(1e6, 1), BUDGET) for x in flow.layers}
    made = accelerator(flow, chosen)
    loaded = [k for k in made.netlist.instances.values() if "s_axis_weights" in k.setup()]
    assert len(loaded) >= 3
    sizes = [k.inputs()["s_axis_weights"] for k in loaded]
    assert len(made.setup) == sum(s.beats * s.width // 8 for s in sizes)
    assert made.netlist.setup()["s_axis_weights"].tolist() == list(made.setup)
    (codes,) = codes_of(Program.load(SOURCE, "memory_encoder"), [0])
    wanted = GraphExecutor(SOURCE, "memory_encoder").run(codes)
    found = by_golden(made, codes, 0)
    for port, array in wanted.items():
        np.testing.assert_array_equal(found[port], array.transpose(0, 2, 3, 1).ravel(), port)


@pytest.mark.parametrize("graph", GRAPHS)
def test_an_accelerator_has_few_streams(graph):
    made = accelerator(dataflow(graph), blocks(graph, 40_000))
    for ends in (made.inputs, made.outputs):
        assert [e.number for e in ends] == list(range(len(ends))) and len(ends) <= MOST_INPUTS
    ports = [e.port for e in made.inputs]
    for port in apart(dataflow(graph)):
        assert ports.count(port) == len(dataflow(graph).readers(dataflow(graph).inputs[port]))


def test_a_fifo_is_as_deep_as_it_is_told():
    graph = "memory_encoder"
    made = accelerator(dataflow(graph), blocks(graph, 40_000), {("trunk.2", 0): 16})
    fifo = made.netlist.instances["trunk_2_in0_keep"]
    assert isinstance(fifo, Fifo) and fifo.DEPTH == 16 * 16 and made.fifos[("trunk.2", 0)] == 16


class Circular(DenseBlock):
    """A convolution whose codes go back into its own products."""

    @property
    def wires(self):
        return [*super().wires, ("requant.m_axis", "mvu.s_axis")]


def test_kernels_wired_in_a_circle_are_refused():
    flow, chosen = dataflow("memory_encoder"), dict(blocks("memory_encoder", 40_000))
    name, block = next((n, b) for n, b in chosen.items() if isinstance(b, DenseBlock))
    chosen[name] = Circular(block.layer, block.folding, block.style)
    with pytest.raises(SpecError, match=r"memory_encoder: wired in a circle: .*_mvu -> "):
        accelerator(flow, chosen)
