"""One QONNX graph to one integer program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hw.lower.builder import Builder, RequantReport
from hw.lower.errors import LoweringError
from hw.lower.graph import read_graph
from hw.lower.rules import RULES
from hw.lower.values import Codes, Raw
from hw.ops.program import Node, Program, TensorInfo
from hw.spec.port import Port


@dataclass(frozen=True)
class Lowered:
    """A lowered graph is a program and a report of its requantizers."""

    program: Program
    report: tuple[RequantReport, ...]


def lower(path: Path, name: str, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Lowered:
    """Lower the QONNX file at `path` to the program of graph `name` with the declared ports.

    Raises LoweringError naming the layer and operator that has no rule or breaks a rule's
    conditions, or a port that differs from what the graph computes.
    """
    graph = read_graph(path)
    ports = {port.name: port for port in (*inputs, *outputs)}
    if graph.inputs != tuple(p.name for p in inputs) or graph.outputs != tuple(
        p.name for p in outputs
    ):
        raise LoweringError(
            name, "graph", f"has ports {graph.inputs} -> {graph.outputs}", "export the model again"
        )
    build = Builder(graph, ports)
    for port in inputs:
        build.values[port.name] = Raw(port.name)
        if port.dtype is None:
            raise LoweringError(name, port.name, "a float port", "quantize the model first")
        shape = graph.shapes[port.name]
        build.tensors[port.name] = TensorInfo(port.dtype.name, port.scale, shape)
    for node in graph.nodes:
        if node.kind not in RULES:
            known = ", ".join(sorted(RULES))
            raise LoweringError(node.layer, node.kind, "no kernel", f"there are rules for {known}")
        build.values[node.output] = RULES[node.kind](build, node)
    results = tuple(_result(build, port) for port in outputs)
    nodes = _needed(build.nodes, results)
    alive = {p.name for p in inputs} | {n.output for n in nodes}
    tensors = {k: v for k, v in build.tensors.items() if k in alive}
    return Lowered(Program(name, inputs, outputs, results, nodes, tensors), tuple(build.report))


def _result(build: Builder, port: Port) -> str:
    value = build.values[port.name]
    if not isinstance(value, Codes):
        raise LoweringError(port.name, "output", "is not quantized", "end the graph in a quantizer")
    if value.dtype != port.dtype or value.scale != port.scale:
        raise LoweringError(
            port.name,
            "output",
            f"is {value.dtype.name} at scale {value.scale}, declared "
            f"{port.dtype and port.dtype.name} at {port.scale}",
            "export the model again",
        )
    return value.tensor


def _needed(nodes: list[Node], results: tuple[str, ...]) -> tuple[Node, ...]:
    """Nodes that a result depends on, in order."""
    wanted, kept = set(results), []
    for node in reversed(nodes):
        if node.output in wanted:
            kept.append(node)
            wanted |= set(node.inputs)
    return tuple(reversed(kept))
