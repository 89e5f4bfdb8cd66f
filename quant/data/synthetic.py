"""Training clips out of still images: whole stills and cut-out objects set in motion.

As STM (Oh et al. 2019, section 3.4) and XMem (Cheng & Schwing 2022, section 4) pre-train: half of
the clips move a still with its own object as a camera would; the other half paste one to three
objects of other stills over a moving still. Objects hide one another, leave and return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.colour import film, recolour
from quant.data.errors import DataError
from quant.data.motion import Motion, camera_motion, object_motion
from quant.data.stills import Still

WHOLE_SHARE = 0.5
OCCLUDED_SHARE = 0.4  # of the whole stills: something passes in front
MOST_PASTED = 3
OVERSCAN = 1.25  # side of a background over that of the frame: room for the camera to move
LEAST_VISIBLE = 0.005  # of the first frame, by some object
TRIES = 10

cv2.setNumThreads(1)  # clips are rendered by many workers at once


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture in motion: RGB and the cover of its object as fourth channel, (h, w, 4) uint8.

    object_id: 0 for one that is not labelled.
    opaque: a background, whose colour counts outside its object too.
    """

    picture: NDArray[np.uint8]
    motion: Motion
    object_id: int
    opaque: bool

    def warp(self, frame: float, size: int) -> NDArray[np.uint8]:
        """The layer as it lies in a frame, (S, S, 4) uint8."""
        border = cv2.BORDER_REFLECT_101 if self.opaque else cv2.BORDER_CONSTANT
        return self.motion.warp(self.picture, frame, size, border)


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers from back to front, the first opaque, and the looks of the film."""

    layers: list[Layer]
    size: int
    blur: float = 0.0  # pixels
    noise: float = 0.0  # grey levels
    flicker: float = 0.0  # share of the brightness

    def composite(self, frame: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A frame before the film: colours (S, S, 3) and the ids (S, S) of what lies on top."""
        colours = np.zeros((self.size, self.size, 3), np.uint8)
        ids = np.zeros((self.size, self.size), np.uint8)
        for layer in self.layers:
            warped = layer.warp(frame, self.size)
            cover = warped[..., 3]
            if layer.opaque:
                colours = np.ascontiguousarray(warped[..., :3])
            else:
                _blend(colours, warped)
            ids[cover > 127] = layer.object_id
        return colours, ids

    def render(
        self, frame: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A frame as filmed: colours (S, S, 3) uint8 RGB and ids (S, S) uint8."""
        colours, ids = self.composite(frame)
        gain = 1 + self.flicker * np.sin(frame)
        colours = cv2.convertScaleAbs(colours, alpha=gain)
        return film(colours, self.blur, self.noise, rng), ids


def _blend(colours: NDArray[np.uint8], warped: NDArray[np.uint8]) -> None:
    """Lay an object (S, S, 4) over colours (S, S, 3) in place, where it is only."""
    x, y, w, h = cv2.boundingRect(np.ascontiguousarray(warped[..., 3]))
    if not w:
        return
    part, above = colours[y : y + h, x : x + w], warped[y : y + h, x : x + w]
    share = above[..., 3:].astype(np.float32) * np.float32(1 / 255)
    part[:] = np.rint(part + share * (above[..., :3].astype(np.float32) - part)).astype(np.uint8)


def synthesize_clip(
    stills: Sequence[Still], length: int, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Random clip: frames (N, S, S, 3) uint8 RGB and object ids (N, S, S) uint8, at most 3 objects.

    Some object is visible on the first frame. The same generator state gives the same clip.
    Raises DataError where the stills hold no objects.
    """
    for _ in range(TRIES):
        scene = draw_scene(stills, length, size, rng)
        if np.bincount(scene.composite(0)[1].ravel())[1:].max(initial=0) >= LEAST_VISIBLE * size**2:
            break
    rendered = [scene.render(n, rng) for n in range(length)]
    return np.stack([frame for frame, _ in rendered]), np.stack([ids for _, ids in rendered])


def draw_scene(stills: Sequence[Still], length: int, size: int, rng: np.random.Generator) -> Scene:
    """Random scene of either kind. Raises DataError where the stills hold no objects."""
    if rng.random() < WHOLE_SHARE:
        image, mask = _draw_object(stills, rng)
        motion = camera_motion(rng, rng.uniform(0.5, 1.8))
        layers = [Layer(_background(image, mask, size, rng), motion, 1, opaque=True)]
        pasted = int(rng.integers(1, MOST_PASTED)) if rng.random() < OCCLUDED_SHARE else 0
    else:
        image, _ = stills[rng.integers(len(stills))].read()
        nothing = np.zeros(image.shape[:2], bool)
        motion = camera_motion(rng, rng.uniform(0.2, 1.2))
        layers = [Layer(_background(image, nothing, size, rng), motion, 0, opaque=True)]
        pasted = int(rng.integers(1, MOST_PASTED + 1))
    first_id = 1 + layers[0].object_id
    for object_id in range(first_id, first_id + pasted):
        picture = _cut_out(*_draw_object(stills, rng), size, rng)
        layers.append(Layer(picture, object_motion(rng, length), object_id, opaque=False))
    return Scene(
        layers,
        size,
        blur=float(rng.uniform(0.2, 1.2)) * size / 256 if rng.random() < 0.5 else 0.0,
        noise=float(rng.uniform(1, 7)) if rng.random() < 0.5 else 0.0,
        flicker=float(rng.uniform(0, 0.05)),
    )


def _draw_object(
    stills: Sequence[Still], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A still (H, W, 3) and the mask (H, W) of one of its objects."""
    for _ in range(20):  # some stills hold no object; sets without any must not hang
        image, masks = stills[rng.integers(len(stills))].read()
        if masks:
            # The first is the whole or the largest; parts alone would teach no whole objects.
            whole = rng.random() < 0.5
            return image, masks[0 if whole else rng.integers(len(masks))]
    raise DataError("20 stills drawn at random hold no object", "check that their masks are right")


def _background(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Random window of a still that keeps most of its object, (M, M, 4) with M = 1.25 S."""
    height, width = mask.shape
    side = round(OVERSCAN * size)
    for share in (rng.uniform(0.65, 1), rng.uniform(0.85, 1), 1.0):
        w, h = (max(2, round(share * v * rng.uniform(0.8, 1))) for v in (width, height))
        left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        inside = mask[top : top + h, left : left + w]
        if 2 * inside.sum() >= mask.sum():
            break
    stacked = np.dstack([image, mask.astype(np.uint8) * 255])[top : top + h, left : left + w]
    return _recoloured(_flipped(_resize(stacked, side, side), rng), rng)


def _cut_out(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """An object with soft edges and a rim of nothing, (h, w, 4), scaled for a frame of side S."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    stacked = np.dstack([image, mask.astype(np.uint8) * 255])[y : y + h, x : x + w]
    share = rng.uniform(0.12, 0.5)  # square root of the object's area, in sides of the frame
    scale = share * size / np.sqrt(mask.sum())
    # Long thin objects would otherwise become larger than any frame.
    scale = min(scale, 1.2 * size / max(w, h))
    patch = _resize(stacked, max(4, round(scale * h)), max(4, round(scale * w)))
    rim = max(2, round(0.1 * max(patch.shape[:2])))
    # Colours run on beyond the edge so that interpolation never mixes black into it.
    colours = cv2.copyMakeBorder(patch[..., :3], rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    cover = cv2.copyMakeBorder(patch[..., 3], rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=0)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.7)
    return _recoloured(_flipped(np.dstack([colours, cover]), rng), rng)


def _resize(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    shrinks = picture.shape[0] >= height and picture.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=how)


def _flipped(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture


def _recoloured(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.dstack([recolour(picture[None, ..., :3], rng)[0], picture[..., 3]])
