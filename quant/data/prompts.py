"""Prompts drawn from masks, for training and for scoring without a person.

Masks (H, W) of any number type count as object where they are not zero. Coordinates are normalised
as in host.prompts: x first, in [0, 1], the centre of pixel i at (i + 0.5) / W.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.prompts import NEGATIVE, POSITIVE
from quant.data.errors import DataError

LARGEST_JITTER = 20 / 256
"""Largest shift of a box's edge, of the frame's side: 20 pixels at 256."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]


def draw_box(mask: ArrayLike, rng: np.random.Generator, jitter: float = 0.1) -> Box:
    """Box (x0, y0, x1, y1) around a mask, each edge shifted at random.

    jitter: standard deviation of the shift in widths or heights of the box, as in SAM (Kirillov
    et al. 2023, appendix A). With 0 the box fits the mask's pixels exactly.
    Raises DataError for an empty mask.
    """
    drawn = _not_empty(mask)
    height, width = drawn.shape
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    edges /= (width, height, width, height)
    if jitter:
        sides = np.tile(edges[2:] - edges[:2], 2)
        shift = np.clip(rng.normal(0, jitter, 4) * sides, -LARGEST_JITTER, LARGEST_JITTER)
        # Never past the middle, so that the box keeps an inside.
        shift = np.clip(shift, -0.4 * sides, 0.4 * sides)
        edges = np.clip(edges + shift, 0, 1)
    x0, y0, x1, y1 = edges.tolist()
    return x0, y0, x1, y1


def draw_click(mask: ArrayLike, rng: np.random.Generator) -> Point:
    """Centre (x, y) of a random pixel of a mask. Raises DataError for an empty mask."""
    drawn = _not_empty(mask)
    pixels = np.flatnonzero(drawn)
    return _centre(int(pixels[rng.integers(len(pixels))]), drawn.shape)


def centre_click(mask: ArrayLike) -> Point:
    """Centre (x, y) of the pixel of a mask that lies farthest from its boundary.

    The frame's edge is boundary too. What a careful person clicks, and the first click of
    interactive scoring. Raises DataError for an empty mask.
    """
    drawn = _not_empty(mask)
    return _centre(int(_depth(drawn).argmax()), drawn.shape)


def corrective_click(
    prediction: ArrayLike, truth: ArrayLike, rng: np.random.Generator | None = None
) -> tuple[float, float, int]:
    """Click (x, y, label) that tells a prediction what is wrong: 1 on missed, 0 on false pixels.

    With rng: a random pixel of the errors, as SAM 2 trains (Ravi et al. 2024, appendix D). Without:
    the centre of the largest connected region of errors of one kind, as it is scored. A prediction
    without errors gets a positive click at the object's centre.
    Raises DataError where shapes differ or both masks are empty.
    """
    answer, wanted = np.asarray(prediction) != 0, np.asarray(truth) != 0
    if answer.shape != wanted.shape:
        raise DataError(
            f"prediction of shape {answer.shape} for a truth of shape {wanted.shape}",
            "compare masks of one size",
        )
    wrong = answer != wanted
    if not wrong.any():
        return *centre_click(wanted), POSITIVE
    if rng is not None:
        x, y = draw_click(wrong, rng)
    else:
        missed, false = _largest_region(wanted & wrong), _largest_region(answer & wrong)
        x, y = centre_click(missed if missed.sum() >= false.sum() else false)
    height, width = wrong.shape
    hit = wanted[int(y * height), int(x * width)]
    return x, y, POSITIVE if hit else NEGATIVE


def _not_empty(mask: ArrayLike) -> NDArray[np.bool_]:
    drawn = np.asarray(mask) != 0
    if drawn.ndim != 2 or not drawn.any():
        raise DataError(
            f"no prompt can be drawn from an empty mask of shape {drawn.shape}",
            "choose a frame on which the object is visible",
        )
    return drawn


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    padded = np.pad(mask.astype(np.uint8), 1)
    distances = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5), np.float32)
    return distances[1:-1, 1:-1]


def _largest_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:
        return mask
    return labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def _centre(pixel: int, shape: tuple[int, ...]) -> Point:
    row, column = divmod(pixel, shape[1])
    return (column + 0.5) / shape[1], (row + 0.5) / shape[0]
