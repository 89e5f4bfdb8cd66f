"""Softmax attention of one head as one layer; in hardware the kernel `attention`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw.kernels.attention import Attention
from hw.lower.errors import LoweringError
from hw.lower.finn.ops.hls import HlsStreamOp
from hw.lower.finn.ops.stream import StreamOp
from hw.lower.requant import solve
from hw.ops.integers import EXACT, product_bounds
from hw.ops.matmul import matmul
from hw.ops.requant import threshold
from hw.ops.softmax import divide, exp_rows, row_sum
from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits

REQUANT = ("PORT_WIDTH", "M_WIDTH", "B_WIDTH", "B_SHIFT", "SHIFT", "m", "b", "n")


class IntegerAttention(StreamOp):
    """Streams q (M queries), k and v (L keys and values); constants: thresholds (1, levels) of the
    scores, table of exp by distance from a row's greatest score. scores, weights: types of score
    and e. requant: integers of the requantizer that has those thresholds, in the order of REQUANT.
    tie: see the golden `divide`. PE: keys at once, SIMD: codes of a vector at once.
    """

    PORTS = ("s_axis_q", "s_axis_k", "s_axis_v")

    def get_nodeattr_types(self) -> dict[str, Any]:
        extra = {"scores": ("s", True, ""), "weights": ("s", True, ""), "tie": ("i", True, 12)}
        extra |= {"requant": ("ints", True, [0] * len(REQUANT))}
        return extra | super().get_nodeattr_types()

    def compute(self, *inputs: torch.Tensor) -> torch.Tensor:
        q, k, v, steps, table = inputs
        low = IntType.parse(self.get_nodeattr("scores")).min
        out = IntType.parse(self.get_nodeattr("types")[-1])
        sums = matmul(q, k.T, EXACT)
        e = exp_rows(threshold(sums[None, None], steps, low)[0, 0], table)
        tie = self.get_nodeattr("tie")
        return divide(matmul(e, v, EXACT), row_sum(e), out.min, out.max, tie)

    def kernel(self, model: Any = None) -> Attention:
        q, k, v, out = (IntType.parse(n) for n in self.get_nodeattr("types"))
        score, weight = (IntType.parse(self.get_nodeattr(n)) for n in ("scores", "weights"))
        queries, length, _ = self.get_nodeattr("vectors")
        dim = self.get_nodeattr("channels")[0]
        given = dict(zip(REQUANT, self.get_nodeattr("requant"), strict=True))
        table = None if model is None else model.get_initializer(self.onnx_node.input[4])
        sums = signed_bits(*product_bounds(dim, q, k))
        return Attention(
            LENGTH=length,
            DIM=dim,
            PE=self.get_nodeattr("PE"),
            SIMD=self.get_nodeattr("SIMD"),
            Q_WIDTH=q.bits,
            K_WIDTH=k.bits,
            V_WIDTH=v.bits,
            S_WIDTH=score.bits,
            E_WIDTH=weight.bits,
            OUT_WIDTH=out.bits,
            S_ACCU_WIDTH=sums,
            N_ACCU_WIDTH=signed_bits(*product_bounds(length, weight, v)),
            SUM_WIDTH=(length * weight.max).bit_length(),
            TIE=self.get_nodeattr("tie"),
            table=None if table is None else table.astype(np.int64),
            queries=queries,
            **{name: given[name] for name in REQUANT if name.isupper()},
            m=np.array([given["m"]]),
            b=np.array([given["b"]]),
            n=np.array([given["n"]]),
        )


def requant_integers(layer: str, steps: NDArray[Any], sums: IntType, score: IntType) -> list[int]:
    """Integers by REQUANT of the requantizer whose codes are those of thresholds (1, levels), for
    every sum of a type. Raises LoweringError where there is none.
    """
    low, high = (np.array([n], np.int64) for n in (sums.min, sums.max))
    found = solve(steps.astype(np.int64), np.ones(1), low, high, score)
    if not found.parameters:
        raise LoweringError(layer, "MultiThreshold", "no m and b follow its thresholds")
    given = found.parameters | {name: int(getattr(found, name)[0]) for name in "mbn"}
    return [given[name] for name in REQUANT]


class IntegerAttention_hls(HlsStreamOp, IntegerAttention):
    """This layer's C++ is the template of `attention.hpp`."""
