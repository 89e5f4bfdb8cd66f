"""Softmax attention of one head between 4-D maps, in the form that integers can follow to the bit.

    s = q k                       integer product, quantized to 8 bits of SCORE_SCALE (saturating)
    e = exp(s - max s)            a table of 256 entries, quantized to 8 unsigned bits of EXP_SCALE
    y = (sum e v) / (sum e)       exact integer sums, one division a row, grid of v, halves up

Dividing after the product with v (as FlashAttention does, Dao et al. 2022, section 3.1) keeps e at
full 8-bit
resolution however many keys share the weight: probabilities of 1/2056 would all round to 0 in 8
    bits.
No 1/sqrt(d): the query's weights carry it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quant.config import EXP_SCALE, SCORE_SCALE, TIE_BREAK, Precision
from quant.model.layers import Conv, Quantizer


def rows(x: Tensor) -> Tensor:
    """Reorders a map (B, C, H, W) to tokens (B, 1, H*W, C)."""
    b, c, h, w = x.shape
    return x.reshape(b, 1, c, h * w).transpose(2, 3)


class SoftmaxProduct(nn.Module):
    """Computes softmax(q k) v for token-major operands; the file's head has the formula."""

    def __init__(self, precision: Precision, output: Quantizer) -> None:
        super().__init__()
        self.score = Quantizer(precision, precision.ends, scale=SCORE_SCALE)
        self.exp = Quantizer(precision, precision.ends, signed=False, scale=EXP_SCALE)
        # the quantizer of v: y is a convex combination of v, so it fits its range
        self.output = output

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Lets queries q (B,1,M,K) attend to keys k (B,1,L,K) and values v (B,1,L,V); returns
        (B,1,M,V).
        """
        s = self.score(torch.matmul(q, k.transpose(2, 3)))  # (B,1,M,L)
        e = self.exp(torch.exp(s - s.amax(dim=3, keepdim=True)))
        total = e.sum(dim=3, keepdim=True)
        context = torch.matmul(e, v) / total
        if not self.output.is_float:
            context = context + self.output.threshold * (TIE_BREAK / self.output.levels)
        return self.output(context)


class Attention(nn.Module):
    """One-head attention of a map `x` to a map `y`: projections, product, output projection.

    The initial query gain makes scores of unit-variance keys spread over about +-3, so that a fresh
    softmax is neither
    flat nor one-hot.
    """

    def __init__(self, precision: Precision, width: int, lanes: int) -> None:
        super().__init__()
        self.query = Conv(precision, width, lanes, gain=3.0 / lanes**0.5)
        self.key = Conv(precision, width, lanes)
        self.value = Conv(precision, width, lanes)
        self.query_quant = Quantizer(precision, precision.ends)
        self.key_quant = Quantizer(precision, precision.ends)
        self.value_quant = Quantizer(precision, precision.ends)
        self.product = SoftmaxProduct(precision, self.value_quant)
        self.out = Conv(precision, lanes, width, gain=0.0)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Lets x (B,C,H,W) attend to y (B,C,H',W'); returns (B,C,H,W) before any quantizer."""
        b, _, h, w = x.shape
        q = rows(self.query_quant(self.query(x)))
        k = rows(self.key_quant(self.key(y)))
        v = rows(self.value_quant(self.value(y)))
        context = self.product(q, k, v)  # (B,1,H*W,K)
        return self.out(context.transpose(2, 3).reshape(b, -1, h, w))
