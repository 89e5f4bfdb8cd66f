"""Transformation: a softmax that streamlining left in floats around exact integer products becomes
integer ops, by enumerating what its float part does to each code.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import helper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from hw.lower.errors import LoweringError
from hw.lower.finn.runtime import OPS
from hw.lower.finn.traces import drop_unread, only


class IntegerSoftmax(Transformation):
    """The chain codes * s - max -> Exp -> MultiThreshold becomes ExpRows with a table of every
    distance; (sums * c) / (e * c').sum -> MultiThreshold becomes RowSum and DivideRows, where the
    quotient is in units of a code. Raises LoweringError where it is not.
    """

    def apply(self, model: Any) -> tuple[Any, bool]:
        for node in [n for n in model.graph.node if n.op_type == "Exp"]:
            _exp(model, node)
        for node in [n for n in model.graph.node if n.op_type == "Div"]:
            _divide(model, node)
        drop_unread(model)
        return model, False


def _scaled(model: Any, name: str, layer: str) -> tuple[str, float]:
    """Returns (codes, scale) of a Mul by a scalar constant."""
    node = model.find_producer(name)
    constant = None if node is None else model.get_initializer(node.input[1])
    if node is None or node.op_type != "Mul" or constant is None or constant.size != 1:
        raise LoweringError(layer, "Mul", f"{name} is not codes times one scale")
    return node.input[0], float(constant.reshape(()))


def _exp(model: Any, node: Any) -> None:
    subtract = model.find_producer(node.input[0])
    if subtract is None or subtract.op_type != "Sub":
        raise LoweringError(node.name, "Exp", "its argument may be positive")
    most = model.find_producer(subtract.input[1])
    codes, scale = _scaled(model, subtract.input[0], node.name)
    if (codes, scale) != _scaled(model, most.input[0], node.name) or most.op_type != "ReduceMax":
        raise LoweringError(node.name, "Sub", "only codes minus their own row maximum")
    quantizer = only(model.find_consumers(node.output[0]), node.name, "MultiThreshold")
    kind = model.get_tensor_datatype(codes)
    distance = -np.arange(kind.max() - kind.min() + 1, dtype=np.float32) * np.float32(scale)
    steps = model.get_initializer(quantizer.input[1])[0]
    table = (np.exp(distance)[:, None] >= steps).sum(1)
    _note_module(model, codes, most)
    _replace(model, quantizer, "ExpRows", [codes, _constant(model, node.name, table)])


def _note_module(model: Any, codes: str, softmax: Any) -> None:
    """FINN makes the scores' product anew, without the exporter's note: take the softmax's."""
    quantizer = model.find_producer(codes)
    product = None if quantizer is None else model.find_producer(quantizer.input[0])
    if product is not None and not product.metadata_props:
        product.metadata_props.extend(softmax.metadata_props)


def _divide(model: Any, node: Any) -> None:
    total, above = _scaled(model, node.input[0], node.name)
    sums = model.find_producer(node.input[1])
    if sums is None or sums.op_type != "ReduceSum":
        raise LoweringError(node.name, "Div", "only by the sum of a row")
    e, below = _scaled(model, sums.input[0], node.name)
    quantizer = only(model.find_consumers(node.output[0]), node.name, "MultiThreshold")
    kind = model.get_tensor_datatype(quantizer.output[0])
    steps = model.get_initializer(quantizer.input[1])[0].astype(np.float64)
    unit = (steps[-1] - steps[0]) / (len(steps) - 1)
    nearest = int(np.abs(steps).argmin())  # where float32 is finest
    short = (kind.min() + nearest + 0.5) - steps[nearest] / unit
    tie = -math.log2(short) if short > 0 else math.inf
    if abs(above / below / unit - 1) > 1e-5 or not 0 < round(tie, 1) < 16:
        raise LoweringError(
            node.name,
            "Div",
            f"in units of {above / below / unit:g} codes, short of halves by {short:g}",
            "quantize it with the quantizer of the values, nudged by 2^-n codes",
        )
    weight = f"{e}.total"
    made = helper.make_node(
        "RowSum", [e], [weight], domain=OPS, name=sums.name, outDataType="INT32"
    )
    shape = model.get_tensor_shape(node.input[1])
    place = list(model.graph.node).index(quantizer)
    model.graph.node.insert(place, made)
    model.set_tensor_shape(weight, shape)
    _replace(model, quantizer, "DivideRows", [total, weight], tie=round(tie))


def _constant(model: Any, layer: str, values: Any) -> str:
    from qonnx.core.datatype import DataType

    name = f"{layer}.table"
    model.set_initializer(name, values.astype(np.float32))
    model.set_tensor_datatype(name, DataType["UINT8"])
    return name


def _replace(model: Any, quantizer: Any, kind: str, inputs: list[str], **attrs: Any) -> None:
    """An op of this project with the quantizer's result and type."""
    made = helper.make_node(
        kind,
        inputs,
        list(quantizer.output),
        domain=OPS,
        name=quantizer.name,
        outDataType=getCustomOp(quantizer).get_nodeattr("out_dtype"),
        **attrs,
    )
    place = list(model.graph.node).index(quantizer)
    model.graph.node.insert(place, made)
    model.graph.node.remove(quantizer)
