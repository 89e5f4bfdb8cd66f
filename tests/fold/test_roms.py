"""The integers in the ROMs are those that golden runs, in every layer of `nano`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hw import board as boards
from hw.build.folded import Folded, dataflows, fold
from hw.fold.block import Block, Folding, Style
from hw.fold.conv_blocks import DenseBlock
from hw.fold.layers import Conv
from hw.kernels.attention import Attention
from hw.kernels.requant import Requant
from hw.lower.errors import LoweringError
from hw.ops.program import Node, Program
from hw.search.target import Target
from hw.spec.kernel import RomImage
from hw.spec.manifest import load_manifest

SOURCE = next((Path(__file__).parents[2] / "bitstreams").glob("nano_emulated_*"))


@pytest.fixture(scope="module")
def folded() -> Folded:
    manifest = load_manifest(SOURCE)
    return fold(SOURCE, manifest, boards.find("KV260"), Target(1e12, 1e12, 1e12))


def stored(kernel: Requant, memory: RomImage) -> dict[str, np.ndarray]:
    """m, b, n (NumChannels,) as `requant.sv` takes them out of its ROM of one set."""
    select = (kernel.SHIFTS - 1).bit_length()
    lane = select + kernel.B_WIDTH + kernel.M_WIDTH
    assert memory.width == kernel.PE * lane
    found: dict[str, list[int]] = {"m": [], "b": [], "n": []}
    for word in memory.words:
        for i in range(kernel.PE):
            bits = word >> (i * lane)
            found["m"].append(bits % (1 << kernel.M_WIDTH))
            offset = (bits >> kernel.M_WIDTH) % (1 << kernel.B_WIDTH)
            offset -= (offset >> (kernel.B_WIDTH - 1)) << kernel.B_WIDTH
            found["b"].append(offset << kernel.B_SHIFT)
            shift = (bits >> (kernel.M_WIDTH + kernel.B_WIDTH)) % (1 << select)
            found["n"].append(kernel.SHIFT + shift * kernel.SHIFT_STEP)
    return {k: np.array(v) for k, v in found.items()}


def requant_of(block: Block) -> Requant | None:
    for kernel in block.kernels.values():
        if isinstance(kernel, Requant):
            return kernel
        if isinstance(kernel, Attention):
            return kernel.requant
    return None


def test_roms_hold_the_integers_that_golden_runs(folded: Folded) -> None:
    layers = integers = 0
    for graph, plan in folded.plans.items():
        nodes = {n.name: n for n in Program.load(SOURCE, graph).nodes if n.op == "requant"}
        for block in plan.blocks.values():
            kernel = requant_of(block)
            if kernel is None:
                continue
            node = nodes.pop(block.layer.nodes["requant"].name)
            assert not node.params["channels"].size  # all by integers, none by thresholds
            (memory,) = kernel.memories().values()
            for name, values in stored(kernel, memory).items():
                golden = node.params[name]
                lanes = kernel.NumChannels // len(golden)
                np.testing.assert_array_equal(values, np.repeat(golden, lanes), node.name)
                integers += len(golden)
            layers += 1
        assert not nodes, f"requantizers of {graph} without hardware: {', '.join(nodes)}"
    print(f"{layers} layers, {integers:,} integers")
    assert layers == 182 and integers == 45_600  # all that `nano` has


def test_layers_without_integers_for_hardware_are_refused() -> None:
    """A node on thresholds, whose channels no kernel with few shifts follows."""
    flow = dataflows(SOURCE, load_manifest(SOURCE))["memory_encoder"]
    layer = next(x for x in flow.layers if isinstance(x, Conv) and not x.depthwise)
    node = layer.nodes["requant"]
    bare = Node(node.name, node.op, node.inputs, node.output, node.attrs, node.params)
    changed = type(layer)(**{**vars(layer), "nodes": {**layer.nodes, "requant": bare}})
    with pytest.raises(LoweringError, match=f"{node.name}.*four shifts or fewer"):
        _ = DenseBlock(changed, Folding(), Style()).kernels
