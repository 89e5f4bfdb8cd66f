"""Integer softmax in parts, over the last axis of (1,1,M,L): what a program has before its
attentions are recognised. Plain qonnx ops: no stream of hardware crosses them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.custom_op.base import CustomOp

from hw.ops.softmax import divide, exp_rows, row_sum
from hw.spec.dtypes import IntType


def integers(values: NDArray[Any]) -> torch.Tensor:
    """Returns codes that float32 carries as int64."""
    return torch.from_numpy(np.rint(np.asarray(values, np.float64)).astype(np.int64))


def carried(codes: torch.Tensor) -> NDArray[np.float32]:
    """Turns int64 codes into float32, in which qonnx carries them; exact below 2^24."""
    return codes.numpy().astype(np.float32)


class RowOp(CustomOp):
    """One output of the type `outDataType`, of the first input's shape."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        return {"outDataType": ("s", True, "")}

    def make_shape_compatible_op(self, model: Any) -> Any:
        node = self.onnx_node
        return helper.make_node("Relu", [node.input[0]], [node.output[0]])

    def infer_node_datatype(self, model: Any) -> None:
        kind = DataType[self.get_nodeattr("outDataType")]
        model.set_tensor_datatype(self.onnx_node.output[0], kind)

    def verify_node(self) -> list[str]:
        return []

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        inputs = [integers(context[name]) for name in self.onnx_node.input]
        context[self.onnx_node.output[0]] = carried(self.compute(*inputs))

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Returns what the operator's golden function makes of its inputs."""
        raise NotImplementedError


class ExpRows(RowOp):
    """This operator looks up e for score codes (1,1,M,L) in a table."""

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        return exp_rows(*inputs)


class RowSum(RowOp):
    """Sums the rows of e (1,1,M,L) to (1,1,M,1)."""

    def make_shape_compatible_op(self, model: Any) -> Any:
        ends = [self.onnx_node.input[0]], [self.onnx_node.output[0]]
        return helper.make_node("ReduceMax", *ends, axes=[-1], keepdims=1)

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        return row_sum(*inputs)


class DivideRows(RowOp):
    """This operator divides: sums e v (1,1,M,C), sums e (1,1,M,1) -> codes; `tie`: see the golden
    `divide`.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        return {"tie": ("i", True, 12), **super().get_nodeattr_types()}

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        kind = IntType.parse(self.get_nodeattr("outDataType"))
        total, weight = inputs
        return divide(total, weight, kind.min, kind.max, self.get_nodeattr("tie"))
