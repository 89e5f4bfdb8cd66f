"""Transformations at the ends and in the names of a streamlined graph: what is left between it and
a graph of integers.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.transformation.base import Transformation

from hw.lower.errors import LoweringError
from hw.lower.finn.traces import only, rename
from hw.ops.integers import bounds
from hw.spec.dtypes import IntType
from hw.spec.port import Port
from hw.spec.sizes import signed_bits

SCOPES = "pkg.torch.onnx.name_scopes"  # the exporter's note of a node's modules


class CodesAtPorts(Transformation):
    """Ports carry codes: the quantizer of an input and the scale of an output go, after a check
    that they are the port's. Raises LoweringError where they are not.
    """

    def __init__(self, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs

    def apply(self, model: Any) -> tuple[Any, bool]:
        for end, port in zip(model.graph.input, self.inputs, strict=True):
            node = only(model.find_consumers(end.name), port.name, "MultiThreshold")
            steps = model.get_initializer(node.input[1])[0]
            assert port.dtype is not None
            wanted = (np.arange(port.dtype.min, port.dtype.max) + 0.5) * port.scale
            self._same(port, steps, wanted)
            shape = model.get_tensor_shape(end.name)
            model.graph.node.remove(node)
            rename(model, node.output[0], port.name)
            end.name = port.name
            self._describe(model, port, shape)
        for end, port in zip(model.graph.output, self.outputs, strict=True):
            node = model.find_producer(end.name)
            if node is None or node.op_type != "Mul":
                raise LoweringError(port.name, "output", "does not end in one scale")
            self._same(port, model.get_initializer(node.input[1]), np.array(port.scale))
            shape = model.get_tensor_shape(end.name)
            model.graph.node.remove(node)
            rename(model, node.input[0], port.name)
            end.name = port.name
            self._describe(model, port, shape)
        return model, False

    @staticmethod
    def _same(port: Port, have: Any, wanted: Any) -> None:
        if have is None or not np.allclose(have, wanted, rtol=1e-5, atol=port.scale * 1e-3):
            raise LoweringError(port.name, "port", f"its scale is not {port.scale}")

    @staticmethod
    def _describe(model: Any, port: Port, shape: list[int]) -> None:
        assert port.dtype is not None
        model.set_tensor_shape(port.name, shape)
        model.set_tensor_datatype(port.name, DataType[port.dtype.name])


class SlicesToGather(Transformation):
    """A Slice along one axis becomes the Gather that FINN's InferCrop knows."""

    def apply(self, model: Any) -> tuple[Any, bool]:
        for node in model.get_nodes_by_op_type("Slice"):
            start, end, axis = (int(model.get_initializer(n).reshape(())) for n in node.input[1:4])
            name = f"{node.name}.indices"
            size = model.get_tensor_shape(node.input[0])[axis]
            model.set_initializer(name, np.arange(size)[start:end])
            made = helper.make_node(
                "Gather", [node.input[0], name], list(node.output), name=node.name, axis=axis
            )
            model.graph.node.insert(list(model.graph.node).index(node), made)
            model.graph.node.remove(node)
        return model, False


class NameAfterModules(Transformation):
    """Nodes and their constants by the modules that the exporter noted; thresholds belong to what
    feeds them.
    """

    def apply(self, model: Any) -> tuple[Any, bool]:
        taken: dict[str, int] = {}
        for node in model.graph.node:
            if node.op_type == "MultiThreshold":
                continue
            name = next((_module(p.value) for p in node.metadata_props if p.key == SCOPES), "")
            name = name or node.name
            taken[name] = taken.get(name, 0) + 1
            node.name = name if taken[name] == 1 else f"{name}.{taken[name]}"
            if node.op_type == "Conv":
                self._constant(model, node, f"{node.name}.weight")
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            maker = model.find_producer(node.input[0])
            while maker is not None and maker.op_type in ("Reshape", "Transpose"):
                maker = model.find_producer(maker.input[0])
            layer = node.name if maker is None else maker.name
            self._constant(model, node, f"{layer}.thresholds")
        return model, False

    @staticmethod
    def _constant(model: Any, node: Any, name: str) -> None:
        kind = model.get_tensor_datatype(node.input[1])
        model.set_initializer(name, model.get_initializer(node.input[1]))
        model.set_tensor_datatype(name, kind)
        node.input[1] = name


def _module(scopes: str) -> str:
    """ "['', 'a', 'a.b', 'a.b.conv', 'conv2d']" -> "a.b"."""
    names = [n for n in ast.literal_eval(scopes)[:-1] if n]
    return names[-1].removesuffix(".conv") if names else ""


def sum_types(model: Any) -> dict[str, str]:
    """Types of the results of Conv and Add, by what their operands and weights reach."""
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            kind = model.get_tensor_datatype(node.input[0])
            weight = model.get_initializer(node.input[1]).astype(np.int64)
            low, high = bounds(weight, int(kind.min()), int(kind.max()))
            reach = (int(low.min()), int(high.max()))
        elif node.op_type == "Add":
            kinds = [model.get_tensor_datatype(n) for n in node.input]
            reach = (int(sum(k.min() for k in kinds)), int(sum(k.max() for k in kinds)))
        else:
            continue
        found[node.output[0]] = IntType(signed_bits(*reach)).name
    return found
