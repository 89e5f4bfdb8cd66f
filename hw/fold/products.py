"""Kernels of products between activations: a softmax attention's six nodes as one head, and the
requantizer that one scale needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw.fold.kernels import requant_fields
from hw.kernels.attention import Attention
from hw.kernels.requant import Requant
from hw.lower.errors import LoweringError
from hw.ops.integers import product_bounds
from hw.ops.program import Node
from hw.spec.dtypes import IntType
from hw.spec.sizes import signed_bits

DIVIDE_CYCLES = 8
"""A quotient of 8 bits made a bit a cycle takes this many; rows of fewer beats take a faster
divider.
"""


def product_bits(terms: int, a: IntType, b: IntType) -> int:
    """Bits, two's complement, that hold every sum of `terms` products of codes of two types."""
    return signed_bits(*product_bounds(terms, a, b))


def scalar_requantizer(
    node: Node, terms: int, a: IntType, b: IntType, lanes: int, **more: Any
) -> Requant:
    """Returns the requant of `lanes` lanes that share one m, b, n. more: other fields."""
    return Requant(
        NumChannels=lanes,
        PE=lanes,
        ACCU_WIDTH=product_bits(terms, a, b),
        RAM_STYLE="distributed",
        **requant_fields(node, lanes),
        **more,
    )


def softmax_attention(
    nodes: Mapping[str, Node],
    types: tuple[IntType, IntType, IntType, IntType],
    length: int,
    dim: int,
    pe: int,
    simd: int,
    **more: Any,
) -> Attention:
    """The head of nodes scores, requant, exp, context, divide. types: of queries, keys, values and
    the context. length: greatest number of keys. more: other fields of Attention.
    """
    q, k, v, out = types
    table = nodes["exp"].params["table"].astype(np.int64)
    e = IntType(int(table.max()).bit_length(), False)
    scores = requant_fields(nodes["requant"])
    width = scores.pop("OUT_WIDTH")
    if not scores.pop("OUT_SIGNED"):
        node = nodes["requant"]
        raise LoweringError(node.name, node.op, "scores without a sign", "quantize them with one")
    beats = length // pe
    return Attention(
        LENGTH=length,
        DIM=dim,
        PE=pe,
        SIMD=simd,
        Q_WIDTH=q.bits,
        K_WIDTH=k.bits,
        V_WIDTH=v.bits,
        S_WIDTH=width,
        E_WIDTH=e.bits,
        OUT_WIDTH=out.bits,
        S_ACCU_WIDTH=product_bits(dim, q, k),
        N_ACCU_WIDTH=product_bits(length, e, v),
        SUM_WIDTH=(length * e.max).bit_length(),
        TIE=nodes["divide"].attrs["tie"],
        DIVIDE_CYCLES=DIVIDE_CYCLES if beats >= DIVIDE_CYCLES else 1,
        PACK=2 if pe % 2 == 0 and simd % 2 == 0 else 1,
        table=table,
        **scores,
        **more,
    )
