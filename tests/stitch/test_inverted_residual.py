"""The trained inverted residual of nano, stitched of kernels: equal to the goldens of its parts and
within what it may take.
"""

import numpy as np
import pytest
import torch

from hw.ops.program import Program
from sim.bench.check import check, plan, simulate
from sim.graph import GraphExecutor
from tests.host.fake_device import sizes
from tests.kernels.blocks import BLOCKS, BUNDLES, STAGE, nano_block, whole_cost


@pytest.fixture(scope="module")
def small():
    return nano_block(6)


def test_every_beat_equals_golden_under_all_stalls(small, tmp_path, record_property):
    report = check(small, small.design(tmp_path), frames=1)
    record_property("outputs compared", report.compared)
    assert report.faults == []


def test_its_golden_is_the_program_that_the_tracker_runs():
    """Composed of kernels, the block computes what the bundle's nodes compute."""
    folder = next(BUNDLES.glob("nano_emulated_*"))
    program = Program.load(folder, "image_encoder")
    image = np.random.default_rng(3).integers(-128, 128, sizes(program.inputs[0])).astype(np.int8)
    seen = GraphExecutor(folder, "image_encoder").trace({"image": image})
    nodes = {node.name: node for node in program.nodes}
    before = seen[nodes[f"{STAGE}.expand.conv"].inputs[0]]
    after = seen[nodes[f"{STAGE}.grid.join_add"].output]
    block = nano_block(64)
    codes = before[0].transpose(1, 2, 0).astype(np.int8).view(np.uint8)  # the fork reads bytes
    codes = torch.from_numpy(codes.reshape(-1))
    found = block.golden({"s_axis": codes})["m_axis"].numpy()
    np.testing.assert_array_equal(found.ravel(), after[0].transpose(1, 2, 0).ravel())


@pytest.mark.slow
def test_cycles_and_resources_stay_within_the_bounds(tmp_path):
    block = BLOCKS[0]
    netlist = block.make()
    frame = [case for case in plan(netlist) if case.name.startswith("1 frames")]
    (outcome,) = simulate(netlist.design(tmp_path), frame)
    assert outcome.faults == []
    assert outcome.cycles <= block.cycles
    cost = whole_cost(netlist)
    assert cost.lut <= block.lut and cost.dsp <= block.dsp
