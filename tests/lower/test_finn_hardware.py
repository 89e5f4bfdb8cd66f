"""Hardware layers of the tiny graphs: FINN executes them to golden's codes, bit by bit."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import onnx
import pytest

from hw.lower.errors import LoweringError
from hw.lower.finn.check import check_hardware, compare, execute
from hw.lower.finn.hardware import check, hardware_graph, layer_counts
from hw.lower.finn.integers import integer_graph, layer_names, staircase
from hw.lower.finn.runtime import HARDWARE, OPS
from hw.ops.program import Node, Program
from hw.spec.dtypes import IntType
from hw.spec.manifest import DETECTOR
from hw.spec.manifest import GRAPHS as TRACKER
from sim.graph import GraphExecutor
from tests.tiny import bundled, examples, exported

pytestmark = pytest.mark.finn
GRAPHS = (*TRACKER, DETECTOR)


def folder(graph):
    return bundled(detects=graph == DETECTOR).folder


@functools.cache
def program(graph):
    return Program.load(folder(graph), graph)


@functools.cache
def model(graph):
    return hardware_graph(program(graph))


def stimulus(graph, kind, length=0):
    """Codes by port: "random", or the ends of each type."""
    rng, codes = np.random.default_rng(7), {}
    for port in program(graph).inputs:
        exported_shape = program(graph).tensors[port.name].shape
        pairs = zip(port.shape, exported_shape, strict=True)
        shape = tuple((length or e) if d is None else d for d, e in pairs)
        if kind == "random":
            values = rng.integers(port.dtype.min, port.dtype.max + 1, shape)
        else:
            values = np.full(shape, getattr(port.dtype, kind))
        codes[port.name] = values.astype(port.storage)
    return codes


@pytest.mark.parametrize("kind", ["random", "min", "max", "example"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_finn_executes_to_the_codes_of_golden(graph, kind):
    codes = examples(graph)[0][0] if kind == "example" else stimulus(graph, kind)
    lengths = [codes[p.name].shape[2] for p in program(graph).inputs if None in p.shape]
    made = hardware_graph(program(graph), lengths[0]) if lengths else model(graph)
    wanted = GraphExecutor(folder(graph), graph).run(codes)
    found = execute(made, program(graph), codes)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert found[name].dtype == values.dtype and np.array_equal(found[name], values), name


def test_shorter_memories():
    codes = stimulus("memory_attention", "random", 24)
    made = hardware_graph(program("memory_attention"), 24)
    wanted = GraphExecutor(bundled().folder, "memory_attention").run(codes)
    found = execute(made, program("memory_attention"), codes)
    assert np.array_equal(found["conditioned"], wanted["conditioned"])


def test_the_integer_graph_is_golden_too():
    """Before any transformation: this project's row ops and QONNX's own."""
    from qonnx.core.onnx_exec import execute_onnx

    graph = integer_graph(program("memory_attention"))
    codes = stimulus("memory_attention", "random")
    feed = {k: v.astype(np.float32) for k, v in codes.items()}
    wanted = GraphExecutor(bundled().folder, "memory_attention").run(codes)
    found = execute_onnx(graph, feed)["conditioned"]
    assert np.array_equal(found, wanted["conditioned"])


def test_a_planted_fault_is_found():
    made = hardware_graph(program("memory_encoder"))
    limits = made.get_initializer("key.thresholds")
    made.set_initializer("key.thresholds", limits + 1)
    count, differing = compare(
        made, program("memory_encoder"), stimulus("memory_encoder", "random")
    )
    assert 0 < differing < count


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_layer_is_hardware_and_named_after_its_module(graph):
    made = model(graph)
    check(made)  # integers from end to end
    onnx.checker.check_model(made.model)
    names = {n.name for n in made.graph.node}
    wanted = {layer_names(program(graph))[n.name] for n in program(graph).nodes if n.op == "conv"}
    assert wanted <= names
    assert {n.domain for n in made.graph.node} <= {HARDWARE, OPS}
    own = {n.op_type for n in made.graph.node if n.domain == OPS}
    assert own <= {"IntegerAttention", "StreamProduct"}
    readers = [n for node in made.graph.node for n in node.input]
    streams = [n for n in readers if made.get_initializer(n) is None]
    assert len(streams) == len(set(streams)), "a stream has one reader, forks do the rest"
    ports = program(graph)
    assert [i.name for i in made.graph.input] == [p.name for p in ports.inputs]
    assert [o.name for o in made.graph.output] == list(ports.results)


def test_layers_are_those_that_the_program_has():
    counts = layer_counts(model("mask_decoder"))
    ops = [n.op for n in program("mask_decoder").nodes]
    assert counts["MVAU"] == ops.count("conv")
    assert counts["IntegerAttention"] == ops.count("divide")
    assert counts["ElementwiseAdd"] == ops.count("join_add")
    assert (
        counts["UpsampleNearestNeighbour"] == 2 and counts["Crop"] == counts["StreamProduct"] == 1
    )
    assert layer_counts(model(DETECTOR))["StreamProduct"] == 2  # masks and matches
    convolutions = [n for n in program("image_encoder").nodes if n.op == "conv"]
    depthwise = sum(n.attrs["groups"] > 1 for n in convolutions)
    assert layer_counts(model("image_encoder"))["VVAU"] == depthwise > 0


def test_sums_have_the_types_of_the_program():
    from qonnx.custom_op.registry import getCustomOp

    for node in model("image_encoder").graph.node:
        if node.op_type in ("MVAU", "VVAU"):
            kind = program("image_encoder").tensors[node.output[0]].dtype
            assert getCustomOp(node).get_nodeattr("accDataType") == kind
        if node.op_type == "Thresholding":
            source = model("image_encoder").get_tensor_datatype(node.input[0]).name
            assert getCustomOp(node).get_nodeattr("inputDataType") == source != "INT32"


def test_a_saved_graph_is_the_same_each_time_and_executes(tmp_path):
    from qonnx.core.modelwrapper import ModelWrapper

    for i in range(2):
        hardware_graph(program("mask_decoder")).save(str(tmp_path / f"{i}.onnx"))
    assert (tmp_path / "0.onnx").read_bytes() == (tmp_path / "1.onnx").read_bytes()
    loaded = ModelWrapper(str(tmp_path / "0.onnx"))
    _, differing = compare(loaded, program("mask_decoder"), stimulus("mask_decoder", "random"))
    assert differing == 0


def test_command_line_check_saves_the_graph(tmp_path, capsys):
    result = check_hardware(exported(), "memory_encoder", tmp_path)
    assert result.differing == 0 < result.elements
    assert (tmp_path / exported().name / "memory_encoder.onnx").is_file()
    from hw.lower.finn.__main__ import main

    assert main(["--export", str(tmp_path), "--only", "hardware"]) == 2
    assert "run quant.export.graphs first" in capsys.readouterr().err


def test_staircase_is_the_requantizer_on_every_sum():
    import torch

    from hw.ops.operators import bind

    node = Node(
        "a.requant",
        "requant",
        ("x",),
        "y",
        {"low": -2, "high": 1},
        {
            "m": np.array([3, 0, 7]),
            "b": np.array([5, 0, -900]),
            "n": np.array([5, 0, 6]),
            "channels": np.array([1]),
            "steps": np.array([[-9, 0, 4]]),
        },
    )
    sums = np.arange(-128, 128)
    wanted = bind(node)(torch.from_numpy(np.tile(sums, (1, 3, 1)))).numpy()[0]
    steps = staircase(node, IntType(8))
    assert np.array_equal(-2 + (sums[None, :, None] >= steps[:, None]).sum(2), wanted)


def test_several_heads_are_refused_by_layer_name():
    nodes = []
    for node in program("memory_attention").nodes:
        if node.op == "reshape" and node.attrs["shape"] == [1, 1, 16, 16]:
            node = replace(node, attrs={"shape": [1, 2, 8, 16]})
        nodes.append(node)
    with pytest.raises(LoweringError, match="one head") as caught:
        hardware_graph(replace(program("memory_attention"), nodes=tuple(nodes)))
    assert caught.value.layer == "self_attention.product"


def test_an_operator_without_a_form_is_refused_by_name():
    first, *rest = program("memory_encoder").nodes
    strange = replace(first, op="fourier")
    with pytest.raises(LoweringError, match="no form in ONNX") as caught:
        hardware_graph(replace(program("memory_encoder"), nodes=(strange, *rest)))
    assert caught.value.layer == first.name


def test_a_float_between_the_ends_is_refused_by_layer_name():
    from qonnx.core.datatype import DataType

    made = hardware_graph(program("memory_encoder"))
    made.set_tensor_datatype("conv2d", DataType["FLOAT32"])
    with pytest.raises(LoweringError, match="FLOAT32") as caught:
        check(made)
    assert caught.value.layer == "mask1"
    made = hardware_graph(program("memory_encoder"))
    made.set_initializer("key.weight", made.get_initializer("key.weight") + 0.5)
    with pytest.raises(LoweringError, match="not whole") as caught:
        check(made)
    assert caught.value.layer == "key"
