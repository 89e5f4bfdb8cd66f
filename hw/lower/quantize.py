"""Lowering of a quantizer: what becomes of each kind of value when it meets one."""

from __future__ import annotations

import math

import numpy as np

from hw.lower.builder import Builder, RequantReport, sum_type, sums_of
from hw.lower.errors import LoweringError
from hw.lower.graph import Operator
from hw.lower.requant import solve, trained_steps
from hw.lower.values import Codes, Constant, Function, Pair, Ratio, Raw, Sums, Weights
from hw.ops.softmax import exp_table
from hw.spec.dtypes import IntType


def quantize(build: Builder, node: Operator) -> Codes | Weights:
    """Rule of QONNX's Quant node (value, scale, zero point, bit width)."""
    scale, zero, bits = (build.constant(node, i) for i in (1, 2, 3))
    if np.any(zero) or node.attrs.get("rounding_mode", b"ROUND") != b"ROUND":
        raise LoweringError(
            node.layer, node.kind, "zero point or rounding mode other than 0 and ROUND"
        )
    dtype = IntType(int(bits), bool(node.attrs["signed"]))
    value = build.value(node, 0)
    if isinstance(value, Constant):
        return _weights(node, value, scale, dtype)
    if scale.size != 1 or node.attrs.get("narrow"):
        raise LoweringError(
            node.layer, node.kind, "an activation quantizer has one scale and the full range"
        )
    target = Codes(node.output, float(scale), dtype)
    if isinstance(value, Raw):
        return _port(build, node, value, target)
    if isinstance(value, Codes):
        return _regrid(build, node, value, target)
    if isinstance(value, Pair):
        return _join(build, node, value, target)
    if isinstance(value, Sums):
        return _requant(build, node, value, target)
    if isinstance(value, Function):
        return _table(build, node, value, target)
    if isinstance(value, Ratio):
        return _divide(build, node, value, target)
    raise LoweringError(node.layer, node.kind, f"cannot quantize a {type(value).__name__}")


def _weights(node: Operator, value: Constant, scale: np.ndarray, dtype: IntType) -> Weights:
    channels = value.array.shape[0]
    flat = np.broadcast_to(scale.astype(np.float64).reshape(-1), (channels,))
    codes = np.rint(value.array / flat.reshape(-1, *[1] * (value.array.ndim - 1)))
    low = dtype.min + bool(node.attrs.get("narrow"))
    if dtype.bits > 8:
        raise LoweringError(node.layer, node.kind, f"weights of {dtype.name}", "use at most 8 bits")
    return Weights(np.clip(codes, low, dtype.max).astype(np.int8), flat)


def _port(build: Builder, node: Operator, value: Raw, target: Codes) -> Codes:
    port = build.ports[value.port]
    if port.dtype != target.dtype or port.scale != target.scale:
        raise LoweringError(
            node.layer,
            node.kind,
            f"input {port.name} is declared {port.dtype and port.dtype.name} "
            f"at scale {port.scale}, its quantizer is {target.dtype.name} at {target.scale}",
            "export the model again",
        )
    return Codes(value.port, target.scale, target.dtype)


def _regrid(build: Builder, node: Operator, value: Codes, target: Codes) -> Codes:
    if value.scale != target.scale:
        return _requant(build, node, sums_of(value), target)
    if value.dtype.min >= target.dtype.min and value.dtype.max <= target.dtype.max:
        return value  # on the grid and within the range: the identity
    limits = {"low": target.dtype.min, "high": target.dtype.max}
    build.emit(node, "saturate", (value.tensor,), target.dtype, target.scale, limits)
    return target


def _join(build: Builder, node: Operator, value: Pair, target: Codes) -> Codes:
    if value.a.scale != target.scale:
        raise LoweringError(
            node.layer,
            node.kind,
            f"a sum at scale {value.a.scale} meets a quantizer at {target.scale}",
            "let the quantizer of the sum quantize its operands too",
        )
    limits = {"low": target.dtype.min, "high": target.dtype.max}
    operands = (value.a.tensor, value.b.tensor)
    build.emit(node, "join_add", operands, target.dtype, target.scale, limits)
    return target


def _requant(build: Builder, node: Operator, value: Sums, target: Codes) -> Codes:
    dtype = target.dtype
    steps = trained_steps(value.scale, value.bias, target.scale, dtype, value.relu)
    slope = value.scale / target.scale
    found = solve(steps, slope, value.low, value.high, dtype)
    fallback = np.flatnonzero(found.dsps == 0)
    params = {
        "m": found.m,
        "b": found.b,
        "n": found.n,
        "channels": fallback.astype(np.int64),
        "steps": np.clip(steps[fallback], value.low.min(), value.high.max() + 1),
    }
    limits = {"low": dtype.min, "high": dtype.max}
    operands = (value.tensor,)
    build.emit(node, "requant", operands, dtype, target.scale, limits, params, found.parameters)
    bits = sum_type(value.low, value.high).bits
    double = int((found.dsps > 1).sum())
    build.report.append(RequantReport(node.layer, len(slope), double, fallback.size, bits))
    return target


def _table(build: Builder, node: Operator, value: Function, target: Codes) -> Codes:
    span = value.of.dtype.max - value.of.dtype.min
    table = exp_table(value.of.scale, target.scale, span, target.dtype.max)
    distance = -np.arange(span + 1) * np.float64(value.of.scale)
    wanted = np.rint(value.apply(distance) / target.scale).clip(target.dtype.min, target.dtype.max)
    if not np.array_equal(table, wanted):
        raise LoweringError(node.layer, node.kind, "the function before it is no exponential")
    params = {"table": table}
    build.emit(node, "exp_rows", (value.of.tensor,), target.dtype, target.scale, None, params)
    return target


def _divide(build: Builder, node: Operator, value: Ratio, target: Codes) -> Codes:
    total, weight = value.total, value.weight
    unit = float(total.scale[0] / weight.scale[0]) / target.scale
    if abs(unit - 1) > 1e-6:  # float32 scales: their product and quotient round
        raise LoweringError(
            node.layer,
            node.kind,
            f"the quotient is in units of {unit:g} codes",
            "quantize it with the quantizer of the values",
        )
    tie = -math.log2(value.nudge / target.scale) if value.nudge > 0 else math.inf
    if not (0 < tie < 16 and abs(tie - round(tie)) < 1e-4):
        raise LoweringError(
            node.layer,
            node.kind,
            f"the quotient is nudged by {value.nudge / target.scale:g} codes",
            "add 2^-n codes, n below 16, so that halves round up in floats and integers alike",
        )
    limits = {"low": target.dtype.min, "high": target.dtype.max, "tie": round(tie)}
    operands = (total.tensor, weight.tensor)
    build.emit(node, "divide", operands, target.dtype, target.scale, limits)
    return target
