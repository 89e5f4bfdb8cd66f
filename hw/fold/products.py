"""Kernels of products between activations: a softmax attention's six nodes as one head, and the
requantizer that one scale needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hw.kernels.attention import Attention
from hw.kernels.requant import Requant
from hw.lower.errors import LoweringError
from hw.lower.requant import Shared, search_shared
from hw.ops.integers import step_positions
from hw.ops.program import Node
from hw.spec.dtypes import IntType

_SEARCHED: dict[tuple[int, int, IntType, IntType], tuple[Node, Shared, IntType]] = {}
DIVIDE_CYCLES = 8
"""Of a quotient of 8 bits made a bit a cycle; rows of fewer beats take a faster divider."""


def product_range(terms: int, a: IntType, b: IntType) -> tuple[int, int]:
    """Least and greatest sum of `terms` products of codes."""
    corners = [x * y for x in (a.min, a.max) for y in (b.min, b.max)]
    return terms * min(corners), terms * max(corners)


def product_bits(terms: int, a: IntType, b: IntType) -> int:
    """Bits, two's complement, that hold the sums."""
    low, high = product_range(terms, a, b)
    return max(-low - 1, high).bit_length() + 1


def scalar_search(node: Node, terms: int, a: IntType, b: IntType) -> tuple[Shared, IntType]:
    """Integers of a requantizer of one scale for sums of `terms` products, and its codes' type;
    those of a node are searched once.

    Raises LoweringError, naming the node, where none fit four DSPs.
    """
    key = (id(node), terms, a, b)
    if key not in _SEARCHED:
        _SEARCHED[key] = node, *_search(node, terms, a, b)
    return _SEARCHED[key][1:]


def _search(node: Node, terms: int, a: IntType, b: IntType) -> tuple[Shared, IntType]:
    low, high = node.attrs["low"], node.attrs["high"]
    steps = step_positions(node.params["m"], node.params["b"], node.params["n"], low, high)
    out = IntType(int(high - low).bit_length(), low < 0)
    low_sum, high_sum = (np.array([end]) for end in product_range(terms, a, b))
    found = search_shared(steps, low_sum, high_sum, out, dsps=4)
    if found is None:
        raise LoweringError(node.name, node.op, "no m and b fit four DSPs", "give it thresholds")
    return found, out


def scalar_requantizer(
    node: Node, terms: int, a: IntType, b: IntType, lanes: int, **more: Any
) -> Requant:
    """requant of `lanes` lanes that share one m, b, n. more: other fields."""
    found, out = scalar_search(node, terms, a, b)
    return Requant(
        MH=lanes,
        PE=lanes,
        ACCU_WIDTH=product_bits(terms, a, b),
        OUT_WIDTH=out.bits,
        OUT_SIGNED=out.signed,
        RAM_STYLE="distributed",
        m=np.repeat(found.m, lanes),
        b=np.repeat(found.b, lanes),
        n=np.repeat(found.n, lanes),
        **found.parameters,
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
    found, scores = scalar_search(nodes["requant"], dim, q, k)
    beats = length // pe
    return Attention(
        LENGTH=length,
        DIM=dim,
        PE=pe,
        SIMD=simd,
        Q_WIDTH=q.bits,
        K_WIDTH=k.bits,
        V_WIDTH=v.bits,
        S_WIDTH=scores.bits,
        E_WIDTH=e.bits,
        OUT_WIDTH=out.bits,
        S_ACCU_WIDTH=product_bits(dim, q, k),
        N_ACCU_WIDTH=product_bits(length, e, v),
        SUM_WIDTH=(length * e.max).bit_length(),
        TIE=nodes["divide"].attrs["tie"],
        DIVIDE_CYCLES=DIVIDE_CYCLES if beats >= DIVIDE_CYCLES else 1,
        PACK=2 if pe % 2 == 0 and simd % 2 == 0 else 1,
        m=found.m,
        b=found.b,
        n=found.n,
        table=table,
        **found.parameters,
        **more,
    )
