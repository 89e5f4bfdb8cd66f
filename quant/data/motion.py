"""Smooth random motion of a picture: a swinging affine map and a bending of its own plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

CONTROL = 4  # control points a side of the bending; few, so that it stays a mild bend


@dataclass(frozen=True)
class Swing:
    """Value over time: base + reach * sin(2 pi (n / period + phase)), n the frame.

    Over a short clip a part of the sine is a nearly straight path, over a long one it returns, so
    things that leave the frame come back.
    """

    base: NDArray[np.float32]
    reach: NDArray[np.float32]
    period: NDArray[np.float32]  # frames
    phase: NDArray[np.float32]

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        reach: float | tuple[float, ...],
        period: tuple[float, float],
        shape: tuple[int, ...] = (),
    ) -> Swing:
        """Random swing around zero; `reach` is the largest."""
        return cls(
            np.zeros(shape, np.float32),
            (np.asarray(reach) * rng.uniform(0.3, 1, shape)).astype(np.float32),
            rng.uniform(*period, shape).astype(np.float32),
            rng.uniform(0, 1, shape).astype(np.float32),
        )

    def through(self, value: NDArray[np.floating], frame: float) -> Swing:
        """The same swing moved so that it takes `value` at a frame."""
        base = np.asarray(value, np.float32) - (self.at(frame) - self.base)
        return Swing(base, self.reach, self.period, self.phase)

    def at(self, frame: float) -> NDArray[np.float32]:
        return self.base + self.reach * np.sin(2 * np.pi * (frame / self.period + self.phase))


class Warp(Protocol):
    """What lays a picture into the frames of a clip: a `Motion`, or an exact `Route` of
    `quant.data.dev2.exact`.
    """

    def warp(
        self,
        picture: NDArray[np.uint8],
        frame: float,
        size: int,
        border: int,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> NDArray[np.uint8]:
        """The picture (h, w, channels) as it lies in a frame (S, S, channels), uint8."""
        ...


@dataclass(frozen=True)
class Motion:
    """How a picture lies in the frame over time.

    place: centre (x, y), 0 the frame's centre and 1 its side.
    shape: log scale, log width over height, angle (radians), shear.
    bend: shifts (4, 4, 2) of control points in sides of the picture.
    """

    place: Swing
    shape: Swing
    bend: Swing

    def matrix(self, frame: float, patch: tuple[int, int], size: int) -> NDArray[np.float32]:
        """Affine map (2, 3) from pixels of the picture (h, w) to those of the frame (S, S)."""
        scale, aspect, angle, shear = self.shape.at(frame).tolist()
        wide, high = np.exp(scale + aspect / 2), np.exp(scale - aspect / 2)
        cos, sin = np.cos(angle), np.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) @ [[1, shear], [0, 1]] @ np.diag([wide, high])
        centre = np.array([patch[1] - 1, patch[0] - 1]) / 2
        shift = (self.place.at(frame) + 0.5) * size - 0.5 - linear @ centre
        return np.concatenate([linear, shift[:, None]], 1).astype(np.float32)

    def warp(
        self,
        picture: NDArray[np.uint8],
        frame: float,
        size: int,
        border: int,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> NDArray[np.uint8]:
        """Picture (h, w, channels) as it lies in the frame (S, S, channels).

        border: OpenCV's rule for what lies beyond the picture. interpolation: OpenCV's, the nearest
        for a map of ids.
        """
        height, width = picture.shape[:2]
        control = (self.bend.at(frame) * (width, height)).astype(np.float32)
        wide = cv2.resize(control, (width, height), interpolation=cv2.INTER_CUBIC)
        field = np.asarray(wide, np.float32)
        field[..., 0] += np.arange(width, dtype=np.float32)
        field[..., 1] += np.arange(height, dtype=np.float32)[:, None]
        columns, rows = cv2.split(field)
        bent = cv2.remap(picture, columns, rows, interpolation, borderMode=border)
        matrix = self.matrix(frame, (height, width), size)
        side = (size, size)
        laid = cv2.warpAffine(bent, matrix, side, flags=interpolation, borderMode=border)
        return np.asarray(laid, np.uint8)


def camera_motion(rng: np.random.Generator, strength: float) -> Motion:
    """Motion of a whole still that stays inside a picture about a quarter larger than the frame."""
    pace = (16.0, 60.0)
    shape = Swing.draw(rng, tuple(strength * v for v in (0.06, 0.05, 0.08, 0.05)), pace, (4,))
    place = Swing.draw(rng, 0.1 * strength, pace, (2,))
    return Motion(place, shape, Swing.draw(rng, 0.015 * strength, pace, (CONTROL, CONTROL, 2)))


def object_motion(rng: np.random.Generator, length: int) -> Motion:
    """Motion of a pasted object, in the frame at a random moment; it may leave before or after."""
    crosses = rng.random() < 0.3
    reach, pace = (0.9, (10.0, 28.0)) if crosses else (0.22, (14.0, 50.0))
    place = Swing.draw(rng, reach, pace, (2,))
    place = place.through(rng.uniform(-0.35, 0.35, 2), rng.uniform(0, max(length - 1, 1)))
    turns = rng.choice([0.15, 0.5, 1.2], p=[0.5, 0.35, 0.15])
    shape = Swing.draw(rng, (0.2, 0.15, turns, 0.15), (14.0, 50.0), (4,))
    shape = shape.through(np.array([0, rng.uniform(-0.45, 0.25), rng.normal(0, 0.2), 0]), 0)
    return Motion(place, shape, Swing.draw(rng, 0.035, (10.0, 30.0), (CONTROL, CONTROL, 2)))
