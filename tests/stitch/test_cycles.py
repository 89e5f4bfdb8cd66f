"""Accelerators in simulation take the cycles that their plan says."""

import numpy as np
import pytest

from hw.fold.block import Folding, Style
from hw.fold.blocks import block
from hw.fold.joint_blocks import MaskBlock
from hw.fold.pace import Times
from hw.stitch.accelerator import accelerator, planned
from sim.bench.check import plan, simulate
from tests.fold.tiny_model import GRAPHS, blocks, dataflow

SERIAL = {  # sums of many PE leave a code at a time, which takes longer than the products
    "image_encoder": {"backbone.stages.1.0.expand": Folding(12, 2, 1)},
    "mask_decoder": {"mix4": Folding(8, 4, 1)},
}


def apart(graph, chosen, folder):
    """How far planned cycles lie from simulated ones, as a share of these."""
    flow = dataflow(graph)
    made = accelerator(flow, chosen)
    frame = [case for case in plan(made.netlist) if case.name.startswith("1 frames")]
    (outcome,) = simulate(made.netlist.design(folder), frame)
    assert outcome.faults == []
    return planned(flow, chosen, made.skids).cycles / outcome.cycles - 1


@pytest.mark.parametrize("graph", SERIAL)
def test_wide_sums_that_leave_a_code_at_a_time_are_planned(graph, tmp_path):
    chosen = dict(blocks(graph, 12_000))
    for layer in dataflow(graph).layers:
        if layer.name in SERIAL[graph]:
            chosen[layer.name] = block(layer, SERIAL[graph][layer.name], Style())
    assert abs(apart(graph, chosen, tmp_path)) <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize("graph", [g for g in GRAPHS if g != "memory_attention"])
@pytest.mark.parametrize("pace", [12_000, 40_000])
def test_paces_of_all_kinds_are_planned(graph, pace, tmp_path):
    assert abs(apart(graph, blocks(graph, pace), tmp_path)) <= 0.03


def test_who_makes_pixels_waits_for_the_product_of_the_one_before():
    """Four vectors of eight lanes: a pixel is read in the first of four passes of eight cycles."""
    layer = next(x for x in dataflow("mask_decoder").layers if x.name == "matmul_6")
    product = block(layer, Folding(1, 1, 1), Style())
    assert isinstance(product, MaskBlock) and product.interval == 256 * 32
    vectors = Times(np.zeros(4, np.int64), np.zeros(4, np.int64))
    made = np.arange(1, 257) * 40
    for held, ahead, pixel in ((0, 0, 40), (40, 24, 40), (40, 10, 54), (40, 0, 64)):
        pixels = Times(made - 39, made, held, ahead)
        done = product.run([vectors, pixels]).last
        assert done[-1] - done[-2] == pixel
        if held:
            assert product.between([0, 256 * held], [0, ahead]) == 256 * pixel
