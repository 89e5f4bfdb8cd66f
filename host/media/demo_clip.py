"""The project draws a short clip itself, with its true masks: something to track at once.

A sandy sea floor under moving light. A striped fish (object 1) swims behind a turtle, leaves and
comes back the other way; the turtle (object 2) turns along its path in front of everything; a
starfish (object 3) spins, is hidden by the turtle and leaves for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import UsageError
from host.media.clip_writer import ClipWriter
from host.media.demo_drawings import (
    SPRITE,
    Picture,
    caustics,
    draw_fish,
    draw_starfish,
    draw_turtle,
    noise,
    sea_floor,
)

FISH, TURTLE, STARFISH = 1, 2, 3
SMALLEST_SIDE = 32
FINE = 2  # drawn at twice the size, so that edges come out smooth
Point = tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """A pose says where an animal is: x and y in widths and heights of the frame, angle in radians
    (0 looks right, positive turns clockwise on the screen), and whether it is mirrored, so that it
    looks left at angle 0.
    """

    x: float
    y: float
    angle: float
    mirrored: bool = False


def render_demo_clip(
    frames: int = 60, height: int = 256, width: int = 448, seed: int = 0
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Returns frames (height, width, 3) uint8 RGB and object ids (height, width) uint8, 0 for the
    background.

    The story takes the same course however many frames tell it; the seed changes textures only.
    Raises UsageError for a clip too short or small to show anything.
    """
    if frames < 1 or min(height, width) < SMALLEST_SIDE:
        raise UsageError(
            f"a demo clip of {frames} frames of {width}x{height}",
            f"ask for a frame or more and sides of {SMALLEST_SIDE} pixels or more",
        )
    rng = np.random.default_rng(seed)
    stage = Stage(rng, height, width)
    moments = np.linspace(0, 1, frames) if frames > 1 else np.zeros(1)
    rendered = [stage.render(float(moment)) for moment in moments]
    return [frame for frame, _ in rendered], [ids for _, ids in rendered]


def write_demo_clip(
    path: str | Path,
    frames: int = 60,
    height: int = 256,
    width: int = 448,
    seed: int = 0,
    fps: float = 24.0,
) -> list[tuple[int, int, int, int]]:
    """Writes the clip as a video file, whole or not at all.

    Returns the boxes of the objects on the first frame, in order of their ids: x0, y0, x1, y1 in
    pixels, first and last pixel included, as `Prompt.from_pixels` takes them. Raises UsageError.
    """
    writer = ClipWriter(path, fps)
    pictures, ids = render_demo_clip(frames, height, width, seed)
    try:
        for picture in pictures:
            writer.write(picture)
        writer.finish()
    finally:
        writer.abort()
    return list(boxes_of(ids[0]).values())


def boxes_of(ids: NDArray[np.uint8]) -> dict[int, tuple[int, int, int, int]]:
    """Returns the boxes x0, y0, x1, y1 (pixels, both ends included) of the objects in ids (H, W),
    by id.
    """
    boxes = {}
    for object_id in np.unique(ids[ids > 0]).tolist():
        x, y, w, h = cv2.boundingRect((ids == object_id).astype(np.uint8))
        boxes[object_id] = (x, y, x + w - 1, y + h - 1)
    return boxes


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer is an animal in a scene: its id there, its drawing, where it is, and the side of the
    drawing in heights of the frame.
    """

    object_id: int
    picture: Picture
    pose: Pose
    size: float


class Stage:
    """The stage holds the scene's textures, drawn once; `render` gives any moment of the story,
    `compose` any other arrangement.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.floor = sea_floor(rng, round(1.2 * FINE * height), round(1.3 * FINE * width))
        self.grain = noise(rng, SPRITE, SPRITE, 24)
        self.starfish = draw_starfish(self.grain)

    def render(self, moment: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Returns the frame and the ids of a moment in 0..1."""
        layers = [
            Layer(STARFISH, self.starfish, starfish_pose(moment), 0.50),
            Layer(FISH, draw_fish(self.grain, 40 * moment), fish_pose(moment), 0.62),
            Layer(TURTLE, draw_turtle(self.grain, 22 * moment), turtle_pose(moment), 0.80),
        ]
        return self.compose(layers, (moment, 0.5 * (1 + np.sin(5 * moment))), moment)

    def compose(
        self, layers: Sequence[Layer], drift: Point, moment: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Returns the frame (H,W,3) uint8 and the ids (H,W) uint8 of layers from back to front.

        drift is how far the camera is along the floor, across and down, in 0..1; moment is that of
        the light on the floor.
        """
        high, wide = FINE * self.height, FINE * self.width
        room_y, room_x = self.floor.shape[0] - high, self.floor.shape[1] - wide
        view = np.array([[1, 0, -drift[0] * room_x], [0, 1, -drift[1] * room_y]], np.float32)
        colours: Picture = np.array(cv2.warpAffine(self.floor, view, (wide, high)), np.float32)
        visible: dict[int, Picture] = {}
        for layer in layers:
            scale = layer.size * high / SPRITE
            # A blurred shadow needs no fine drawing: a quarter of the size, then enlarged.
            shadow = _place(
                layer.picture[..., 3], layer.pose, scale / 4, high // 4, wide // 4, 0.009 * high
            )
            soft = cv2.GaussianBlur(shadow, (0, 0), 0.005 * high)
            wide_soft = cv2.resize(soft, (wide, high), interpolation=cv2.INTER_LINEAR)
            colours *= 1 - 0.38 * wide_soft[..., None]
            placed = _place(layer.picture, layer.pose, scale, high, wide)
            cover = placed[..., 3]
            colours += cover[..., None] * (placed[..., :3] - colours)
            for other in visible:
                visible[other] *= 1 - cover
            visible[layer.object_id] = cover
        colours *= (0.93 + 0.30 * caustics(high, wide, moment))[..., None]
        small = (self.width, self.height)
        frame = cv2.resize(np.clip(colours, 0, 1), small, interpolation=cv2.INTER_AREA)
        ids = np.zeros((self.height, self.width), np.uint8)
        for object_id, share in visible.items():
            ids[cv2.resize(share, small, interpolation=cv2.INTER_AREA) > 0.5] = object_id
        return np.rint(frame * 255).astype(np.uint8), ids


def fish_pose(moment: float) -> Pose:
    """The fish swims to the right, behind the turtle and out of the frame; later it comes back,
    looking left.
    """
    if moment < 0.64:
        path = [(0.16, 0.23), (0.42, 0.52), (0.72, 0.52), (1.30, 0.30)]
        return _along(path, moment / 0.62)
    path = [(1.30, 0.72), (0.95, 0.80), (0.75, 0.70), (0.50, 0.68)]
    return _along(path, (moment - 0.66) / 0.34, mirrored=True)


def turtle_pose(moment: float) -> Pose:
    """The turtle swims up in an arc and over to the right, and always looks where it goes."""
    return _along([(0.27, 0.64), (0.40, 0.40), (0.62, 0.36), (0.80, 0.46)], moment)


def starfish_pose(moment: float) -> Pose:
    """The starfish drifts left under the turtle, spinning, and out through the top."""
    pose = _along([(0.80, 0.76), (0.56, 0.80), (0.28, 0.52), (0.22, -0.32)], moment / 0.92)
    return Pose(pose.x, pose.y, 5.0 * moment)


def _along(path: list[Point], progress: float, mirrored: bool = False) -> Pose:
    """Pose on a Bezier curve, at 0 its start and at 1 its end; beyond, straight on."""
    points = np.array(path)
    part = min(max(progress, 0.0), 1.0)
    while len(points) > 2:
        points = points[:-1] + part * np.diff(points, axis=0)
    tangent = points[1] - points[0]
    x, y = points[0] + part * tangent + 3 * (progress - part) * tangent
    ahead = -tangent[0] if mirrored else tangent[0]
    # Heights are about half of widths: the angle is that seen on the screen.
    return Pose(float(x), float(y), float(np.arctan2(0.57 * tangent[1], ahead)), mirrored)


def _place(
    picture: Picture, pose: Pose, scale: float, high: int, wide: int, offset: float = 0.0
) -> Picture:
    """A drawing turned, scaled and moved to its pose in a frame (high, wide, ...)."""
    cos, sin = scale * np.cos(pose.angle), scale * np.sin(pose.angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    if pose.mirrored:
        # Mirror the drawing, then turn the other way round: a fish going left and down looks so.
        linear = np.array([[-cos, sin], [sin, cos]])
    centre = np.array([pose.x * wide + offset, pose.y * high + offset])
    shift = centre - linear @ np.full(2, SPRITE / 2)
    matrix = np.concatenate([linear, shift[:, None]], 1).astype(np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (wide, high)), np.float32)
