"""Requantizers of the bundles' convolutions as kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hw.fold.kernels import requantizer
from hw.ops.integers import bounds
from hw.ops.program import Program
from hw.ops.requant import requant
from hw.spec.dtypes import IntType
from sim.bench.check import check

ROOT = Path(__file__).parents[2]
BUNDLES = sorted((ROOT / "bitstreams").glob("[np]*o_emulated_*"))  # nano and pico


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda f: f.name.partition("_")[0])
def test_the_stem_takes_two_multipliers_a_lane(folder: Path) -> None:
    """Its sums are too wide for one; the codes are the program's at every reachable sum."""
    program = Program.load(folder, "image_encoder")
    nodes = {node.name: node for node in program.nodes}
    conv, node = nodes["backbone.stem.conv"], nodes["backbone.stem.requant"]
    dtype = next(port.dtype for port in program.inputs if port.name == conv.inputs[0])
    assert dtype is not None
    kernel = requantizer(conv, node, dtype, pixels=64)
    assert kernel.cost().dsp == 2

    low, high = bounds(conv.params["weight"], dtype.min, dtype.max)
    m, b, n = (torch.from_numpy(node.params[k]) for k in "mbn")
    accu = IntType(kernel.ACCU_WIDTH)
    for sums in np.array_split(np.arange(accu.min, accu.max + 1), 64):
        acc = torch.from_numpy(np.repeat(sums[:, None], kernel.NumChannels, 1))
        wanted = requant(acc, m, b, n, node.attrs["low"], node.attrs["high"])
        found = kernel.golden({"s_axis": acc})["m_axis"]
        reached = (sums[:, None] >= low) & (sums[:, None] <= high)
        assert np.array_equal(found.numpy()[reached], wanted.numpy()[reached])
    assert check(kernel).faults == []
