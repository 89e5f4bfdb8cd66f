"""Scale propagation: one rule an ONNX operator, from values of its inputs to the value of its
output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hw.lower.builder import Builder, sum_type
from hw.lower.errors import LoweringError
from hw.lower.graph import Operator
from hw.lower.quantize import quantize
from hw.lower.values import (
    Codes,
    Constant,
    Distance,
    Function,
    Pair,
    Ratio,
    Raw,
    RowMax,
    Sums,
    Value,
    Weights,
)
from hw.ops.integers import EXACT, bounds, product_bounds


def _convolution(build: Builder, node: Operator) -> Value:
    x, weights = build.codes(node, 0), build.value(node, 1)
    if not isinstance(weights, Weights):
        raise LoweringError(node.layer, node.kind, "its weights are not quantized")
    attrs = node.attrs
    strides, pads = set(attrs["strides"]), set(attrs["pads"])
    if len(strides) > 1 or len(pads) > 1 or set(attrs["dilations"]) != {1}:
        raise LoweringError(
            node.layer, node.kind, "one stride, one padding and no dilation are supported"
        )
    low, high = bounds(weights.codes, x.dtype.min, x.dtype.max)
    if max(-low.min(), high.max()) >= EXACT:
        raise LoweringError(
            node.layer,
            node.kind,
            f"sums reach {max(-low.min(), high.max())}",
            f"float32 is exact below {EXACT}: use fewer bits or channels",
        )
    plain = {
        "stride": int(strides.pop()),
        "padding": int(pads.pop()),
        "groups": int(attrs["group"]),
    }
    params = {"weight": weights.codes}
    tensor = build.emit(node, "conv", (x.tensor,), sum_type(low, high), None, plain, params)
    scale = weights.scale * x.scale
    bias = build.constant(node, 2).astype(np.float64) if len(node.inputs) > 2 else scale * 0
    return Sums(tensor, scale, bias, low, high)


def _relu(build: Builder, node: Operator) -> Value:
    x = build.value(node, 0)
    if isinstance(x, Raw):
        return x  # its quantizer says whether codes are unsigned
    if isinstance(x, Codes) and not x.dtype.signed:
        return x
    if isinstance(x, Sums):
        return replace(x, relu=True)
    if isinstance(x, Function):
        inner = x.apply
        return Function(x.of, lambda v: np.maximum(inner(v), 0))
    raise LoweringError(node.layer, node.kind, f"of {type(x).__name__.lower()} is not supported")


def _add(build: Builder, node: Operator) -> Value:
    quotient, nudge = build.value(node, 0), build.value(node, 1)
    if isinstance(quotient, Ratio) and isinstance(nudge, Constant) and nudge.array.size == 1:
        return replace(quotient, nudge=float(nudge.array))
    a, b = build.codes(node, 0), build.codes(node, 1)
    if a.scale != b.scale:
        raise LoweringError(
            node.layer,
            node.kind,
            f"operands at scales {a.scale} and {b.scale}",
            "let one quantizer serve both operands",
        )
    return Pair(a, b)


def _matmul(build: Builder, node: Operator) -> Value:
    a, b = build.codes(node, 0), build.codes(node, 1)
    depth = build.graph.shapes[node.inputs[0]][-1]
    low, high = (np.array([end]) for end in product_bounds(depth, a.dtype, b.dtype))
    plain = {"term": max(map(abs, product_bounds(1, a.dtype, b.dtype)))}
    operands = (a.tensor, b.tensor)
    tensor = build.emit(node, "matmul", operands, sum_type(low, high), None, plain)
    scale = np.array([a.scale * b.scale])
    return Sums(tensor, scale, scale * 0, low, high)


def _last_axis(build: Builder, node: Operator) -> None:
    axes = build.constant(node, 1).reshape(-1).tolist()
    rank = len(build.graph.shapes[node.inputs[0]])
    if axes not in ([rank - 1], [-1]) or not node.attrs.get("keepdims", 1):
        raise LoweringError(
            node.layer, node.kind, f"over axes {axes}; only rows, kept, are supported"
        )


def _row_max(build: Builder, node: Operator) -> Value:
    _last_axis(build, node)
    return RowMax(build.codes(node, 0))


def _subtract(build: Builder, node: Operator) -> Value:
    a, b = build.value(node, 0), build.value(node, 1)
    if isinstance(a, Codes) and isinstance(b, RowMax) and b.of == a:
        return Distance(a)
    raise LoweringError(
        node.layer, node.kind, "only codes minus their own row maximum is supported"
    )


def _exp(build: Builder, node: Operator) -> Value:
    x = build.value(node, 0)
    if not isinstance(x, Distance):
        raise LoweringError(
            node.layer, node.kind, "its argument may be positive", "subtract the row maximum first"
        )
    return Function(x.of, np.exp)


def _row_sum(build: Builder, node: Operator) -> Value:
    _last_axis(build, node)
    x = build.codes(node, 0)
    depth = build.graph.shapes[node.inputs[0]][-1]
    low, high = np.array([x.dtype.min * depth]), np.array([x.dtype.max * depth])
    if high[0] >= EXACT:
        raise LoweringError(node.layer, node.kind, f"sums reach {high[0]}", "attend to fewer keys")
    tensor = build.emit(node, "row_sum", (x.tensor,), sum_type(low, high), x.scale)
    return Sums(tensor, np.array([x.scale]), np.zeros(1), low, high)


def _quotient(build: Builder, node: Operator) -> Value:
    a, b = build.value(node, 0), build.value(node, 1)
    if not (isinstance(a, Sums) and isinstance(b, Sums)) or np.any(a.bias) or np.any(b.bias):
        raise LoweringError(node.layer, node.kind, "only a quotient of two plain sums is supported")
    return Ratio(a, b)


def _moved(build: Builder, node: Operator, op: str, attrs: dict) -> Value:
    x = build.value(node, 0)
    if isinstance(x, Codes):
        tensor = build.emit(node, op, (x.tensor,), x.dtype, x.scale, attrs)
        return replace(x, tensor=tensor)
    if isinstance(x, Sums) and x.scale.size == 1:
        tensor = build.emit(node, op, (x.tensor,), sum_type(x.low, x.high), None, attrs)
        return replace(x, tensor=tensor)
    raise LoweringError(node.layer, node.kind, f"of {type(x).__name__.lower()} is not supported")


def _reshape(build: Builder, node: Operator) -> Value:
    shape = build.constant(node, 1).tolist()
    if 0 in shape and not node.attrs.get("allowzero"):
        before = build.graph.shapes[node.inputs[0]]
        shape = [before[i] if n == 0 else n for i, n in enumerate(shape)]
    return _moved(build, node, "reshape", {"shape": shape})


def _transpose(build: Builder, node: Operator) -> Value:
    return _moved(build, node, "transpose", {"order": list(node.attrs["perm"])})


def _slice(build: Builder, node: Operator) -> Value:
    start, end, axis = (build.constant(node, i).reshape(-1) for i in (1, 2, 3))
    step = build.constant(node, 4).reshape(-1) if len(node.inputs) > 4 else np.ones(1)
    if start.size != 1 or step.tolist() != [1] or start[0] < 0:
        raise LoweringError(node.layer, node.kind, "only one axis, forwards, step 1 is supported")
    length = build.graph.shapes[node.inputs[0]][int(axis[0])]
    stop = min(int(end[0]), length) if end[0] >= 0 else length + int(end[0])
    attrs = {"axis": int(axis[0]), "start": int(start[0]), "end": stop}
    return _moved(build, node, "cut", attrs)


def _resize(build: Builder, node: Operator) -> Value:
    before, after = build.graph.shapes[node.inputs[0]], build.graph.shapes[node.output]
    factor = after[2] // before[2]
    same = after == (*before[:2], before[2] * factor, before[3] * factor)
    modes = (
        node.attrs["mode"],
        node.attrs["coordinate_transformation_mode"],
        node.attrs["nearest_mode"],
    )
    if not same or modes != (b"nearest", b"asymmetric", b"floor"):
        raise LoweringError(
            node.layer, node.kind, "only nearest upsampling by a whole factor is supported"
        )
    return _moved(build, node, "upsample", {"factor": factor})


RULES: dict[str, Callable[[Builder, Operator], Value]] = {
    "Quant": quantize,
    "Conv": _convolution,
    "Relu": _relu,
    "Add": _add,
    "MatMul": _matmul,
    "ReduceMax": _row_max,
    "Sub": _subtract,
    "Exp": _exp,
    "ReduceSum": _row_sum,
    "Div": _quotient,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Slice": _slice,
    "Resize": _resize,
}
