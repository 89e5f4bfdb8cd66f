"""The operators in numpy, each giving the integers of its golden function.

Codes travel between nodes as float32 arrays that hold integers. Lowering has checked that no sum
leaves the range in which float32 counts in steps of one (`hw.ops.integers.EXACT`), so the order of
summation does not matter and a matrix library may choose it. What rounds, `sim.staircase` proves
for each node. So a tracker installs without PyTorch; where that is, `sim.in_torch` is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.ops.integers import EXACT
from hw.ops.program import Node
from hw.spec.errors import BundleError
from sim.staircase import line_of, steps_of

Codes = NDArray[Any]
Function = Callable[..., Codes]
_BLOCK = 1 << 15  # sums of a depthwise block: two buffers of this many floats stay in the cache


running = nullcontext


def load(codes: Codes) -> Codes:
    """Returns codes as the float32 that nodes read."""
    return codes.astype(np.float32)


def store(codes: Codes, kind: np.dtype) -> Codes:
    """The codes as an array of that type, row after row."""
    return np.ascontiguousarray(codes, dtype=kind)


def bind(node: Node) -> Function:
    """The node as a function of its input arrays, none of which it writes to.

    Raises BundleError for an unknown operator.
    """
    if node.op not in _MAKERS:
        raise BundleError(
            f"node {node.name}: unknown operator {node.op!r}", "lower the model with this version"
        )
    return _MAKERS[node.op](node)


def _conv(node: Node) -> Function:
    """Convolves: x (B,I,H,W) codes -> (B,O,H',W') sums: a matrix product, or taps added for
    depthwise.
    """
    weight = node.params["weight"].astype(np.float32)
    stride, padding, groups = (int(node.attrs[k]) for k in ("stride", "padding", "groups"))
    out, each, side, _ = weight.shape
    if groups == out and each == 1:
        return lambda x: _depthwise(_padded(x, padding), weight[:, 0], stride)
    matrices = weight.reshape(groups, out // groups, -1)

    def apply(x: Codes) -> Codes:
        if side > 1 or stride > 1 or padding:
            x = _padded(x, padding)
            windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), (2, 3))
            x = windows[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3)
        batch, (high, wide) = x.shape[0], x.shape[-2:]
        columns = np.ascontiguousarray(x).reshape(batch, groups, -1, high * wide)
        return np.matmul(matrices, columns).reshape(batch, out, high, wide)

    return apply


def _padded(x: Codes, padding: int) -> Codes:
    if not padding:
        return x
    batch, channels, high, wide = x.shape
    padded = np.zeros((batch, channels, high + 2 * padding, wide + 2 * padding), x.dtype)
    padded[:, :, padding:-padding, padding:-padding] = x
    return padded


def _depthwise(x: Codes, weight: Codes, stride: int) -> Codes:
    """Convolves depthwise: x (B,C,H,W) padded codes, weight (C,k,k) -> (B,C,H',W') sums, some
    channels at a time.
    """
    side = weight.shape[-1]
    high, wide = ((n - side) // stride + 1 for n in x.shape[2:])
    sums = np.empty((*x.shape[:2], high, wide), np.float32)
    step = max(1, _BLOCK // (x.shape[0] * high * wide))
    for first in range(0, x.shape[1], step):
        total = sums[:, first : first + step]
        term = np.empty_like(total)
        for row in range(side):
            rows = slice(row, row + stride * (high - 1) + 1, stride)
            for column in range(side):
                columns = slice(column, column + stride * (wide - 1) + 1, stride)
                tap = weight[first : first + step, row, column][:, None, None]
                place = term if row or column else total
                np.multiply(x[:, first : first + step, rows, columns], tap, out=place)
                if place is term:
                    total += term
    return sums


def _requant(node: Node) -> Function:
    """Requantizes: acc (B,O,...) sums -> codes: on a proven line, else by counting steps."""
    low, high, line = node.attrs["low"], node.attrs["high"], line_of(node)
    if line is None:
        steps = steps_of(node)
        return lambda acc: _counted(acc, steps, low)
    slope = line[0].reshape(1, -1, 1, 1)
    offset = None if line[1] is None else line[1].reshape(1, -1, 1, 1)

    def apply(acc: Codes) -> Codes:
        codes = acc.astype(slope.dtype, copy=False) * slope
        if offset is None:
            np.rint(codes, out=codes)
        else:
            codes += offset
            np.floor(codes, out=codes)
        return np.clip(codes, low, high, out=codes).astype(np.float32, copy=False)

    return apply


def _counted(acc: Codes, steps: NDArray[np.int64], low: int) -> Codes:
    """low + number of steps at or below acc; steps (O, levels) ascending, (1, levels) for all."""
    codes = np.empty(acc.shape, np.float32)
    if len(steps) == 1:
        codes[...] = np.searchsorted(steps[0], acc, side="right")
    else:
        for channel, row in enumerate(steps):
            codes[:, channel] = np.searchsorted(row, acc[:, channel], side="right")
    codes += low
    return codes


def _matmul(node: Node) -> Function:
    """Multiplies: a (...,M,K), b (...,K,N) codes -> (...,M,N) sums, float64 where float32 could
    lose one.
    """
    block = max(1, (EXACT - 1) // max(int(node.attrs["term"]), 1))

    def apply(a: Codes, b: Codes) -> Codes:
        if a.dtype == np.float64 or a.shape[-1] <= block:
            return np.matmul(a, b)
        total = np.zeros(np.broadcast_shapes(a.shape[:-1] + (1,), b.shape[:-2] + (1, b.shape[-1])))
        for start in range(0, a.shape[-1], block):
            end = start + block
            total += np.matmul(a[..., start:end], b[..., start:end, :])
        return total

    return apply


def _exp_rows(node: Node) -> Function:
    """Looks up: s (...,M,L) score codes -> table[max of the row - s]."""
    table = node.params["table"].astype(np.float32)
    return lambda s: table[(s.max(-1, keepdims=True) - s).astype(np.intp)]


def _divide(node: Node) -> Function:
    """`hw.ops.softmax.divide` in float64, whose error is far below the 2^-tie added."""
    nudge = 0.5 + 2.0 ** -int(node.attrs["tie"])
    low, high = node.attrs["low"], node.attrs["high"]

    def apply(total: Codes, weight: Codes) -> Codes:
        quotient = np.floor(total.astype(np.float64) / weight + nudge)
        return np.clip(quotient, low, high).astype(weight.dtype)

    return apply


def _clip(node: Node) -> Function:
    low, high = node.attrs["low"], node.attrs["high"]
    return lambda *terms: np.clip(sum(terms[1:], terms[0]), low, high)


def _upsample(node: Node) -> Function:
    factor = node.attrs["factor"]
    return lambda x: x.repeat(factor, 2).repeat(factor, 3)


def _cut(node: Node) -> Function:
    axis, start, end = (node.attrs[k] for k in ("axis", "start", "end"))
    return lambda x: x[(slice(None),) * axis + (slice(start, end),)]


_MAKERS: dict[str, Callable[[Node], Function]] = {
    "conv": _conv,
    "requant": _requant,
    "join_add": _clip,
    "saturate": _clip,
    "matmul": _matmul,
    "exp_rows": _exp_rows,
    "row_sum": lambda node: lambda e: e.sum(-1, keepdims=True),
    "divide": _divide,
    "upsample": _upsample,
    "reshape": lambda node: lambda x: x.reshape(node.attrs["shape"]),
    "transpose": lambda node: lambda x: x.transpose(node.attrs["order"]),
    "cut": _cut,
}
