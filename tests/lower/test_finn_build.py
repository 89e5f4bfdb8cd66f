"""FINN's build folder: what its builder will read, checked as far as that goes without Vivado."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from hw.board import find
from hw.lower.errors import LoweringError
from hw.lower.finn.build import main, write_build
from hw.lower.finn.folding import fold
from hw.lower.finn.hardware import hardware_graph
from hw.lower.finn.runtime import HARDWARE
from hw.ops.program import Program
from hw.spec.manifest import DETECTOR, GRAPHS
from tests.host.fake_device import sizes
from tests.tiny import bundled, exported

pytestmark = pytest.mark.finn

PLAN = {
    "memory_encoder": {"fuse1": {"PE": 4, "SIMD": 16}, "trunk": {"PE": 2}},
    "memory_attention": {"self_attention.product": {"PE": 4, "SIMD": 4}},  # of 16 keys
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("finn") / "tiny_kv260"
    return out, write_build(exported(detects=True), out, find("KV260"), folding=PLAN)


def folders(built):
    found = sorted(path for path in built[0].iterdir() if path.is_dir())
    assert {path.name for path in found} == {*GRAPHS, DETECTOR} == {b.graph for b in built[1]}
    return found


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def builder_source(name):
    spec = importlib.util.find_spec("finn")
    assert spec and spec.submodule_search_locations
    (folder,) = spec.submodule_search_locations
    return ast.parse((Path(folder) / "builder" / name).read_text(encoding="utf-8"))


def test_configurations_have_fields_and_steps_that_finn_knows(built):
    """From FINN's source: importing its builder takes packages that nothing else here needs."""
    tree = builder_source("build_dataflow_config.py")
    (config,) = (n for n in tree.body if getattr(n, "name", "") == "DataflowBuildConfig")
    fields = {ast.unparse(n.target) for n in config.body if isinstance(n, ast.AnnAssign)}
    (outputs,) = (n for n in tree.body if getattr(n, "name", "") == "DataflowOutputType")
    products = {ast.literal_eval(n.value) for n in outputs.body if isinstance(n, ast.Assign)}
    tree = builder_source("build_dataflow_steps.py")
    steps = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    steps.add("hw.lower.finn.ops.step_know_layers")  # by its whole name, as FINN imports others'
    for folder in folders(built):
        plain = read(folder / "dataflow_build_config.json")
        assert set(plain) <= fields and set(plain["steps"]) <= steps
        assert set(plain["generate_outputs"]) <= products
        assert plain["fpga_part"] == find("KV260").part and plain["board"] == "KV260_SOM"
        assert plain["synth_clk_period_ns"] == 5.0
        assert (folder / plain["folding_config_file"]).is_file()
        assert (folder / plain["model_path"]).is_file()


def test_graphs_are_specialised_and_named_as_finn_names_them(built):
    """This project's layers too are in FINN's list: no layer is left to others."""
    from finn.custom_op.fpgadataflow.hls import custom_op as hls
    from finn.custom_op.fpgadataflow.rtl import custom_op as rtl

    own = {"IntegerAttention_hls", "StreamProduct_hls"}
    seen = set()
    for folder in folders(built):
        model = onnx.load(str(folder / "model.onnx"))
        onnx.checker.check_model(model)
        names = read(folder / "layers.json")
        assert [n.name for n in model.graph.node] == list(names)
        for node in model.graph.node:
            assert node.op_type in hls or node.op_type in rtl
            assert node.domain.startswith(HARDWARE + ".")
            seen |= {node.op_type} & own
        whole = onnx.load(str(folder / "hardware.onnx"))
        assert sorted(n.name for n in whole.graph.node) == sorted(names.values())
        assert [o.name for o in whole.graph.output] == [o.name for o in model.graph.output]
    assert seen == own


def test_finns_builder_finds_the_step_that_makes_the_layers_known(built):
    """As it resolves a step that is not its own: by import, then by name."""
    for folder in folders(built):
        first = read(folder / "dataflow_build_config.json")["steps"][0]
        module, _, name = first.rpartition(".")
        model = object()
        assert getattr(importlib.import_module(module), name)(model, None) is model


def test_finns_partition_keeps_names_and_folding(built, tmp_path):
    """The builder's first steps, by FINN's transformations: one partition, the same names, and the
    folding lands where it was meant.
    """
    from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
    from finn.transformation.general import ApplyConfig
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp
    from qonnx.transformation.general import GiveUniqueNodeNames

    folder = built[0] / "memory_encoder"
    names = read(folder / "layers.json")
    parent = ModelWrapper(str(folder / "model.onnx")).transform(
        CreateDataflowPartition(partition_model_dir=str(tmp_path))
    )
    (whole,) = parent.graph.node
    assert whole.op_type == "StreamingDataflowPartition"
    inner = ModelWrapper(getCustomOp(whole).get_nodeattr("model"))
    before = {n.output[0]: n.name for n in inner.graph.node}
    inner = inner.transform(GiveUniqueNodeNames())
    assert {n.output[0]: n.name for n in inner.graph.node} == before
    (node,) = (n for n in inner.graph.node if names[n.name] == "fuse1")
    op = getCustomOp(node)
    op.set_nodeattr("PE", 1)  # the file sets it, not only the graph
    inner = inner.transform(ApplyConfig(str(folder / "folding_config.json")))
    (node,) = (n for n in inner.graph.node if names[n.name] == "fuse1")
    op = getCustomOp(node)
    assert (op.get_nodeattr("PE"), op.get_nodeattr("SIMD")) == (4, 16)


def test_folding_reaches_what_serves_a_layer(built):
    numbers = read(built[0] / "memory_encoder" / "folding.json")
    assert numbers["fuse1"] == {"PE": 4, "SIMD": 16}
    assert numbers["fuse1.thresholds"] == {"PE": 4}
    assert numbers["fuse1.window"] == {"SIMD": 16, "parallel_window": 0}
    assert numbers["fuse1.padding"] == {"SIMD": 16}
    assert numbers["trunk.thresholds"] == {"PE": 2} and numbers["trunk.thresholds.fork"] == {
        "PE": 2
    }
    assert numbers["mask1"] == {"PE": 1, "SIMD": 1}
    attention = read(built[0] / "memory_attention" / "folding.json")
    assert attention["self_attention.product"] == {"PE": 4, "SIMD": 4}


def test_estimates_cover_every_layer_and_fall_with_folding(built):
    for b in built[1]:
        plain = read(built[0] / b.graph / "estimates.json")
        whole = onnx.load(str(built[0] / b.graph / "hardware.onnx"))
        assert set(plain["layers"]) == {n.name for n in whole.graph.node}
        assert plain["total"] == b.resources and b.resources["LUT"] > 1000
        assert plain["cycles"] == b.cycles == plain["layers"][b.slowest]["cycles"] > 0
    attention = read(built[0] / "memory_attention" / "estimates.json")["layers"]
    folded, plain = attention["self_attention.product"], attention["product"]
    assert folded["type"] == "IntegerAttention_hls" and folded["resources"]["DSP"] > 0
    assert plain["cycles"] / folded["cycles"] > 8  # and its memories are longer
    encoder = read(built[0] / "memory_encoder" / "estimates.json")["layers"]
    assert encoder["fuse2"]["cycles"] == 64 * encoder["fuse1"]["cycles"]


def test_folded_graphs_compute_the_same():
    from hw.lower.finn.check import compare

    for graph in ("memory_encoder", "image_encoder"):
        program = Program.load(bundled().folder, graph)
        model = hardware_graph(program)
        plan = {n.name: {"PE": 2} for n in model.graph.node if n.op_type in ("MVAU", "VVAU")}
        fold(model, plan)
        rng = np.random.default_rng(3)
        codes = {}
        for p in program.inputs:
            assert p.dtype is not None
            drawn = rng.integers(p.dtype.min, p.dtype.max + 1, sizes(p))
            codes[p.name] = drawn.astype(p.storage)
        count, differing = compare(model, program, codes)
        assert differing == 0 < count


@pytest.mark.parametrize(
    ("plan", "layer", "message"),
    [
        ({"fuse9": {"PE": 1}}, "fuse9", "no such layer"),
        ({"fuse1": {"PE": 5}}, "fuse1", "PE = 5"),
        ({"fuse1": {"SIMD": 0}}, "fuse1", "SIMD = 0"),
        ({"trunk": {"SIMD": 2}}, "trunk", "SIMD = 2"),
    ],
)
def test_a_folding_that_does_not_fit_is_refused(plan, layer, message):
    model = hardware_graph(Program.load(bundled().folder, "memory_encoder"))
    with pytest.raises(LoweringError, match=message) as caught:
        fold(model, plan)
    assert caught.value.layer == layer


def test_command_line_refuses_before_it_writes(tmp_path, capsys):
    argv = ["--export", str(exported()), "--out", str(tmp_path / "out")]
    assert main([*argv, "--board", "no such"]) == 2
    assert "no such" in capsys.readouterr().err
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"memory_encoder": {"fuse9": {"PE": 1}}}))
    wanted = [*argv, "--board", "KV260", "--graph", "memory_encoder", "--folding", str(plan)]
    assert main(wanted) == 2
    assert "fuse9" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plan.json"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    assert main([*argv, "--board", "KV260", "--graph", "memory_encoder"]) == 2
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_command_line_writes_one_graph(tmp_path, capsys):
    argv = ["--export", str(exported()), "--out", str(tmp_path / "out"), "--board", "PYNQ-Z2"]
    for _ in range(2):  # an earlier build is replaced
        assert main([*argv, "--graph", "memory_encoder", "--clock-mhz", "80"]) == 0
    assert "MVAU_rtl" in capsys.readouterr().out
    plain = read(tmp_path / "out" / "memory_encoder" / "dataflow_build_config.json")
    assert plain["synth_clk_period_ns"] == 12.5 and plain["board"] == "Pynq-Z2"
    text = (tmp_path / "out" / "README.md").read_text()
    assert "Vitis HLS" in text and "| memory_encoder | " in text
