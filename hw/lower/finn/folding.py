"""PE and SIMD of layers: what a plan {layer: {PE, SIMD}} says of a module, and what follows for the
layers that serve it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hw.lower.errors import LoweringError
from hw.lower.finn.hardware import MATRIX

Folding = Mapping[str, Mapping[str, int]]
PER_VECTOR = ("Thresholding", "ElementwiseAdd", "DuplicateStreams")
"""Layers whose PE divides the channels of a vector."""


def fold(model: Any, plan: Folding) -> dict[str, dict[str, int]]:
    """Set PE and SIMD in a hardware graph, in place; returns those of every layer.

    A window and its padding take as many channels a beat as the product behind them, thresholds
    and forks as many as come in. Without an entry a module has 1.

    Raises LoweringError for an unknown layer, and for a number that does not divide what it folds.
    """
    from qonnx.custom_op.registry import getCustomOp

    ops = {n.name: getCustomOp(n) for n in model.graph.node}
    for name in plan:
        if name not in ops:
            raise LoweringError(name, "folding", "no such layer", "see the graph's layer names")
    applied: dict[str, dict[str, int]] = {}
    for node in model.graph.node:  # in order, since thresholds look at what feeds them
        applied[node.name] = _numbers(model, node, ops[node.name], plan, applied)
    for node in reversed(model.graph.node):  # backwards: windows look at what they feed
        if node.op_type in ("ConvolutionInputGenerator", "FMPadding"):
            applied[node.name] = _window(model, node, ops[node.name], applied)
    for name, numbers in applied.items():
        for key, value in numbers.items():
            ops[name].set_nodeattr(key, value)
    return applied


def _numbers(
    model: Any, node: Any, op: Any, plan: Folding, applied: dict[str, dict[str, int]]
) -> dict[str, int]:
    kind, given = node.op_type, plan.get(node.name, {})
    if kind in MATRIX:
        if kind == "MVAU":
            limits = {"PE": op.get_nodeattr("MH"), "SIMD": op.get_nodeattr("MW")}
        else:
            limits = {
                "PE": op.get_nodeattr("Channels"),
                "SIMD": math.prod(op.get_nodeattr("Kernel")),
            }
    elif kind in PER_VECTOR:
        limits = {"PE": op.get_normal_output_shape()[-1]}
        feeding = [model.find_producer(n) for n in node.input]
        lanes = [_lanes(applied, f.name) for f in feeding if f is not None and f.name in applied]
        given = {"PE": math.gcd(limits["PE"], max(lanes, default=1)), **given}
    elif kind == "IntegerAttention":
        limits = {"PE": op.get_nodeattr("vectors")[1], "SIMD": op.get_nodeattr("channels")[0]}
    elif kind == "StreamProduct":
        limits = {"PE": op.get_nodeattr("vectors")[0], "SIMD": op.get_nodeattr("channels")[0]}
    elif kind in ("UpsampleNearestNeighbour", "Crop"):
        limits = {"SIMD": op.get_nodeattr("NumChannels")}
    else:
        return {}
    for key, value in given.items():
        if key not in limits or value < 1 or limits[key] % value:
            raise LoweringError(
                node.name, kind, f"{key} = {value}", f"take divisors: {limits} can be folded"
            )
    return {key: int(given.get(key, 1)) for key in limits}


def _lanes(applied: dict[str, dict[str, int]], name: str) -> int:
    numbers = applied[name]
    return numbers.get("PE", numbers.get("SIMD", 1))


def _window(model: Any, node: Any, op: Any, applied: dict[str, dict[str, int]]) -> dict[str, int]:
    """SIMD of a window or a padding; a depthwise product that takes several terms at once wants
    whole windows.
    """
    (reader,) = model.find_consumers(node.output[0])
    numbers = applied[reader.name]
    if node.op_type == "FMPadding":
        return {"SIMD": numbers["SIMD"]}
    channels = op.get_nodeattr("IFMChannels")
    if reader.op_type == "VVAU":
        whole = int(numbers["SIMD"] > 1)
        return {"SIMD": numbers["PE"], "parallel_window": whole}
    simd = math.gcd(numbers["SIMD"], channels)
    return {"SIMD": simd, "parallel_window": int(numbers["SIMD"] > simd == channels)}
