"""The program under construction: nodes with unique names, tensor types, and what the report will
tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.lower.errors import LoweringError
from hw.lower.graph import Graph, Operator
from hw.lower.values import Codes, Constant, Sums, Value
from hw.ops.program import Node, TensorInfo
from hw.spec.dtypes import MAX_BITS, IntType
from hw.spec.port import Port
from hw.spec.sizes import signed_bits


@dataclass(frozen=True)
class RequantReport:
    """What one requantizer takes: its channels, those that need more than one DSP a lane, those on
    thresholds, and the bits of its sums.
    """

    layer: str
    channels: int
    double: int
    fallback: int
    sum_bits: int


@dataclass
class Builder:
    """A builder holds what has been lowered of one graph so far."""

    graph: Graph
    ports: dict[str, Port]
    values: dict[str, Value] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    report: list[RequantReport] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def value(self, node: Operator, position: int) -> Value:
        """What the node's input stands for."""
        name = node.inputs[position]
        if name in self.graph.constants:
            return Constant(self.graph.constants[name], name)
        return self.values[name]

    def constant(self, node: Operator, position: int) -> NDArray:
        """The node's input, which must be an initializer."""
        found = self.value(node, position)
        if not isinstance(found, Constant):
            raise LoweringError(node.layer, node.kind, f"input {position} is not constant")
        return found.array

    def codes(self, node: Operator, position: int) -> Codes:
        """The node's input, which must be quantized activations."""
        found = self.value(node, position)
        if not isinstance(found, Codes):
            raise LoweringError(
                node.layer,
                node.kind,
                f"input {node.inputs[position]} is {type(found).__name__.lower()}, not codes",
                "put a quantizer before it",
            )
        return found

    def emit(
        self,
        node: Operator,
        op: str,
        inputs: tuple[str, ...],
        dtype: IntType,
        scale: float | None,
        attrs: dict[str, Any] | None = None,
        params: dict[str, NDArray] | None = None,
        hardware: dict[str, int] | None = None,
    ) -> str:
        """Append a program node computing the graph node's output tensor; returns that tensor's
        name.
        """
        base = f"{node.layer}.{op}"
        name, count = base, 2
        while name in self._names:
            name, count = f"{base}.{count}", count + 1
        self._names.add(name)
        made = Node(name, op, inputs, node.output, attrs or {}, params or {}, hardware or {})
        self.nodes.append(made)
        shape = self.graph.shapes.get(node.output, ())
        self.tensors[node.output] = TensorInfo(dtype.name, scale, shape)
        return node.output


def sum_type(low: NDArray, high: NDArray) -> IntType:
    """Returns the narrowest signed type that holds all sums."""
    return IntType(min(signed_bits(low.min(), high.max()), MAX_BITS))


def sums_of(codes: Codes) -> Sums:
    """Codes seen as sums, for a quantizer of another scale."""
    one = np.ones(1)
    return Sums(
        codes.tensor,
        one * codes.scale,
        one * 0,
        np.array([codes.dtype.min]),
        np.array([codes.dtype.max]),
    )
