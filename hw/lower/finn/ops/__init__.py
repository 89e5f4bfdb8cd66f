"""Custom ops of this project in qonnx's and FINN's manner; their ONNX domain is this module's name,
by which qonnx imports it. Each executes the golden functions of `hw.kernels`. Hardware layers have
an HLS form, which stands in FINN's domain of such.
"""

from typing import Any

from hw.lower.finn.runtime import prepare

prepare()  # finn reads its settings when HWCustomOp is imported below

from finn.custom_op.fpgadataflow.hls import register_custom_op  # noqa: E402

from hw.lower.finn.ops.attention import IntegerAttention, IntegerAttention_hls  # noqa: E402
from hw.lower.finn.ops.product import StreamProduct, StreamProduct_hls  # noqa: E402
from hw.lower.finn.ops.rows import DivideRows, ExpRows, RowSum  # noqa: E402

for layer in (IntegerAttention_hls, StreamProduct_hls):
    register_custom_op(layer)


def step_know_layers(model: Any, cfg: Any) -> Any:
    """A step for FINN's builder, which imports this module to find it, and so knows the layers."""
    return model


__all__ = [
    "DivideRows",
    "ExpRows",
    "IntegerAttention",
    "RowSum",
    "StreamProduct",
    "step_know_layers",
]
