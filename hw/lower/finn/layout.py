"""Transformations to channels last, the order in which streams travel.

LowerConvsToMatMul wraps every convolution in two transposes. FINN would absorb them by a dozen
passes, which stop at forks and guess layouts beside reshapes; here every 4-D tensor is known to be
a map (1,C,H,W), so all of them turn at once and the transposes vanish.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from qonnx.core import data_layout
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from hw.lower.errors import LoweringError
from hw.lower.finn.ops.stream import NCHW, NHWC
from hw.lower.finn.runtime import OPS
from hw.lower.finn.traces import as_rows, drop_unread, rename

TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


class EndInMaps(Transformation):
    """A result that is a map's vectors as rows (1,1,N,C) ends in the map itself: with channels
    last both are one stream.
    """

    def apply(self, model: Any) -> tuple[Any, bool]:
        for end in model.graph.output:
            producer = model.find_producer(end.name)
            if producer is None or producer.op_type not in ("Reshape", "Transpose"):
                continue
            source, layout = as_rows(model, end.name, end.name)
            if layout != NCHW or source in {i.name for i in model.graph.input}:
                raise LoweringError(end.name, producer.op_type, "an input is handed through")
            shape, kind = model.get_tensor_shape(source), model.get_tensor_datatype(source)
            producer.output[0] = f"{end.name}.rows"
            rename(model, source, end.name)
            model.set_tensor_shape(end.name, shape)
            model.set_tensor_datatype(end.name, kind)
        drop_unread(model)
        return model, False


class ChannelsLast(Transformation):
    """Every map (1,C,H,W) becomes (1,H,W,C), ports included; rows stay. Tensors keep their names.

    Raises LoweringError for an operator it does not know, and for a transpose that remains.
    """

    def apply(self, model: Any) -> tuple[Any, bool]:
        self.maps = {i.name for i in model.graph.input if not self._rows(model, i.name)}
        gone = []
        for node in list(model.graph.node):
            if node.op_type == "Transpose":
                self._transpose(model, node)
                gone.append(node)
            elif node.op_type in TURNS:
                TURNS[node.op_type](model, node)
                if node.op_type not in ("Im2Col", "MatMul"):  # these are channels last already
                    self.maps.update(node.output)
            else:
                raise LoweringError(node.name, node.op_type, "in channels last it has no form")
        for node in gone:
            model.graph.node.remove(node)
        for name in self.maps:
            b, c, h, w = model.get_tensor_shape(name)
            model.set_tensor_shape(name, [b, h, w, c])
        for name in {n for node in model.graph.node for n in (*node.input[:1], *node.output)}:
            model.set_tensor_layout(name, data_layout.NHWC)  # over what passes may have guessed
        return model, False

    @staticmethod
    def _rows(model: Any, name: str) -> bool:
        """Is the input read as rows (then by nothing else)?"""
        for node in model.find_consumers(name) or []:
            if node.domain == OPS:
                place = list(node.input).index(name)
                return bool(getCustomOp(node).get_nodeattr("layouts")[place] == "rows")
        return False

    def _transpose(self, model: Any, node: Any) -> None:
        order, (source,), (result,) = list(node.attribute[0].ints), node.input, node.output
        if order == TO_LAST and source in self.maps:
            for reader in model.find_consumers(result) or []:
                for i, name in enumerate(reader.input):
                    if name == result:
                        reader.input[i] = source
        elif order == TO_FIRST and source not in self.maps:
            maker = model.find_producer(source)
            maker.output[0] = result
            self.maps.add(result)
        else:
            raise LoweringError(node.name, "Transpose", f"by {order} moves channels")


def _nothing(model: Any, node: Any) -> None:
    pass


def _threshold(model: Any, node: Any) -> None:
    getCustomOp(node).set_nodeattr("data_layout", NHWC)


def _resize(model: Any, node: Any) -> None:
    b, c, h, w = model.get_initializer(node.input[2])
    model.set_initializer(node.input[2], np.array([b, h, w, c], np.float32))


def _gather(model: Any, node: Any) -> None:
    (axis,) = (a for a in node.attribute if a.name == "axis")
    axis.i = {2: 1, 3: 2}[axis.i]


def _stream(model: Any, node: Any) -> None:
    op = getCustomOp(node)
    turned = [NHWC if t == NCHW else t for t in op.get_nodeattr("layouts")]
    op.set_nodeattr("layouts", turned)


TURNS = {
    "MultiThreshold": _threshold,
    "Add": _nothing,
    "Resize": _resize,
    "Gather": _gather,
    "Im2Col": _nothing,
    "MatMul": _nothing,
    "IntegerAttention": _stream,
    "StreamProduct": _stream,
}
