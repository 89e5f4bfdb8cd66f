"""Custom ops of this project in qonnx's and FINN's manner; their ONNX domain is this module's name,
by which qonnx imports it. Each executes the golden functions of `hw.kernels`.
"""

from hw.lower.finn.runtime import prepare

prepare()  # finn reads its settings when HWCustomOp is imported below

from hw.lower.finn.ops.attention import IntegerAttention  # noqa: E402
from hw.lower.finn.ops.product import StreamProduct  # noqa: E402
from hw.lower.finn.ops.rows import DivideRows, ExpRows, RowSum  # noqa: E402

__all__ = ["DivideRows", "ExpRows", "IntegerAttention", "RowSum", "StreamProduct"]
