"""Masks are drawn over frames, tinted by the soft mask and outlined by its contour."""

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
GOOD, BAD = (40, 190, 70), (220, 40, 40)
"""What is asked for has the first colour, what is not has the second."""
OPACITY = 0.45


def colour_of(object_id: int) -> tuple[int, int, int]:
    """Returns the RGB colour of an object."""
    return COLOURS[(object_id - 1) % len(COLOURS)]


def draw(
    frame: NDArray[np.uint8],
    logits: Mapping[int, NDArray[np.float32]],
    prompts: Mapping[int, Prompt] | None = None,
    labels: Mapping[int, str] | None = None,
) -> NDArray[np.uint8]:
    """Returns a copy of the frame (H, W, 3) RGB with masks (logits (H, W) by object id), labels of
    objects and prompts drawn on it.
    """
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
    _draw_labels(picture, logits, labels or {})
    for object_id, prompt in (prompts or {}).items():
        _draw_prompt(picture, prompt, colour_of(object_id), thickness)
    return picture


def label(
    picture: NDArray[np.uint8],
    logits: Mapping[int, NDArray[np.float32]],
    labels: Mapping[int, str],
) -> NDArray[np.uint8]:
    """Returns a copy of a drawn picture (H, W, 3) RGB with labels of objects, logits (H, W) by
    object id.
    """
    picture = picture.copy()
    _draw_labels(picture, logits, labels)
    return picture


def draw_examples(
    picture: NDArray[np.uint8], boxes: NDArray[np.floating], labels: NDArray[np.integer]
) -> None:
    """Draws example boxes (E, 4) in 0..1 with labels (E,) on a picture (H, W, 3) RGB."""
    thickness = max(1, round(min(picture.shape[:2]) / 240))
    for box, label in zip(boxes, labels, strict=True):
        _draw_box(picture, box, GOOD if label == POSITIVE else BAD, thickness)


def _draw_labels(
    picture: NDArray[np.uint8],
    logits: Mapping[int, NDArray[np.float32]],
    labels: Mapping[int, str],
) -> None:
    thickness = max(1, round(min(picture.shape[:2]) / 240))
    for object_id, text in labels.items():
        visible = logits[object_id] > 0
        if visible.any():
            x, y, w, h = cv2.boundingRect(visible.astype(np.uint8))
            _draw_label(picture, text, (x + w // 2, y + h // 2), colour_of(object_id), thickness)


def _draw_label(
    picture: NDArray[np.uint8],
    text: str,
    centre: tuple[int, int],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    scale, font = 0.4 * (thickness + 0.5), cv2.FONT_HERSHEY_SIMPLEX
    (w, h), _ = cv2.getTextSize(text, font, scale, thickness)
    x = min(max(centre[0] - w // 2, 0), max(picture.shape[1] - w, 0))
    y = min(max(centre[1] + h // 2, h), picture.shape[0] - 1)
    cv2.putText(picture, text, (x, y), font, scale, (0, 0, 0), thickness + 2, cv2.LINE_AA)
    light = tuple(255 - (255 - value) // 3 for value in colour)
    cv2.putText(picture, text, (x, y), font, scale, light, thickness, cv2.LINE_AA)


def _draw_box(
    picture: NDArray[np.uint8],
    box: NDArray[np.floating],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    size = np.array([picture.shape[1], picture.shape[0]])
    corners = np.rint(box.reshape(2, 2) * size).astype(int) - [[0, 0], [1, 1]]
    start, end = (tuple(int(v) for v in corner) for corner in corners)
    cv2.rectangle(picture, start, end, colour, thickness)


def _draw_prompt(
    picture: NDArray[np.uint8], prompt: Prompt, colour: tuple[int, int, int], thickness: int
) -> None:
    size = np.array([picture.shape[1], picture.shape[0]])
    if prompt.box is not None:
        _draw_box(picture, prompt.box, colour, thickness)
    radius = 3 * thickness
    for point, label in zip(prompt.points, prompt.labels, strict=True):
        centre = tuple(int(v) for v in np.floor(point * size))
        cv2.circle(picture, centre, radius + thickness, (255, 255, 255), -1, cv2.LINE_AA)
        inner = GOOD if label == POSITIVE else BAD
        cv2.circle(picture, centre, radius, inner, -1, cv2.LINE_AA)
