"""The executor: equal to the Brevitas model, to its own integer definition, and indifferent to L
and to key order.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from hw.ops.operators import bind
from hw.spec.errors import BundleError, SpecError
from hw.spec.manifest import GRAPHS
from sim.graph import GraphExecutor
from tests.tiny import bundled, examples, exported


@pytest.mark.parametrize("graph", GRAPHS)
def test_golden_equals_brevitas(graph):
    executor = GraphExecutor(bundled().folder, graph)
    assert executor.library == "torch"
    for inputs, wanted in examples(graph):
        found = executor.run(inputs)
        assert found.keys() == wanted.keys()
        for name, codes in found.items():
            assert codes.dtype == wanted[name].dtype and codes.shape == wanted[name].shape
            # A float32 sum or softmax quotient may fall on the other side of a half, nothing else
            # may differ.
            assert np.mean(codes != wanted[name]) <= 1e-3, name


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_node_equals_qonnx(graph):
    """Node by node on QONNX's own codes, so that one early half-way case cannot hide or cause
    another difference.
    """
    executor = GraphExecutor(bundled().folder, graph)
    program = executor.program
    model = ModelWrapper(str(exported() / f"{graph}.onnx"))
    inputs, _ = examples(graph)[0]
    feed = {p.name: p.decode(inputs[p.name]) for p in program.inputs}
    seen = execute_onnx(model, feed, return_full_exec_context=True)
    codes = {p.name: torch.from_numpy(inputs[p.name]).long() for p in program.inputs}
    quantized = 0
    for node in program.nodes:
        found = bind(node)(*[codes[n] for n in node.inputs])
        scale = program.tensors[node.output].scale
        if (
            scale is None
        ):  # raw sums have a scale a channel: they are checked through their quantizer
            codes[node.output] = found
            continue
        wanted = torch.from_numpy(np.rint(seen[node.output] / np.float32(scale))).long()
        gap = (found - wanted).abs()
        assert gap.max() <= 1 and (gap > 0).float().mean() <= 1e-3, node.name
        codes[node.output] = wanted
        quantized += 1
    assert quantized > 10


@pytest.mark.parametrize("library", ["torch", "numpy"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_fast_evaluation_equals_the_definition(graph, library):
    fast = GraphExecutor(bundled().folder, graph, library=library)
    plain = GraphExecutor(bundled().folder, graph, library="integers")
    for inputs, _ in examples(graph):
        a, b = fast.trace(inputs), plain.trace(inputs)
        assert a.keys() == b.keys()
        for name in a:
            assert np.array_equal(a[name], b[name]), name


SHIPPED = sorted((Path(__file__).parents[2] / "bitstreams").glob("*_emulated_*"))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_extreme_codes_stay_exact(folder):
    """Random codes over the whole range, where saturation and long sums are met."""
    random = np.random.default_rng(0)
    for graph in [*GRAPHS, *(["detector"] if (folder / "detector.json").is_file() else [])]:
        plain = GraphExecutor(folder, graph, library="integers")
        inputs = {}
        for port in plain.program.inputs:
            assert port.dtype is not None
            shape = [300 if n is None else n for n in port.shape]
            codes = random.integers(port.dtype.min, port.dtype.max + 1, shape)
            inputs[port.name] = codes.astype(port.storage)
        wanted = plain.run(inputs)
        for library in ("torch", "numpy"):
            found = GraphExecutor(folder, graph, library=library).run(inputs)
            for name, codes in wanted.items():
                assert found[name].dtype == codes.dtype, (graph, library, name)
                assert np.array_equal(found[name], codes), (graph, library, name)


def test_what_cannot_be_torch_is_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "sim.in_torch", raising=False)
    assert GraphExecutor(bundled().folder, "memory_encoder").library == "numpy"
    with pytest.raises(SpecError, match="'jax'.*numpy, torch, integers"):
        GraphExecutor(bundled().folder, "memory_encoder", library="jax")


@pytest.mark.parametrize("length", [1, 17, 700])
def test_ragged_memory_in_any_order(length):
    executor = GraphExecutor(bundled().folder, "memory_attention")
    inputs = dict(examples("memory_attention")[0][0])
    random = np.random.default_rng(length)
    picked = random.integers(0, inputs["memory_keys"].shape[2], length)
    for name in ("memory_keys", "memory_values"):
        inputs[name] = inputs[name][:, :, picked]
    first = executor.run(inputs)["conditioned"]
    order = random.permutation(length)
    for name in ("memory_keys", "memory_values"):
        inputs[name] = inputs[name][:, :, order]
    assert np.array_equal(first, executor.run(inputs)["conditioned"])


def test_a_length_that_cannot_change_is_no_ragged_one(tmp_path):
    """Whether or not the program was declared with the length that is tried first."""
    for name in ("memory_encoder.json", "memory_encoder.npz"):
        (tmp_path / name).write_bytes((bundled().folder / name).read_bytes())
    path = tmp_path / "memory_encoder.json"
    plain = json.loads(path.read_text())
    (features,) = (port for port in plain["inputs"] if port["name"] == "features")
    features["shape"][0] = None
    path.write_text(json.dumps(plain))
    with pytest.raises(BundleError, match="is no valid program"):
        GraphExecutor(tmp_path, "memory_encoder")


def test_inputs_are_checked_and_not_written_to():
    executor = GraphExecutor(bundled().folder, "memory_encoder")
    inputs, _ = examples("memory_encoder")[0]
    before = {k: v.copy() for k, v in inputs.items()}
    executor.run(inputs)
    assert all(np.array_equal(before[k], inputs[k]) for k in inputs)
    with pytest.raises(SpecError, match="mask"):
        executor.run(inputs | {"mask": inputs["mask"].astype(np.float32)})


def test_missing_program(tmp_path):
    with pytest.raises(BundleError, match="image_encoder.json"):
        GraphExecutor(tmp_path, "image_encoder")
