"""Faster evaluations of golden functions, each used only after a proof that it gives the same
integers.

Codes travel between nodes as float32 tensors that hold integers. A requantizer is a staircase
with known steps, so floor(acc * slope + offset) equals it on every sum if it does so at each step
and just before it. That is checked in the very arithmetic used; where no float32 slope and offset
do it float64 is tried, and last the golden function itself is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.ops.conv import EXACT
from hw.ops.operators import bind
from hw.ops.program import Node
from hw.ops.requant import step_positions
from hw.ops.softmax import exp_rows

Unary = Callable[[Tensor], Tensor]
Floats = NDArray[np.floating[Any]]
Kind = type[np.float32] | type[np.float64]
Attempt = Callable[[NDArray[np.int64], Floats, int, Kind], tuple[Floats, Floats | None] | None]
_LIMIT = EXACT - 1
_NEAR = (0, 1, -1, 2, -2, 3, -3, 4, -4)  # neighbouring floats tried, in units in the last place


def fast_requant(node: Node) -> Unary:
    """The node's function, in place on its argument; acc (B,O,...) float32 or float64 -> float32
    codes.
    """
    if node.params["channels"].size:
        return bind(node)
    low, high = int(node.attrs["low"]), int(node.attrs["high"])
    m, b, n = (node.params[k] for k in "mbn")
    steps, slope = step_positions(m, b, n, low, high), m / np.exp2(n)
    attempts: tuple[tuple[Kind, Attempt], ...]
    attempts = (np.float32, _scaled), (np.float32, _affine), (np.float64, _affine)
    for kind, attempt in attempts:
        found = attempt(steps, slope, low, kind)
        if found is not None:
            factor, offset = found
            return _evaluate(factor, offset, low, high)
    return bind(node)


def _proven(
    steps: NDArray[np.int64], slope: Floats, offset: Floats | None, low: int
) -> NDArray[np.bool_]:
    """Per channel: rint(acc * slope), or floor(acc * slope + offset), is the staircase for every
    |acc| < EXACT.

    Both operations round monotonically, so the value just at and just before each step decides.
    numpy and PyTorch round alike, each operation being a pass of its own.
    """
    kind = slope.dtype
    codes = np.arange(low + 1, low + 1 + steps.shape[1])[None]

    def value(acc: NDArray[np.int64]) -> Floats:
        scaled = acc.astype(kind) * slope[:, None]
        return np.rint(scaled) if offset is None else np.floor(scaled + offset[:, None])

    after = value(np.clip(steps, -_LIMIT, _LIMIT)) >= codes
    before = value(np.clip(steps - 1, -_LIMIT, _LIMIT)) < codes
    return np.all((after | (steps > _LIMIT)) & (before | (steps <= -_LIMIT)), axis=1)


def _scaled(
    steps: NDArray[np.int64], slope: Floats, low: int, kind: Kind
) -> tuple[Floats, None] | None:
    """Slope alone, for sums without a bias."""
    best: Floats = slope.astype(kind)
    for near in _NEAR:
        trial = best + near * np.spacing(best)
        if _proven(steps, trial, None, low).all():
            return trial, None
    return None


def _affine(
    steps: NDArray[np.int64], slope: Floats, low: int, kind: Kind
) -> tuple[Floats, Floats] | None:
    """Slope and offset per channel."""
    codes = np.arange(low + 1, low + 1 + steps.shape[1], dtype=np.float64)[None]
    scale: Floats = slope.astype(kind)
    shift: Floats = np.zeros(len(slope), kind)
    done = np.zeros(len(slope), bool)
    for near in _NEAR:
        trial = scale + near * np.spacing(scale) if near else scale.copy()
        exact = trial.astype(np.float64)[:, None]
        middle = (codes - steps * exact).max(1) + (codes - (steps - 1) * exact).min(1)
        offset = (middle / 2).astype(kind)
        fits = _proven(steps, trial, offset, low) & ~done
        scale[fits], shift[fits] = trial[fits], offset[fits]
        done |= fits
        if done.all():
            return scale, shift
    return None


def _evaluate(slope: Floats, offset: Floats | None, low: int, high: int) -> Unary:
    a = torch.from_numpy(slope).view(1, -1, 1, 1)
    kind = a.dtype
    if offset is None:
        return lambda acc: acc.to(kind).mul_(a).round_().clamp_(low, high)
    b = torch.from_numpy(offset).view(1, -1, 1, 1)

    def apply(acc: Tensor) -> Tensor:
        return acc.to(kind).mul_(a).add_(b).floor_().clamp_(low, high).float()

    return apply


def fast_exp(node: Node) -> Unary:
    """The table as an exponential where a float32 one provably rounds to the same codes; else the
    table.
    """
    table = node.params["table"]
    high = float(table[0])
    # The table is high * exp(-d * rate): read the rate off its middle, in sixteenths, then prove
    # the whole.
    probe = max(int(np.count_nonzero(table)) // 4, 1)
    rate = float(np.rint(16 * np.log(high / max(table[probe], 1)) / probe) / 16)
    exact = high * np.exp(-np.arange(table.size) * rate)
    room = np.abs(exact - np.floor(exact) - 0.5).min()
    if not np.array_equal(np.rint(exact), table) or room < 1e-3:  # float32 errs by 1e-4 of 255
        codes = torch.from_numpy(table).float()
        return lambda s: exp_rows(s, codes)
    top = float(np.log(high))

    def apply(s: Tensor) -> Tensor:
        highest = s.amax(-1, keepdim=True).mul_(-rate).add_(top)
        return torch.add(highest, s, alpha=rate).exp_().round_()

    return apply
