"""Transformations for products of two streams, which FINN has no integer layers for: a softmax
attention becomes one `IntegerAttention`, the masks' product one `StreamProduct`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from hw.lower.errors import LoweringError
from hw.lower.finn.ops.attention import requant_integers
from hw.lower.finn.ops.stream import ROWS
from hw.lower.finn.runtime import OPS
from hw.lower.finn.traces import as_rows, drop_unread, only, origin, through_moves
from hw.ops.integers import product_bounds
from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits


class InferIntegerAttention(Transformation):
    """MatMul, MultiThreshold, ExpRows, RowSum, MatMul, DivideRows, and the moves around them ->
    IntegerAttention between maps.
    """

    def apply(self, model: Any) -> tuple[Any, bool]:
        for node in [n for n in model.graph.node if n.op_type == "DivideRows"]:
            _attention(model, node)
        drop_unread(model)
        return model, False


class InferStreamProduct(Transformation):
    """MatMul of two streams, one as rows, one as columns, reshaped to a map -> StreamProduct."""

    def apply(self, model: Any) -> tuple[Any, bool]:
        for node in [n for n in model.graph.node if n.op_type == "MatMul"]:
            if model.get_initializer(node.input[1]) is None:
                _product(model, node)
        drop_unread(model)
        return model, False


def _attention(model: Any, last: Any) -> None:
    layer = last.name
    context, total = (model.find_producer(n) for n in last.input)
    _expect(context, "MatMul", layer)
    _expect(total, "RowSum", layer)
    exp = model.find_producer(context.input[0])
    _expect(exp, "ExpRows", layer)
    if total.input[0] != exp.output[0]:
        raise LoweringError(layer, "RowSum", "sums another tensor than the one that is multiplied")
    codes = model.find_producer(exp.input[0])
    _expect(codes, "MultiThreshold", layer)
    scores = model.find_producer(codes.input[0])
    _expect(scores, "MatMul", layer)
    layer = scores.name
    for node, kind in ((scores, "MultiThreshold"), (codes, "ExpRows"), (context, "DivideRows")):
        only(model.find_consumers(node.output[0]), layer, kind)
    if model.get_tensor_shape(codes.input[1])[0] != 1:
        raise LoweringError(layer, "MultiThreshold", "scores have one scale, not one a channel")
    sources = [
        as_rows(model, scores.input[0], layer),
        as_rows(model, scores.input[1], layer, columns=True),
        as_rows(model, context.input[1], layer),
    ]
    q, k = (IntType.parse(model.get_tensor_datatype(n).name) for n, _ in sources[:2])
    dim = model.get_tensor_shape(scores.input[0])[-1]
    sums = IntType(signed_bits(*product_bounds(dim, q, k)))
    score = IntType.parse(model.get_tensor_datatype(codes.output[0]).name)
    steps = model.get_initializer(codes.input[1])
    extra = {
        "requant": requant_integers(layer, steps, sums, score),
        "scores": model.get_tensor_datatype(codes.output[0]).name,
        "weights": model.get_tensor_datatype(exp.output[0]).name,
        "tie": getCustomOp(last).get_nodeattr("tie"),
    }
    output = through_moves(model, last.output[0])
    constants = [codes.input[1], exp.input[1]]
    _check_map(model, output, last.output[0], layer)
    _insert(model, "IntegerAttention", layer, last, sources, constants, output, extra)


def _product(model: Any, node: Any) -> None:
    """Vectors as rows (1,1,T,C), pixels as columns (1,1,C,N): sums (1,1,T,N), a map of T."""
    sources = [
        as_rows(model, node.input[0], node.name),
        as_rows(model, node.input[1], node.name, columns=True),
    ]
    reader = only(model.find_consumers(node.output[0]), node.name, "Reshape")
    output = reader.output[0]
    if model.get_tensor_shape(output)[1] != model.get_tensor_shape(node.output[0])[2]:
        raise LoweringError(node.name, "MatMul", "its rows do not become a map's channels")
    _insert(model, "StreamProduct", node.name, node, sources, [], output, {})


def _check_map(model: Any, output: str, rows: str, layer: str) -> None:
    """Is `output` (1,C,H,W) made of rows (1,1,N,C)?"""
    shape = model.get_tensor_shape(output)
    _, indices = origin(model, output, stop=rows)
    wanted = np.arange(indices.size).reshape(-1, shape[1]).T
    if len(shape) != 4 or not np.array_equal(indices.reshape(shape[1], -1), wanted):
        raise LoweringError(layer, "attention", f"its rows do not become a map {shape}")


def _insert(
    model: Any,
    kind: str,
    layer: str,
    place: Any,
    sources: list[tuple[str, str]],
    constants: list[str],
    output: str,
    extra: dict[str, Any],
) -> None:
    """The layer, instead of the producer of `output`."""
    names, layouts = zip(*sources, strict=True)
    shapes = [model.get_tensor_shape(n) for n in names]
    channels = [s[3] if t == ROWS else s[1] for s, t in zip(shapes, layouts, strict=True)]
    result = model.get_tensor_shape(output)
    made = helper.make_node(
        kind,
        [*names, *constants],
        [output],
        domain=OPS,
        name=layer,
        backend="fpgadataflow",
        layouts=list(layouts),
        dims=list(result[2:]),
        heights=[1 if t == ROWS else s[2] for s, t in zip(shapes, layouts, strict=True)],
        vectors=[int(np.prod(s)) // c for s, c in zip(shapes, channels, strict=True)],
        channels=channels,
        outChannels=result[1],
        types=[model.get_tensor_datatype(n).name for n in (*names, output)],
        **extra,
    )
    replaced = model.find_producer(output)
    model.graph.node.insert(list(model.graph.node).index(place) + 1, made)
    model.graph.node.remove(replaced)


def _expect(node: Any, kind: str, layer: str) -> None:
    have = "a port" if node is None else node.op_type
    if have != kind:
        raise LoweringError(layer, kind, f"is expected in an attention, found {have}")
