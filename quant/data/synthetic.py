"""Training clips out of still images: whole stills and cut-out objects set in motion.

As STM (Oh et al. 2019, section 3.4) and XMem (Cheng & Schwing 2022, section 4) pre-train: half of
the clips move a still with its own object as a camera would; the other half paste one to three
objects of other stills over a moving still. Objects hide one another, leave and return; some are
pasted twice, so that an object has a look-alike beside it. A still's own objects all keep ids, and
what its annotation calls void is void in the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.colour import film, recolour
from quant.data.errors import DataError
from quant.data.images import VOID
from quant.data.motion import Warp, camera_motion, object_motion
from quant.data.stills import Still

WHOLE_SHARE = 0.5
OCCLUDED_SHARE = 0.4  # of the whole stills: something passes in front
MOST_PASTED = 3
TWIN_SHARE = 0.3  # of the clips with pasted objects: one is pasted a second time
PARTS_SHARE = 0.25  # of the stills cut into parts: the parts are the objects, not the whole
OVERSCAN = 1.25  # side of a background over that of the frame: room for the camera to move
LEAST_VISIBLE = 0.005  # of the first frame, by some object
TRIES = 10

cv2.setNumThreads(1)  # clips are rendered by many workers at once


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture in motion: RGB, and in a pasted object the cover as fourth channel, (h, w, 3 or 4)
    uint8.

    object_id: the id of a pasted object. labels: ids (h, w) uint8 of a background, whose picture
    counts everywhere; VOID where nothing is known.
    """

    picture: NDArray[np.uint8]
    motion: Warp
    object_id: int = 0
    labels: NDArray[np.uint8] | None = None

    @property
    def opaque(self) -> bool:
        """Tells whether the layer is a background, which covers the whole frame."""
        return self.labels is not None

    def warp(self, frame: float, size: int) -> NDArray[np.uint8]:
        """The layer as it lies in a frame, (S, S, 3 or 4) uint8."""
        border = cv2.BORDER_REFLECT_101 if self.opaque else cv2.BORDER_CONSTANT
        return self.motion.warp(self.picture, frame, size, border)

    def ids(
        self, frame: float, size: int, warped: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Ids (S, S) of what the layer shows in a frame, 0 elsewhere; `warped` where it is known
        already.
        """
        if self.labels is not None:
            border = cv2.BORDER_REFLECT_101
            return self.motion.warp(self.labels, frame, size, border, cv2.INTER_NEAREST)
        warped = self.warp(frame, size) if warped is None else warped
        return np.where(warped[..., 3] > 127, self.object_id, 0).astype(np.uint8)


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
            own = layer.ids(frame, self.size, warped)
            if layer.opaque:
                colours, ids = np.ascontiguousarray(warped), own
            else:
                _blend(colours, warped)
                covered = warped[..., 3] > 127  # what has no id hides too
                ids[covered] = own[covered]
        return colours, ids

    def render(
        self, frame: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A frame as filmed: colours (S, S, 3) uint8 RGB and ids (S, S) uint8."""
        colours, ids = self.composite(frame)
        gain = 1 + self.flicker * np.sin(frame)
        colours = np.asarray(cv2.convertScaleAbs(colours, alpha=gain), np.uint8)
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
    """Random clip: frames (N, S, S, 3) uint8 RGB and ids (N, S, S) uint8, VOID where nothing is
    known.

    Some object is visible on the first frame. The same generator state gives the same clip.
    Raises DataError where the stills hold no objects.
    """
    for _ in range(TRIES):
        scene = draw_scene(stills, length, size, rng)
        counts = np.bincount(scene.composite(0)[1].ravel(), minlength=VOID + 1)
        if counts[1:VOID].max() >= LEAST_VISIBLE * size**2:
            break
    rendered = [scene.render(n, rng) for n in range(length)]
    return np.stack([frame for frame, _ in rendered]), np.stack([ids for _, ids in rendered])


def draw_scene(stills: Sequence[Still], length: int, size: int, rng: np.random.Generator) -> Scene:
    """Random scene of either kind. Raises DataError where the stills hold no objects."""
    draw = SetDraw.of(stills)
    if rng.random() < WHOLE_SHARE:
        image, labels, count = _labelled(draw, rng)
        motion = camera_motion(rng, rng.uniform(0.0, 1.8))
        pasted = int(rng.integers(1, MOST_PASTED)) if rng.random() < OCCLUDED_SHARE else 0
    else:
        image, _ = draw(rng).read()
        labels, count = np.zeros(image.shape[:2], np.uint8), 0
        motion = camera_motion(rng, rng.uniform(0.0, 1.2))
        pasted = int(rng.integers(1, MOST_PASTED + 1))
    picture, ids = _background(image, labels, size, rng)
    layers = [Layer(picture, motion, labels=ids)]
    cuts = [_draw_object(draw, rng) for _ in range(pasted)]
    if cuts and rng.random() < TWIN_SHARE:
        cuts.append(cuts[0])
    for object_id, (source, mask) in enumerate(cuts, start=1 + count):
        picture = _cut_out(source, mask, size, rng)
        layers.append(Layer(picture, object_motion(rng, length), object_id))
    return Scene(
        layers,
        size,
        blur=float(rng.uniform(0.2, 1.2)) * size / 256 if rng.random() < 0.5 else 0.0,
        noise=float(rng.uniform(1, 7)) if rng.random() < 0.5 else 0.0,
        flicker=float(rng.uniform(0, 0.05)),
    )


class SetDraw:
    """Draws a still: first a set, with weight the root of its size, so that no large set of near
    alike pictures rules; then one of its stills.
    """

    _known: dict[int, tuple[Sequence[Still], SetDraw]] = {}

    def __init__(self, stills: Sequence[Still]) -> None:
        groups: dict[str, list[Still]] = {}
        for still in stills:
            groups.setdefault(still.source, []).append(still)
        self.groups = list(groups.values())
        weights = np.sqrt([len(group) for group in self.groups])
        self.shares = weights / weights.sum()

    @classmethod
    def of(cls, stills: Sequence[Still]) -> SetDraw:
        """The draw of a list of stills, made once for each list."""
        known = cls._known.get(id(stills))
        if known is None or known[0] is not stills:
            known = stills, cls(stills)
            cls._known = {id(stills): known}
        return known[1]

    def __call__(self, rng: np.random.Generator) -> Still:
        group = self.groups[rng.choice(len(self.groups), p=self.shares)]
        return group[rng.integers(len(group))]


def _labelled(
    draw: SetDraw, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """A still with objects: image (H, W, 3), ids (H, W) with VOID, and the number of ids."""
    for _ in range(20):  # some stills hold no object; sets without any must not hang
        still = draw(rng)
        image, masks = still.read()
        if not masks:
            continue
        if still.parts and len(masks) > 1:
            masks = masks[1:] if rng.random() < PARTS_SHARE else masks[:1]
        labels = np.zeros(image.shape[:2], np.uint8)
        labels[still.void(*image.shape[:2])] = VOID
        for number, mask in enumerate(masks[: VOID - 1 - MOST_PASTED], start=1):
            labels[mask] = number  # the largest first, so that a small one lies on top
        return image, labels, min(len(masks), VOID - 1 - MOST_PASTED)
    raise DataError("20 stills drawn at random hold no object", "check that their masks are right")


def _draw_object(
    draw: SetDraw, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A still (H, W, 3) and the mask (H, W) of one of its objects."""
    for _ in range(20):
        still = draw(rng)
        image, masks = still.read()
        if masks:
            # The first is the whole or the largest; parts alone would teach no whole objects.
            whole = rng.random() < (1 - PARTS_SHARE if still.parts else 0.5)
            return image, masks[0 if whole else rng.integers(len(masks))]
    raise DataError("20 stills drawn at random hold no object", "check that their masks are right")


def _background(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Random window of a still that keeps most of some object: picture (M, M, 3) and labels (M, M),
    M = 1.25 S; small objects are drawn closer.
    """
    height, width = labels.shape
    side = round(OVERSCAN * size)
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)[1:VOID]
    kept = np.zeros(labels.shape, bool)
    closest = 0.65
    if counts.any():
        chosen = 1 + int(rng.choice(np.flatnonzero(counts)))
        kept = labels == chosen
        closest = float(np.clip(2.5 * np.sqrt(kept.mean()), 0.3, 0.65))
    for share in (rng.uniform(closest, 1), rng.uniform(closest, 1), rng.uniform(0.85, 1), 1.0):
        w, h = (max(2, round(share * v * rng.uniform(0.8, 1))) for v in (width, height))
        if kept.any():
            # A window around some pixel of the object, within the image.
            y, x = np.argwhere(kept)[rng.integers(kept.sum())]
            left = int(np.clip(x - rng.uniform(0.2, 0.8) * w, 0, width - w))
            top = int(np.clip(y - rng.uniform(0.2, 0.8) * h, 0, height - h))
        else:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        if 2 * kept[top : top + h, left : left + w].sum() >= kept.sum():
            break
    window = (slice(top, top + h), slice(left, left + w))
    picture = _resize(image[window], side, side)
    near = cv2.resize(labels[window], (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    ids = np.asarray(near, np.uint8)
    if rng.random() < 0.5:
        picture, ids = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(ids[:, ::-1])
    return recolour(picture[None], rng)[0], ids


def _cut_out(
    image: NDArray[np.uint8], mask: NDArray[np.bool_], size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """An object with soft edges and a rim of nothing, (h, w, 4), scaled for a frame of side S."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    stacked = np.dstack([image, mask.astype(np.uint8) * 255])[y : y + h, x : x + w]
    # Square root of the object's area, in sides of the frame: small ones as often as large.
    share = np.exp(rng.uniform(np.log(0.07), np.log(0.5)))
    scale = share * size / np.sqrt(mask.sum())
    # Long thin objects would otherwise become larger than any frame.
    scale = min(scale, 1.2 * size / max(w, h))
    patch = _resize(stacked, max(4, round(scale * h)), max(4, round(scale * w)))
    rim = max(2, round(0.1 * max(patch.shape[:2])))
    # Colours run on beyond the edge so that interpolation never mixes black into it.
    edge = (rim, rim, rim, rim)
    bordered = cv2.copyMakeBorder(patch[..., :3], *edge, cv2.BORDER_REPLICATE)
    colours = np.asarray(bordered, np.uint8)
    cover = cv2.copyMakeBorder(patch[..., 3], *edge, cv2.BORDER_CONSTANT, value=0)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.7)
    picture = np.dstack([recolour(colours[None], rng)[0], cover])
    return np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture


def _resize(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    shrinks = picture.shape[0] >= height and picture.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
