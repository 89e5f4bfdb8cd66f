"""Requantizers in floating point, each used only after a proof that it gives the same codes.

A requantizer is a staircase with known steps, so floor(acc * slope + offset) equals it on every
sum if it does so at each step and just before it. That is checked in the very arithmetic used;
where no float32 slope and offset do it float64 is tried, and last the steps are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.ops.integers import EXACT, step_positions
from hw.ops.program import Node

Unary = Callable[[NDArray[Any]], NDArray[Any]]
_LIMIT = EXACT - 1
_NEAR = (0, 1, -1, 2, -2, 3, -3, 4, -4)  # neighbouring floats tried, in units in the last place


def fast_requant(node: Node) -> Unary:
    """The node's function: acc (B,O,...) sums, float32 or float64 -> (B,O,...) float32 codes."""
    low, high = int(node.attrs["low"]), int(node.attrs["high"])
    m, b, n, channels = (node.params[k] for k in ("m", "b", "n", "channels"))
    steps = node.params["steps"] if channels.size else None
    if steps is not None and channels.size == m.size:
        return lambda acc: _counted(acc, steps, low)
    positions, slope = step_positions(m, b, n, low, high), m / np.exp2(n)
    if steps is not None:
        positions[channels] = steps
        return lambda acc: _counted(acc, positions, low)
    for kind, attempt in ((np.float32, _scaled), (np.float32, _affine), (np.float64, _affine)):
        found = attempt(positions, slope, low, kind)
        if found is not None:
            return _evaluate(*found, low, high)
    return lambda acc: _counted(acc, positions, low)


def _counted(acc: NDArray[Any], steps: NDArray[np.int64], low: int) -> NDArray[Any]:
    """low + number of steps at or below acc; steps (O, levels) ascending, (1, levels) for all."""
    codes = np.empty(acc.shape, np.float32)
    if len(steps) == 1:
        codes[...] = np.searchsorted(steps[0], acc, side="right")
    else:
        for channel, row in enumerate(steps):
            codes[:, channel] = np.searchsorted(row, acc[:, channel], side="right")
    codes += low
    return codes


def _proven(steps: NDArray, slope: NDArray, offset: NDArray | None, low: int) -> NDArray[np.bool_]:
    """Per channel: rint(acc * slope), or floor(acc * slope + offset), is the staircase for every
    |acc| < EXACT.

    Both operations round monotonically, so the value just at and just before each step decides.
    Each operation is a pass of its own, so that no compiler may join them and round once.
    """
    kind = slope.dtype
    codes = np.arange(low + 1, low + 1 + steps.shape[1])[None]

    def value(acc: NDArray) -> NDArray:
        scaled = acc.astype(kind) * slope[:, None]
        return np.rint(scaled) if offset is None else np.floor(scaled + offset[:, None])

    after = value(np.clip(steps, -_LIMIT, _LIMIT)) >= codes
    before = value(np.clip(steps - 1, -_LIMIT, _LIMIT)) < codes
    return ((after | (steps > _LIMIT)) & (before | (steps <= -_LIMIT))).all(1)


def _scaled(steps: NDArray, slope: NDArray, low: int, kind: type) -> tuple | None:
    """Slope alone, for sums without a bias."""
    best = slope.astype(kind)
    for near in _NEAR:
        trial = best + near * np.spacing(best)
        if _proven(steps, trial, None, low).all():
            return trial, None
    return None


def _affine(steps: NDArray, slope: NDArray, low: int, kind: type) -> tuple | None:
    """Slope and offset per channel."""
    codes = np.arange(low + 1, low + 1 + steps.shape[1], dtype=np.float64)[None]
    scale, shift = slope.astype(kind), np.zeros(len(slope), kind)
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


def _evaluate(slope: NDArray, offset: NDArray | None, low: int, high: int) -> Unary:
    a = slope.reshape(1, -1, 1, 1)
    b = None if offset is None else offset.reshape(1, -1, 1, 1)

    def apply(acc: NDArray[Any]) -> NDArray[Any]:
        codes = acc.astype(a.dtype, copy=False) * a
        if b is None:
            np.rint(codes, out=codes)
        else:
            codes += b
            np.floor(codes, out=codes)
        return np.clip(codes, low, high, out=codes).astype(np.float32, copy=False)

    return apply
