"""Product of two streams, vectors and pixels, which makes the masks; in hardware the kernel
`matmul`.
"""

from __future__ import annotations

from typing import Any

import torch

from hw.kernels.matmul import Matmul
from hw.lower.finn.ops.hls import HlsStreamOp
from hw.lower.finn.ops.stream import StreamOp
from hw.ops.integers import EXACT
from hw.ops.matmul import matmul
from hw.spec.dtypes import IntType


class StreamProduct(StreamOp):
    """Streams vectors (T,C) and pixels (N,C); channel t of a pixel's result is its product with
    vector t. PE: vectors at once, SIMD: codes at once.
    """

    PORTS = ("s_axis_b", "s_axis_a")

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        vectors, pixels = inputs
        return matmul(pixels, vectors.T, EXACT)

    def lanes(self, ind: int) -> int:
        return int(self.get_nodeattr("PE" if ind == self.streams else "SIMD"))

    def kernel(self, model: Any = None) -> Matmul:
        b, a, out = (IntType.parse(n) for n in self.get_nodeattr("types"))
        count, pixels = self.get_nodeattr("vectors")
        return Matmul(
            TRANSPOSED=True,
            LENGTH=count,
            DIM=self.get_nodeattr("channels")[0],
            PE=self.get_nodeattr("PE"),
            SIMD=self.get_nodeattr("SIMD"),
            A_WIDTH=a.bits,
            A_SIGNED=a.signed,
            B_WIDTH=b.bits,
            ACCU_WIDTH=out.bits,
            rows=pixels,
        )


class StreamProduct_hls(HlsStreamOp, StreamProduct):
    """This layer's C++ is the template of `matmul.hpp`."""
