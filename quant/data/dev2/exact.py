"""Motion of pictures that is the same to the bit on every machine.

OpenCV's warps and numpy's sines differ in the last bit from processor to processor. Here positions
come from additions, multiplications and divisions of doubles (IEEE 754 rounds them alike
everywhere), and pictures are sampled in integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hw.spec.sizes import ceil_div

FRACTION = 16  # bits of a coefficient below the point
WEIGHT = 8  # bits of a bilinear weight


@dataclass(frozen=True)
class Stop:
    """A stop is the place of a picture in a frame.

    x, y: its centre, 0..1 over the frame. scale: frame pixels a picture pixel. tilt: tangent of
    half the angle by which it is turned.
    """

    frame: int
    x: float
    y: float
    scale: float
    tilt: float = 0.0


@dataclass(frozen=True)
class Route:
    """Motion through stops, straight in between; it rests before the first and after the last."""

    stops: tuple[Stop, ...]

    def at(self, frame: float) -> Stop:
        """Returns the place of the picture at a frame, between the stops before and after it."""
        before = after = self.stops[0]
        for stop in self.stops:
            if stop.frame > frame:
                after = stop
                break
            before = after = stop
        if after.frame == before.frame:
            return before
        share = (frame - before.frame) / (after.frame - before.frame)

        def between(a: float, b: float) -> float:
            return a + share * (b - a)

        return Stop(
            int(frame),
            between(before.x, after.x),
            between(before.y, after.y),
            between(before.scale, after.scale),
            between(before.tilt, after.tilt),
        )

    def warp(
        self,
        picture: NDArray[np.uint8],
        frame: float,
        size: int,
        border: int,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> NDArray[np.uint8]:
        """Picture (h, w[, channels]) as it lies in the frame (S, S[, channels]).

        border: BORDER_CONSTANT (zero) or BORDER_REFLECT_101; interpolation: INTER_LINEAR or
        INTER_NEAREST, as OpenCV names them.
        """
        place = self.at(frame)
        scale, smooth = place.scale, interpolation != cv2.INTER_NEAREST
        while smooth and scale <= 0.5 and min(picture.shape[:2]) >= 4:
            picture, scale = shrink(picture, 2), 2 * scale
        height, width = picture.shape[:2]
        norm = 1 + place.tilt * place.tilt
        cos, sin = (1 - place.tilt * place.tilt) / norm / scale, 2 * place.tilt / norm / scale
        middle_x, middle_y = place.x * size - 0.5, place.y * size - 0.5
        shift_x = (width - 1) / 2 - cos * middle_x - sin * middle_y
        shift_y = (height - 1) / 2 + sin * middle_x - cos * middle_y
        a, b, c, d = (round(v * 2**FRACTION) for v in (cos, sin, shift_x, shift_y))
        grid = np.arange(size, dtype=np.int64)
        u = a * grid[None, :] + b * grid[:, None] + c
        v = -b * grid[None, :] + a * grid[:, None] + d
        # A pasted picture covers a part of the frame only: the rest needs no sampling.
        edge = 1 << FRACTION
        out = np.zeros((size, size, *picture.shape[2:]), np.uint8)
        if border == cv2.BORDER_CONSTANT:
            near = (u > -edge) & (u < width * edge) & (v > -edge) & (v < height * edge)
        else:
            near = np.ones((size, size), bool)
        out[near] = sample(picture, u[near], v[near], border, smooth)
        return out


def sample(
    picture: NDArray[np.uint8],
    u: NDArray[np.int64],
    v: NDArray[np.int64],
    border: int,
    smooth: bool,
) -> NDArray[np.uint8]:
    """Samples a picture (h, w[, channels]) at columns u (n,) and rows v (n,), both in 2^-FRACTION
    pixels, and returns values (n[, channels]): interpolated between four pixels where `smooth`,
    else those of the nearest pixel.
    """
    if not smooth:
        half = 1 << (FRACTION - 1)
        return _pixels(picture, (u + half) >> FRACTION, (v + half) >> FRACTION, border)
    column, row = u >> FRACTION, v >> FRACTION
    drop = FRACTION - WEIGHT
    p = ((u >> drop) & ((1 << WEIGHT) - 1)).astype(np.int32)
    q = ((v >> drop) & ((1 << WEIGHT) - 1)).astype(np.int32)
    one = 1 << WEIGHT
    total = np.zeros((*u.shape, *picture.shape[2:]), np.int32)
    for dx, dy, weight in (
        (0, 0, (one - p) * (one - q)),
        (1, 0, p * (one - q)),
        (0, 1, (one - p) * q),
        (1, 1, p * q),
    ):
        values = _pixels(picture, column + dx, row + dy, border).astype(np.int32)
        values *= weight.reshape(-1, *[1] * (picture.ndim - 2))
        total += values
    return ((total + (1 << (2 * WEIGHT - 1))) >> (2 * WEIGHT)).astype(np.uint8)


def _pixels(
    picture: NDArray[np.uint8], column: NDArray[np.int64], row: NDArray[np.int64], border: int
) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if border == cv2.BORDER_REFLECT_101:
        return picture[_reflected(row, height), _reflected(column, width)]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    found = picture[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    found[~inside] = 0
    return found


def _reflected(index: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    period = 2 * (length - 1)
    folded = index % period
    return np.minimum(folded, period - folded)


def shrink(picture: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Picture (h, w[, channels]) -> rounded means of `by` x `by` pixels; a rest is left out."""
    height, width = (side // by * by for side in picture.shape[:2])
    blocks = picture[:height, :width].reshape(height // by, by, width // by, by, *picture.shape[2:])
    total = blocks.sum((1, 3), dtype=np.int32)
    return ((total + by * by // 2) // (by * by)).astype(np.uint8)


def grain(shape: tuple[int, ...], levels: int, seed: tuple[int, ...]) -> NDArray[np.int16]:
    """Noise of a film, integers of about `levels` standard deviation and zero mean.

    Raw words of PCG64 are the same in every version of numpy, its normal numbers are not.
    """
    count = int(np.prod(shape))
    words = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(ceil_div(count, 2))
    quarters = words.astype("<u8").view("<u2").reshape(-1, 2).astype(np.int64)[:count]
    # The sum of two uniform numbers of 16 bits has a deviation of 2^16 / sqrt(6), sqrt(6) = 2.45.
    centred = quarters.sum(1) - 65535
    scaled = (centred * (levels * 245) + 50 * 65536) // (100 * 65536)
    return scaled.astype(np.int16).reshape(shape)
