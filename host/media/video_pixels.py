"""Decoded frames of a video become what one sees: upright, from one field, within a
screen's range.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import SourceError
from host.media.levels import Levels

UNIT = 1 << 16
"""This is one in a display matrix (FFmpeg, libavutil/display.h)."""
PQ = 16
"""Transfer characteristics of SMPTE ST 2084 (ITU-T H.273)."""
WHITE, PEAK = 203.0, 1000.0
"""Nits of a white page in HDR (ITU-R BT.2408), and of what is still told apart from brighter."""


def rgb_of(decoded: Any, levels: Levels, what: str) -> NDArray[np.uint8]:
    """Returns RGB (H, W, 3) uint8 of a decoded frame as it is to be seen.

    Raises SourceError for a display matrix that does more than turn and mirror.
    """
    deep = decoded.format.components[0].bits == 16 and not _is_yuv(decoded.format)
    image = decoded.to_ndarray(format="rgb48le" if deep else "rgb24")
    picture = levels.rgb(image, what)
    if getattr(decoded, "color_trc", 0) == PQ:
        picture = np.asarray(cv2.LUT(picture, _screen_of_pq()), np.uint8)
    if decoded.interlaced_frame:
        picture = _first_field(picture)
    return upright(decoded, picture, what)


def _is_yuv(pixels: Any) -> bool:
    return not pixels.is_rgb and len(pixels.components) >= 3


def lies_down(decoded: Any) -> bool:
    """Tells whether a frame's rows are shown as columns."""
    matrix = matrix_of(decoded)
    if matrix is None:
        return round(getattr(decoded, "rotation", 0) / 90) % 2 == 1
    return abs(int(matrix[0])) < abs(int(matrix[1]))


def matrix_of(decoded: Any) -> NDArray[np.int32] | None:
    """Returns the display matrix (9,) of a frame, or None where it has none."""
    data = decoded.side_data.get("DISPLAYMATRIX")
    return None if data is None else np.frombuffer(bytes(data), np.int32)


def upright(decoded: Any, image: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """Turns and mirrors the image as its frame's display matrix says. Raises SourceError for a
    matrix that does more.
    """
    matrix = matrix_of(decoded)
    if matrix is None:
        # Phones store upright videos lying down, with a note to turn them.
        turns = round(getattr(decoded, "rotation", 0) / 90) % 4
        return np.asarray(np.rot90(image, turns), np.uint8, order="C")
    a, b, _, c, d = (int(value) for value in matrix[:5])
    # A stored pixel (x, y) is shown at (a x + c y, b x + d y).
    scale, other = (max(abs(a), abs(d)), max(abs(b), abs(c)))
    straight, swapped = other * 100 < scale, scale * 100 < other
    sides = (abs(a), abs(d)) if straight else (abs(b), abs(c))
    if not (straight or swapped) or min(sides) * 100 < max(sides) * 99:
        turned = np.degrees(np.arctan2(b, a))
        raise SourceError(
            f"{what} is to be shown turned by {turned:.0f} degrees or stretched",
            "encode it anew as it should look: ffmpeg does so by default",
        )
    if swapped:
        image, a, d = np.swapaxes(image, 0, 1), c, b
    image = image[:: 1 if d > 0 else -1, :: 1 if a > 0 else -1]
    return np.ascontiguousarray(image)


def _first_field(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The upper field's lines, those between them interpolated: both fields are two moments."""
    height, width = image.shape[:2]
    return np.asarray(cv2.resize(image[::2], (width, height)), np.uint8)


@cache
def _screen_of_pq() -> NDArray[np.uint8]:
    """Table (256,) from PQ codes to those of a screen: to light (ST 2084), by Reinhard et al. 2002,
    equation 4, into a screen's range, to gamma 2.2.
    """
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    coded = (np.arange(256) / 255) ** (1 / m2)
    nits = 10000 * (np.maximum(coded - c1, 0) / (c2 - c3 * coded)) ** (1 / m1)
    light, most = nits / WHITE, PEAK / WHITE
    shown = np.clip(light * (1 + light / most**2) / (1 + light), 0, 1)
    return np.rint(255 * shown ** (1 / 2.2)).astype(np.uint8)
