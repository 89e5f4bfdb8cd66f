"""Requantizers as one multiplication and one rounding, used only where they provably are the same.

A requantizer is a staircase with known steps, so floor(acc * slope + offset) equals it on every
sum if it does so at each step and just before it. That is checked in the very arithmetic used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.ops.integers import EXACT, step_positions
from hw.ops.program import Node

Floats = NDArray[np.floating[Any]]
Line = tuple[Floats, Floats | None]
Kind = type[np.float32] | type[np.float64]
Attempt = Callable[[NDArray[np.int64], Floats, int, Kind], Line | None]
_LIMIT = EXACT - 1
_NEAR = (0, 1, -1, 2, -2, 3, -3, 4, -4)  # neighbouring floats tried, in units in the last place


def steps_of(node: Node) -> NDArray[np.int64]:
    """Returns (O, levels), or (1, levels) for all channels: sums at which a requantizer's code
    rises.
    """
    low, high = int(node.attrs["low"]), int(node.attrs["high"])
    m, b, n, channels = (node.params[k] for k in ("m", "b", "n", "channels"))
    if channels.size == m.size:  # also where one set serves a whole tensor
        return node.params["steps"]
    steps = step_positions(m, b, n, low, high)
    if channels.size:
        steps[channels] = node.params["steps"]
    return steps


def line_of(node: Node) -> Line | None:
    """Returns (slope, offset) per channel: rint(acc * slope), with an offset floor(acc * slope +
    offset), is the node's code on every |acc| < EXACT in the arithmetic of the slope's type.

    float32 where some do it, else float64; None where none do or channels have thresholds.
    """
    if node.params["channels"].size:
        return None
    low, steps = int(node.attrs["low"]), steps_of(node)
    slope = node.params["m"] / np.exp2(node.params["n"])
    attempts: tuple[tuple[Kind, Attempt], ...]
    attempts = (np.float32, _scaled), (np.float32, _affine), (np.float64, _affine)
    for kind, attempt in attempts:
        found = attempt(steps, slope, low, kind)
        if found is not None:
            return found
    return None


def _proven(
    steps: NDArray[np.int64], slope: Floats, offset: Floats | None, low: int
) -> NDArray[np.bool_]:
    """Per channel: rint(acc * slope), or floor(acc * slope + offset), is the staircase for every
    |acc| < EXACT.

    Both operations round monotonically, so the value just at and just before each step decides.
    Each operation is a pass of its own, so that no compiler may join them and round once.
    """
    kind = slope.dtype
    codes = np.arange(low + 1, low + 1 + steps.shape[1])[None]

    def value(acc: NDArray[np.int64]) -> Floats:
        scaled = acc.astype(kind) * slope[:, None]
        return np.rint(scaled) if offset is None else np.floor(scaled + offset[:, None])

    after = value(np.clip(steps, -_LIMIT, _LIMIT)) >= codes
    before = value(np.clip(steps - 1, -_LIMIT, _LIMIT)) < codes
    return np.all((after | (steps > _LIMIT)) & (before | (steps <= -_LIMIT)), axis=1)


def _scaled(steps: NDArray[np.int64], slope: Floats, low: int, kind: Kind) -> Line | None:
    """Slope alone, for sums without a bias."""
    best: Floats = slope.astype(kind)
    for near in _NEAR:
        trial = best + near * np.spacing(best)
        if _proven(steps, trial, None, low).all():
            return trial, None
    return None


def _affine(steps: NDArray[np.int64], slope: Floats, low: int, kind: Kind) -> Line | None:
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
