"""Small holes and specks of masks are tidied away here as SAM 2 does (its `postprocess_masks`)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

CLEAR = 10.0
"""A cell that changed sides gets a logit at this distance from the threshold (SAM 2)."""
EIGHT = 8
"""Cells that touch at a corner are one piece."""


def small_pieces(mask: NDArray[np.bool_], area: float) -> NDArray[np.bool_]:
    """Tells which cells of a mask (H, W) lie in a connected piece of at most `area` cells."""
    count, pieces, found, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=EIGHT
    )
    small = np.asarray(found[:, cv2.CC_STAT_AREA] <= area)
    small[0] = False  # what the mask does not hold
    return np.asarray(small[pieces]) if count > 1 else np.zeros(mask.shape, bool)


def without_small_parts(
    logits: NDArray[np.float32], threshold: float, holes: float, specks: float
) -> NDArray[np.float32]:
    """Returns logits (N, H, W) with holes of at most `holes` cells filled and pieces of at most
    `specks` cells dropped; 0 leaves them. The input stays as it is.
    """
    if holes <= 0 and specks <= 0:
        return logits
    tidy = logits.copy()
    for before, plane in zip(logits, tidy, strict=True):
        if holes > 0:
            plane[small_pieces(before <= threshold, holes)] = threshold + CLEAR
        if specks > 0:
            plane[small_pieces(before > threshold, specks)] = threshold - CLEAR
    return tidy
