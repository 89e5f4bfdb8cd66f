"""Masks drawn over frames: tinted by the soft mask, outlined by its contour."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from host.images import sigmoid
from host.prompts import POSITIVE, Prompt

# Hues that stay apart on most footage; objects beyond the list begin again.
COLOURS = (
    (255, 92, 51),
    (51, 153, 255),
    (94, 201, 98),
    (253, 191, 45),
    (190, 96, 255),
    (35, 205, 205),
    (255, 105, 180),
    (170, 130, 80),
)
OPACITY = 0.45


def colour_of(object_id: int) -> tuple[int, int, int]:
    """RGB of an object."""
    return COLOURS[(object_id - 1) % len(COLOURS)]


def draw(
    frame: NDArray[np.uint8],
    logits: Mapping[int, NDArray[np.float32]],
    prompts: Mapping[int, Prompt] | None = None,
) -> NDArray[np.uint8]:
    """Copy of the frame (H, W, 3) RGB with masks (logits (H, W) by object id) and prompts on it."""
    picture = frame.copy()
    thickness = max(1, round(min(frame.shape[:2]) / 240))
    for object_id, plane in logits.items():
        visible = plane > 0
        if not visible.any():
            continue
        colour = colour_of(object_id)
        # Only the object's own rectangle is touched: most of a frame is background.
        x, y, w, h = cv2.boundingRect(visible.astype(np.uint8))
        grow = 2 * thickness
        rows = slice(max(y - grow, 0), y + h + grow)
        columns = slice(max(x - grow, 0), x + w + grow)
        part = picture[rows, columns]
        weight = (OPACITY * sigmoid(2 * plane[rows, columns]))[..., None]
        tinted = part + weight * (np.array(colour, np.float32) - part)
        part[:] = np.rint(tinted).astype(np.uint8)
        inside = visible[rows, columns].astype(np.uint8)
        outlines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        line = np.ascontiguousarray(part)
        cv2.drawContours(line, outlines, -1, colour, thickness, cv2.LINE_AA)
        part[:] = line
    for object_id, prompt in (prompts or {}).items():
        _draw_prompt(picture, prompt, colour_of(object_id), thickness)
    return picture


def _draw_prompt(
    picture: NDArray[np.uint8], prompt: Prompt, colour: tuple[int, int, int], thickness: int
) -> None:
    size = np.array([picture.shape[1], picture.shape[0]])
    if prompt.box is not None:
        corners = np.rint(prompt.box.reshape(2, 2) * size).astype(int) - [[0, 0], [1, 1]]
        start, end = (tuple(int(v) for v in corner) for corner in corners)
        cv2.rectangle(picture, start, end, colour, thickness)
    radius = 3 * thickness
    for point, label in zip(prompt.points, prompt.labels, strict=True):
        centre = tuple(int(v) for v in np.floor(point * size))
        cv2.circle(picture, centre, radius + thickness, (255, 255, 255), -1, cv2.LINE_AA)
        inner = (40, 190, 70) if label == POSITIVE else (220, 40, 40)
        cv2.circle(picture, centre, radius, inner, -1, cv2.LINE_AA)
