"""Operator names of an integer program and the golden function behind each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hw.ops.conv import conv
from hw.ops.join import join_add, saturate
from hw.ops.layout import cut, reshape, transpose, upsample
from hw.ops.matmul import matmul
from hw.ops.program import Node
from hw.ops.requant import requant_or_threshold
from hw.ops.softmax import divide, exp_rows, row_sum
from hw.spec.errors import BundleError

OPERATORS: dict[str, Callable[..., Tensor]] = {
    "conv": conv,
    "requant": requant_or_threshold,
    "join_add": join_add,
    "saturate": saturate,
    "matmul": matmul,
    "exp_rows": exp_rows,
    "row_sum": row_sum,
    "divide": divide,
    "upsample": upsample,
    "reshape": reshape,
    "transpose": transpose,
    "cut": cut,
}


def bind(node: Node) -> Callable[..., Tensor]:
    """The node as a function of its input tensors. Raises BundleError for an unknown operator."""
    if node.op not in OPERATORS:
        raise BundleError(
            f"node {node.name}: unknown operator {node.op!r}", "lower the model with this version"
        )
    function = OPERATORS[node.op]
    constants: dict[str, Any] = dict(node.attrs)
    constants |= {k: torch.from_numpy(v) for k, v in node.params.items()}
    return lambda *tensors: function(*tensors, **constants)
