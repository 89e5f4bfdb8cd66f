"""What a bundle's kernels take of a device, by Yosys, is what each takes alone."""

from dataclasses import replace

import pytest

from hw import board as boards
from hw.build import resources
from hw.build.folded import fold
from hw.search.target import Target
from hw.spec.errors import BundleError
from hw.spec.kernel import Cost
from hw.spec.manifest import load_manifest
from hw.stitch.netlist import Netlist
from hw.synth import SynthesisError, measure
from tests.fold.tiny_model import SOURCE

BOARD = boards.find("PYNQ-Z2")
GRAPH = "memory_encoder"


@pytest.fixture(scope="module")
def two_kernels():
    """`tiny` with one graph, of which a requantizer and a FIFO are left, each of them twice."""
    whole = fold(SOURCE, load_manifest(SOURCE), BOARD, Target(1e9, 1e9, 1e9))
    made = whole.accelerators[GRAPH]
    kernels = made.netlist.instances
    kept = [next(n for n, k in kernels.items() if k.name == name) for name in ("requant", "fifo")]
    instances = {name: kernels[name] for name in kept}
    instances |= {f"{name}_again": kernels[name] for name in kept}
    wires = [
        pair
        for name, kernel in instances.items()
        for pair in (
            *((f"s_{name}_{port}", f"{name}.{port}") for port in kernel.inputs()),
            *((f"{name}.{port}", f"m_{name}_{port}") for port in kernel.outputs()),
        )
    ]
    netlist = Netlist("two kernels", instances, tuple(wires))
    return replace(whole, accelerators={GRAPH: replace(made, netlist=netlist)})


def test_kernels_side_by_side_take_what_they_take_alone(two_kernels, tmp_path):
    said = []
    found = resources.synthesise(two_kernels, jobs=1, say=lambda done, all_: said.append(all_))
    kernels = two_kernels.accelerators[GRAPH].netlist.instances.values()
    alone = [measure(resources.normal(kernel), BOARD.family) for kernel in kernels]
    assert list(found) == [GRAPH] and set(said) == {2}  # equal kernels are mapped once
    total = sum(found[GRAPH].values(), Cost())
    assert total == sum(alone, Cost()) and total.lut > 0 and total.ff > 0

    resources.save(tmp_path, found)
    assert resources.load(tmp_path) == found
    (tmp_path / resources.FILE).write_text('{"memory_encoder": {"x": {"lut": "many"}}}')
    with pytest.raises(BundleError, match=resources.FILE):
        resources.load(tmp_path)


def test_a_cell_that_is_not_in_the_table_is_named():
    module = {"cells": {"a": {"type": "LUT6"}, "b": {"type": "GTHE4_CHANNEL"}}}
    with pytest.raises(SynthesisError, match="skid: Yosys left cells GTHE4_CHANNEL"):
        resources.cost_of(module, "skid")
