"""Colours and film: changes of a clip's looks that leave its masks alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def recolour(
    frames: NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.uint8]:
    """Frames (N, H, W, 3) with brightness, contrast, tint and saturation changed alike in all.

    strength: 0 changes nothing, 1 is what a camera's exposure and white balance differ by.
    """
    saturation = 1 + strength * rng.uniform(-0.3, 0.3)
    contrast = 1 + strength * rng.uniform(-0.2, 0.2)
    tint = 1 + strength * rng.uniform(-0.06, 0.06, 3)
    lift = strength * rng.uniform(-18, 18)
    # One matrix does all: mix towards grey, tint, stretch around mid-grey, lift.
    mix = saturation * np.eye(3) + (1 - saturation) * LUMA[None, :]
    matrix = contrast * tint[:, None] * mix
    offset = 128 * (1 - contrast) + lift
    affine = np.concatenate([matrix, np.full((3, 1), offset)], 1).astype(np.float32)
    rows = np.ascontiguousarray(frames).reshape(len(frames) * frames.shape[1], -1, 3)
    changed = np.asarray(cv2.transform(rows, affine), np.uint8)  # OpenCV saturates
    return changed.reshape(frames.shape)


def film(
    frame: NDArray[np.uint8], blur: float, noise: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Frame (H, W, 3) as a camera gives it: blurred by `blur` pixels, noise of `noise` levels."""
    if blur > 0.2:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), blur), np.uint8)
    if noise > 0.5:
        grain = rng.standard_normal(frame.shape, np.float32) * np.float32(noise)
        grained = cv2.add(frame, np.rint(grain).astype(np.int16), dtype=cv2.CV_8U)
        frame = np.asarray(grained, np.uint8)
    return frame
