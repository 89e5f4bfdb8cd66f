"""What an integer program must keep before anything is computed: names that lead somewhere,
constants of the right kind and size, shapes that follow from each other.

A rule of an operator takes the shapes of its inputs, attributes and parameters, and returns the
shape of its output. It raises ValueError or TypeError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.plain import whole

Shape = tuple[int, ...]
Params = Mapping[str, NDArray[Any]]
Rule = Callable[[Sequence[Shape], Mapping[str, Any], Params], Shape]

LARGEST = 1 << 26
"""Codes of a tensor."""
MOST_LEVELS = 1 << 16
MOST_SHIFT = 62
SIDE = 1 << 12
"""No stride, padding or factor is larger."""


def _need(true: Any, what: str) -> None:
    if not true:
        raise ValueError(what)


def _levels(attrs: Mapping[str, Any]) -> int:
    low = whole(attrs["low"], "low", -(1 << 31), 1 << 31)
    high = whole(attrs["high"], "high", low + 1, low + MOST_LEVELS)
    return high - low


def _integers(params: Params, name: str, kind: type = np.int64) -> NDArray[Any]:
    array = params[name]
    _need(array.dtype == kind, f"{name} is {array.dtype}, not {np.dtype(kind)}")
    return array


def conv(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """A map (B, I, H, W) is convolved with a weight (O, I / groups, k, k)."""
    (x,), weight = shapes, _integers(params, "weight", np.int8)
    stride, groups = (whole(attrs[k], k, 1, SIDE) for k in ("stride", "groups"))
    padding = whole(attrs["padding"], "padding", 0, SIDE)
    _need(len(x) == 4 and weight.ndim == 4 and weight.size, f"weight {weight.shape} for {x}")
    out, depth, *sides = weight.shape
    _need(x[1] == groups * depth and out % groups == 0, f"weight {weight.shape}, {x}, {groups}")
    room = [n + 2 * padding - k for n, k in zip(x[2:], sides, strict=True)]
    _need(min(room) >= 0 and padding <= max(sides), f"padding {padding} of {x}")
    return (x[0], out, *(n // stride + 1 for n in room))


def requant(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """Per channel, or one set for all; some or all channels by thresholds."""
    (x,), levels = shapes, _levels(attrs)
    m, b, n, channels, steps = (_integers(params, k) for k in ("m", "b", "n", "channels", "steps"))
    _need(len(x) >= 2 and m.shape in ((x[1],), (1,)), f"m {m.shape} for {x}")
    _need(m.shape == b.shape == n.shape and channels.ndim == 1 and steps.ndim == 2, "m, b, n")
    _need(((n >= 0) & (n <= MOST_SHIFT)).all(), f"a shift by {n.max()}")
    _need((m >= (0 if channels.size else 1)).all(), f"m is {m.min()}")
    _need(channels.size in (0, *([1] if m.size == 1 else range(1, m.size + 1))), "channels")
    _need(np.isin(channels, np.arange(m.size)).all(), "channels that there are not")
    _need(len(np.unique(channels)) == channels.size == len(steps), f"steps {steps.shape}")
    _need(not channels.size or steps.shape[1] == levels, f"{steps.shape[1]} of {levels} steps")
    return x


def saturate(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """Codes of any shape keep it when they are clipped."""
    (x,) = shapes
    _levels(attrs)
    return x


def join_add(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """Two tensors of one shape make a sum of that shape."""
    a, b = shapes
    _levels(attrs)
    _need(a == b, f"{a} and {b}")
    return a


def matmul(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """The product of (..., M, K) and (..., K, N) is (..., M, N)."""
    a, b = shapes
    whole(attrs["term"], "term", 1)
    _need(len(a) == len(b) >= 2 and a[:-2] == b[:-2] and a[-1] == b[-2], f"{a} by {b}")
    return (*a[:-1], b[-1])


def exp_rows(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """A table of falling codes, from 1 or more on."""
    (x,), table = shapes, _integers(params, "table")
    _need(table.ndim == 1 and 2 <= table.size <= MOST_LEVELS, f"table {table.shape}")
    _need(table[0] >= 1 and table.min() >= 0 and table.max() == table[0], "table's codes")
    return x


def row_sum(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """Rows are added up: (..., M, L) -> (..., M, 1)."""
    (x,) = shapes
    return (*x[:-1], 1)


def divide(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """Rows (..., M, N) are divided by one number each, (..., M, 1)."""
    total, weight = shapes
    _levels(attrs)
    whole(attrs["tie"], "tie", 1, 15)
    _need(weight == (*total[:-1], 1), f"{total} by {weight}")
    return total


def upsample(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """A map (B, C, H, W) grows by the factor in height and width."""
    (x,), factor = shapes, whole(attrs["factor"], "factor", 1, SIDE)
    _need(len(x) == 4, f"{x} has {len(x)} axes")
    return (*x[:2], x[2] * factor, x[3] * factor)


def reshape(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """The new shape has as many codes as the old one."""
    (x,) = shapes
    wanted = tuple(whole(side, "shape", 1, LARGEST) for side in _numbers(attrs["shape"]))
    _need(math.prod(wanted) == math.prod(x), f"{x} as {wanted}")
    return wanted


def transpose(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """The order names every axis of the tensor once."""
    (x,) = shapes
    order = [whole(axis, "order", 0, len(x) - 1) for axis in _numbers(attrs["order"])]
    _need(sorted(order) == list(range(len(x))), f"order {order} of {x}")
    return tuple(x[axis] for axis in order)


def cut(shapes: Sequence[Shape], attrs: Mapping[str, Any], params: Params) -> Shape:
    """The part that is cut out lies within the axis."""
    (x,) = shapes
    axis = whole(attrs["axis"], "axis", 0, len(x) - 1)
    start = whole(attrs["start"], "start", 0, x[axis] - 1)
    end = whole(attrs["end"], "end", start + 1, x[axis])
    return (*x[:axis], end - start, *x[axis + 1 :])


def _numbers(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


RULES: Mapping[str, tuple[Rule, frozenset[str], frozenset[str]]] = {
    rule.__name__: (rule, frozenset(attrs.split()), frozenset(params.split()))
    for rule, attrs, params in (
        (conv, "stride padding groups", "weight"),
        (requant, "low high", "m b n channels steps"),
        (join_add, "low high", ""),
        (saturate, "low high", ""),
        (matmul, "term", ""),
        (exp_rows, "", "table"),
        (row_sum, "", ""),
        (divide, "low high tie", ""),
        (upsample, "factor", ""),
        (reshape, "shape", ""),
        (transpose, "order", ""),
        (cut, "axis start end", ""),
    )
}
"""Rule, attributes and parameters by operator."""


def shape_after(op: str, shapes: Sequence[Shape], attrs: Any, params: Params) -> Shape:
    """Shape of an operator's output. Raises ValueError, TypeError."""
    if op not in RULES:
        raise ValueError(f"unknown operator {op!r}")
    rule, wanted, constants = RULES[op]
    if not isinstance(attrs, dict) or attrs.keys() != wanted or params.keys() != constants:
        raise ValueError(f"it has not the attributes {sorted(wanted)} and {sorted(constants)}")
    shape = rule(shapes, attrs, params)
    _need(0 < math.prod(shape) <= LARGEST, f"a tensor of shape {shape}")
    return shape
