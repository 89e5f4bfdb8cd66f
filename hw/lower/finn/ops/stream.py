"""Base of this project's hardware layers: several streams of vectors in, one out.

A stream is a map, (1,C,H,W) before `ChannelsLast` and (1,H,W,C) after it, or rows (1,1,L,C) as a
memory port brings them; the attribute `layouts` says which, one word an input.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from qonnx.core.datatype import DataType

from hw.lower.finn.ops.rows import carried, integers
from hw.spec.kernel import Cost, Kernel

NCHW, NHWC, ROWS = "NCHW", "NHWC", "rows"


class StreamOp(HWCustomOp):
    """Subclasses compute on rows and name their kernel. PORTS: its streams, input by input.

    dims: height and width of the result. heights, vectors, channels: of each input stream; rows
    have a height of 1. types: of each, then of the result.
    """

    PORTS: ClassVar[tuple[str, ...]] = ()

    def get_nodeattr_types(self) -> dict[str, Any]:
        return {
            "layouts": ("strings", True, [""]),
            "dims": ("ints", True, [1, 1]),
            "heights": ("ints", True, [1]),
            "vectors": ("ints", True, [1]),
            "channels": ("ints", True, [1]),
            "outChannels": ("i", True, 1),
            "types": ("strings", True, [""]),
            "PE": ("i", False, 1),
            "SIMD": ("i", False, 1),
            **super().get_nodeattr_types(),
        }

    @property
    def streams(self) -> int:
        """Inputs that are streams; constants follow them."""
        return len(self.get_nodeattr("layouts"))

    @property
    def last(self) -> bool:
        """Tells whether the result is (1,H,W,C)."""
        return NCHW not in self.get_nodeattr("layouts")

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Rows (N,C) of each stream, then the constants -> rows of the result."""
        raise NotImplementedError

    def kernel(self, model: Any = None) -> Kernel:
        """The kernel for this layer's sizes. model: whose constants it holds, else any."""
        raise NotImplementedError

    def cost(self) -> Cost:
        """Estimates the kernel by its cost model."""
        return self.kernel().cost()

    def get_exp_cycles(self) -> int:
        return self.kernel().ideal_cycles()

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        node, layouts = self.onnx_node, self.get_nodeattr("layouts")
        values = [integers(context[name]) for name in node.input]
        channels = self.get_nodeattr("channels")
        for i, layout in enumerate(layouts):
            flat = values[i].reshape(channels[i], -1).T if layout == NCHW else values[i]
            values[i] = flat.reshape(-1, channels[i])
        result = carried(self.compute(*values))
        if not self.last:
            result = np.ascontiguousarray(result.T)
        context[node.output[0]] = result.reshape(self.get_normal_output_shape())

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Returns the shape of a stream, channels last."""
        names = ("heights", "vectors", "channels")
        height, vectors, channels = (int(self.get_nodeattr(name)[ind]) for name in names)
        return (1, height, vectors // height, channels)

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        height, width = self.get_nodeattr("dims")
        channels = self.get_nodeattr("outChannels")
        return (1, height, width, channels) if self.last else (1, channels, height, width)

    def get_number_output_values(self) -> int:
        return math.prod(self.get_folded_output_shape()[:-1])

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        *outer, channels = self.get_normal_input_shape(ind)
        lanes = self.lanes(ind)
        return (*outer, channels // lanes, lanes)

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        lanes = self.lanes(self.streams)
        height, width = self.get_nodeattr("dims")
        return (1, height, width, self.get_nodeattr("outChannels") // lanes, lanes)

    def lanes(self, ind: int) -> int:
        """Codes a beat of input `ind`; of the result for `streams`."""
        return int(self.get_nodeattr("SIMD"))

    def get_input_datatype(self, ind: int = 0) -> Any:
        return DataType[self.get_nodeattr("types")[ind]]

    def get_output_datatype(self, ind: int = 0) -> Any:
        return DataType[self.get_nodeattr("types")[-1]]

    def get_instream_width(self, ind: int = 0) -> int:
        if ind >= self.streams:
            return 0
        return self.lanes(ind) * self.get_input_datatype(ind).bitwidth()

    def get_outstream_width(self, ind: int = 0) -> int:
        return self.lanes(self.streams) * self.get_output_datatype().bitwidth()

    def infer_node_datatype(self, model: Any) -> None:
        node = self.onnx_node
        streams = node.input[: self.streams]
        kinds = [model.get_tensor_datatype(n).name for n in streams]
        self.set_nodeattr("types", [*kinds, self.get_nodeattr("types")[-1]])
        model.set_tensor_datatype(node.output[0], self.get_output_datatype())

    def lut_estimation(self, fpgapart: str) -> int:
        return round(self.cost().lut)

    def dsp_estimation(self, fpgapart: str) -> int:
        return self.cost().dsp

    def bram_estimation(self, fpgapart: str) -> int:
        return self.cost().bram18

    def uram_estimation(self, fpgapart: str) -> int:
        return self.cost().uram
