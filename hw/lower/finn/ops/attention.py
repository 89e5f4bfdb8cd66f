"""Softmax attention of one head as one layer; in hardware the kernel `attention`."""

from __future__ import annotations

from typing import Any

import torch

from hw.kernels.attention import Attention
from hw.lower.finn.ops.stream import StreamOp
from hw.ops.integers import EXACT, product_bounds
from hw.ops.matmul import matmul
from hw.ops.requant import threshold
from hw.ops.softmax import divide, exp_rows, row_sum
from hw.spec.dtypes import IntType
from hw.spec.kernel import Cost
from hw.spec.sizes import ceil_div, signed_bits


class IntegerAttention(StreamOp):
    """Streams q (M queries), k and v (L keys and values); constants: thresholds (1, levels) of the
    scores, table of exp by distance from a row's greatest score. scores, weights: types of score
    and e. tie: see the golden `divide`. PE: keys at once, SIMD: codes of a vector at once.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        extra = {"scores": ("s", True, ""), "weights": ("s", True, ""), "tie": ("i", True, 12)}
        return extra | super().get_nodeattr_types()

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        q, k, v, steps, table = inputs
        low = IntType.parse(self.get_nodeattr("scores")).min
        out = IntType.parse(self.get_nodeattr("types")[-1])
        sums = matmul(q, k.T, EXACT)
        e = exp_rows(threshold(sums[None, None], steps, low)[0, 0], table)
        tie = self.get_nodeattr("tie")
        return divide(matmul(e, v, EXACT), row_sum(e), out.min, out.max, tie)

    def kernel(self) -> Attention:
        """The kernel for this layer's sizes, with a requantizer drawn at random: it has the size,
        not the values.
        """
        q, k, v, out = (IntType.parse(n) for n in self.get_nodeattr("types"))
        score, weight = (IntType.parse(self.get_nodeattr(n)) for n in ("scores", "weights"))
        queries, length, _ = self.get_nodeattr("vectors")
        dim, pe = self.get_nodeattr("channels")[0], self.get_nodeattr("PE")
        padded = ceil_div(length, pe) * pe
        scores = signed_bits(*product_bounds(dim, q, k))
        context = signed_bits(*product_bounds(padded, weight, v))
        return Attention.example(
            LENGTH=padded,
            DIM=dim,
            PE=pe,
            SIMD=self.get_nodeattr("SIMD"),
            Q_WIDTH=q.bits,
            K_WIDTH=k.bits,
            V_WIDTH=v.bits,
            S_WIDTH=score.bits,
            E_WIDTH=weight.bits,
            OUT_WIDTH=out.bits,
            S_ACCU_WIDTH=scores,
            PORT_WIDTH=scores,
            N_ACCU_WIDTH=context,
            SUM_WIDTH=(padded * weight.max).bit_length(),
            TIE=self.get_nodeattr("tie"),
            queries=queries,
        )

    def cost(self) -> Cost:
        return self.kernel().cost()

    def get_exp_cycles(self) -> int:
        return self.kernel().ideal_cycles()
