"""Pixels in and out: frames to the network's square, masks to its grid, logits back to the video.

Coordinates: a pixel of index i covers [i, i + 1) of its axis, so resizing keeps edges on edges
(half-pixel centres, as OpenCV does). The network's square is the whole frame squashed, never
cropped or padded: normalised positions are the same in video, square and grid.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from host.prompts import LOGIT_LIMIT


def _resize(image: NDArray, height: int, width: int, enlarge: int = cv2.INTER_LINEAR) -> NDArray:
    if image.shape[:2] == (height, width):
        return image
    # Averaging areas avoids aliasing, but only means something where both sides shrink.
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else enlarge
    return cv2.resize(image, (width, height), interpolation=how)


def to_network(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Squashes a frame (H, W, 3) RGB uint8 to the network's square (S, S, 3) uint8, S = size."""
    return np.ascontiguousarray(_resize(frame, size, size))


def to_codes(image: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Turns an image (S, S, 3) uint8 into int8 codes (1, 3, S, S): a code is its pixel - 128.

    Colours stay fastest in memory, as the hardware's streams have them.
    """
    # Flipping the top bit of a byte subtracts 128 in two's complement, without widening.
    codes = (image ^ np.uint8(0x80)).view(np.int8)
    return codes.transpose(2, 0, 1)[None]


def mask_to_grid(mask: NDArray, grid: int) -> NDArray[np.float32]:
    """Turns a binary mask (H, W) into logits (R, R) float32 in [-16, 16], R = grid.

    A cell's value is 16 * (2 p - 1) for the share p of it that the mask covers, so the boundary is
    soft and survives the way back.
    """
    share = _resize((np.asarray(mask) != 0).astype(np.float32), grid, grid)
    return (LOGIT_LIMIT * (2 * share - 1)).astype(np.float32)


def logits_to_video(logits: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Interpolates logits (R, R) to (height, width) float32, to be thresholded at 0.

    Interpolating before the threshold gives outlines finer than the grid; bicubic rounds them.
    """
    plane = np.ascontiguousarray(logits, dtype=np.float32)
    return _resize(plane, height, width, enlarge=cv2.INTER_CUBIC)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns the probabilities in [0, 1] that logits of any shape stand for."""
    limited = np.clip(np.asarray(logits, np.float32), -30, 30)
    return (1 / (1 + np.exp(-limited))).astype(np.float32)
