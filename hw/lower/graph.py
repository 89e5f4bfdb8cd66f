"""A QONNX file as plain nodes: operator, layer, tensors, attributes, constants, shapes."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from hw.lower.errors import LoweringError

_SCOPES = "pkg.torch.onnx.name_scopes"
_INNER = (".quant", ".conv", ".weight_quant", ".act_quant", ".act")  # parts of one layer


@dataclass(frozen=True)
class Operator:
    """One node. layer: path of the module that it belongs to, as in the model's state."""

    kind: str
    layer: str
    inputs: tuple[str, ...]
    output: str
    attrs: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A graph is an exported one with its nodes in execution order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Operator, ...]
    constants: dict[str, NDArray]
    shapes: dict[str, tuple[int, ...]]


def _layer(node: onnx.NodeProto) -> str:
    scopes = next((p.value for p in node.metadata_props if p.key == _SCOPES), "[]")
    path = [s for s in ast.literal_eval(scopes)[:-1] if s]
    name = path[-1] if path else node.name
    while True:
        stem = next((name.split(part + ".")[0] for part in _INNER if part + "." in name), name)
        stem = next((stem.removesuffix(part) for part in _INNER if stem.endswith(part)), stem)
        if stem == name:
            return name
        name = stem


def read_graph(path: Path) -> Graph:
    """Read a QONNX file. Raises LoweringError for one that cannot be read."""
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf, onnx and the file system each raise their own
        raise LoweringError(
            path.stem, "graph", f"{path} cannot be read: {error}", "export again"
        ) from error
    graph = model.graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    values = [*graph.input, *graph.value_info, *graph.output]
    shapes = {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}
    nodes = tuple(
        Operator(
            n.op_type,
            _layer(n),
            tuple(n.input),
            n.output[0],
            {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute},
        )
        for n in graph.node
    )
    names = tuple(v.name for v in graph.input if v.name not in constants)
    return Graph(names, tuple(v.name for v in graph.output), nodes, constants, shapes)
