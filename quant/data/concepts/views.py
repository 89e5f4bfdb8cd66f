"""Views of annotated images: random crops, flips and colours, some of them close, some collages of
several images, some with objects of others pasted in front, and some with different kinds that are
taken for each other side by side: so that a phrase has more instances, smaller ones, other places,
and company of other kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.colour import film, recolour
from quant.data.concepts.cutouts import Cutout, cut_out
from quant.data.concepts.dataset import ConceptImage, Instance
from quant.data.concepts.image import Annotation
from quant.data.concepts.pool import ConceptPool

SHARES = {"single": 0.35, "collage": 0.2, "pasted": 0.2, "lineup": 0.25}
CLOSE_SHARE = 0.35
"""This share of the views of a single image looks closely at one object that is small in it."""
ZOOM = (-0.15, 0.45)
"""Natural logarithms of the least and the most that an image is enlarged."""
SMALL = 0.06
"""An object that covers less than this share of its image is small."""
CLOSE_SIDE, MOST_ZOOM = (0.2, 0.6), 5.0
"""Longer side of an object that is looked at closely, in sides of the view, and the most that its
image is enlarged: more shows nothing but JPEG's blocks."""
PASTED_SIDE = (0.1, 0.8)
"""Longer side of a pasted object, in sides of the view."""
LINED_UP_SIDE = (0.6, 1.1)
"""The same for objects side by side, in shares of the room that each has."""
PLAIN_SHARE, PLAIN_CELLS = 0.3, 6
"""This share of the views with objects side by side has nothing behind them but blurred colours, so
that everything in them is known; the colours are drawn on a grid of so many cells a side.
"""
LEAST_KEPT = 0.25
"""An instance of which a view shows less is neither there nor absent: its concept is not asked."""
LEAST_CELLS = 1.0
"""Cells of the mask grid that an instance must cover to be one."""


@dataclass(frozen=True, eq=False)
class View:
    """A view is one picture that the detector learns from, with what is to be found in it.

    image (S,S,3) uint8 RGB; concepts of the instances; masks (M,R,R) float32, the share of each
    cell that is covered; boxes (M,4) float32 x0 y0 x1 y1 in [0,1]; known: concepts annotated
    exhaustively; unsure: those with an instance that is too small or too cut.
    """

    image: NDArray[np.uint8]
    concepts: list[str]
    masks: NDArray[np.float32]
    boxes: NDArray[np.float32]
    known: frozenset[str]
    unsure: frozenset[str]


def whole_view(item: ConceptImage, size: int) -> View:
    """The image as the host would see it: stretched to (S,S)."""
    image, instances = item.read()
    identity = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    scale = np.array([[size / image.shape[1]], [size / image.shape[0]]], np.float32)
    return _view([(image, instances, identity * scale)], size, item.exhaustive)


def random_view(pool: ConceptPool, size: int, rng: np.random.Generator) -> View:
    """A random image of the pool as one of the kinds of `SHARES`."""
    make = {"single": _single, "collage": _collage, "pasted": _pasted, "lineup": _lineup}
    view = make[str(rng.choice(list(SHARES), p=list(SHARES.values())))](pool, size, rng)
    pixels = recolour(view.image[None], rng)[0]
    if rng.random() < 0.3:
        pixels = film(pixels, rng.uniform(0, 1.2), rng.uniform(0, 6), rng)
    return replace(view, image=pixels)


def _single(pool: ConceptPool, size: int, rng: np.random.Generator) -> View:
    item = pool.ground(rng)
    image, instances = item.read()
    small = [i for i in instances if i.mask.mean() < SMALL]
    if small and rng.random() < CLOSE_SHARE:
        matrix = _close(small[rng.integers(len(small))].mask, size, rng)
    else:
        matrix = _placement(image.shape[:2], (0, 0, size, size), rng)
    return _view([(image, instances, matrix)], size, item.exhaustive)


def _collage(pool: ConceptPool, size: int, rng: np.random.Generator) -> View:
    count = int(rng.integers(2, 5))
    chosen = [pool.ground(rng, wide=True) for _ in range(count)]
    parts = []
    for item, cell in zip(chosen, _cells(count, size, rng), strict=True):
        image, instances = item.read()
        parts.append((image, instances, _placement(image.shape[:2], cell, rng)))
    known = frozenset.intersection(*(item.exhaustive for item in chosen))
    return _view(parts, size, known, [np.ones(image.shape[:2], bool) for image, _, _ in parts])


def _pasted(pool: ConceptPool, size: int, rng: np.random.Generator) -> View:
    cuts = []
    for _ in range(rng.integers(1, 4)):
        item = pool.object_image(rng)
        cut = cut_out(item, rng) if item else None
        if cut is not None:
            side = float(size * np.exp(rng.uniform(*np.log(PASTED_SIDE))))
            cuts.append((cut, _paste(cut.mask, side, rng.uniform(0.08, 0.92, 2) * size, rng)))
    return _with_cuts(pool.ground(rng, wide=True), cuts, size, rng)


def _lineup(pool: ConceptPool, size: int, rng: np.random.Generator) -> View:
    """Different kinds of one family side by side, one of them twice at times: asked for one of
    them, a detector has to leave out its neighbours.
    """
    kinds = pool.alike(int(rng.integers(2, 5)), rng)
    if kinds and rng.random() < 0.3:
        kinds.insert(int(rng.integers(len(kinds) + 1)), kinds[0])
    cuts = []
    down = float(rng.uniform(0.3, 0.7))
    for place, kind in enumerate(kinds):
        item = pool.object_image(rng, kind)
        cut = cut_out(item, rng, kind) if item else None
        if cut is None:
            continue
        room = size / len(kinds)
        side = room * rng.uniform(*LINED_UP_SIDE) * (1 if len(kinds) > 2 else 0.8)
        centre = np.array([(place + 0.5) * room, (down + rng.uniform(-0.2, 0.2)) * size])
        cuts.append((cut, _paste(cut.mask, float(side), centre, rng)))
    if rng.random() < 0.5:  # one above the other
        cuts = [(cut, _transposed(matrix, cut.mask)) for cut, matrix in cuts]
    ground = pool.ground(rng, wide=True)
    if cuts and rng.random() < PLAIN_SHARE:
        ground = _plain(ground)
    return _with_cuts(ground, cuts, size, rng)


def _plain(item: ConceptImage) -> ConceptImage:
    """The colours of an image, with nothing left to be seen: no concept is in it."""
    image = item.read_image()
    few = cv2.resize(image, (PLAIN_CELLS, PLAIN_CELLS), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(few, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return replace(
        item,
        annotated=frozenset(item.vocabulary.concepts),
        read_image=lambda: np.asarray(blurred, np.uint8),
        read_annotation=lambda: Annotation([]),
    )


def _with_cuts(
    ground: ConceptImage,
    cuts: Sequence[tuple[Cutout, NDArray[np.float32]]],
    size: int,
    rng: np.random.Generator,
) -> View:
    """Objects in front of an image."""
    image, instances = ground.read()
    parts = [(image, instances, _placement(image.shape[:2], (0, 0, size, size), rng))]
    covers: list[Cover] = [None]
    known, unsure = ground.exhaustive, frozenset[str]()
    for cut, matrix in cuts:
        parts.append((cut.image, cut.instances, matrix))
        covers.append(cut.mask)
        known, unsure = known & cut.known, unsure | cut.unsure
    view = _view(parts, size, known, covers)
    return replace(view, unsure=view.unsure | unsure)


Cover = NDArray[np.bool_] | None
Part = tuple[NDArray[np.uint8], list[Instance], NDArray[np.float32]]


def _cells(count: int, size: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Two to four tiles x0 y0 x1 y1 of a frame, later ones over earlier."""
    cut_x, cut_y = (int(v) for v in rng.integers(size * 2 // 5, size * 3 // 5, 2))
    halves = [(0, 0, cut_x, size), (cut_x, 0, size, size)]
    if count == 2:
        if rng.random() < 0.5:
            return halves
        return [(0, 0, size, cut_y), (0, cut_y, size, size)]
    quarters = [(0, 0, cut_x, cut_y), (0, cut_y, cut_x, size)]
    if count == 3:
        return [*quarters, halves[1]]
    return [*quarters, (cut_x, 0, size, cut_y), (cut_x, cut_y, size, size)]


def _placement(
    shape: tuple[int, int],
    cell: tuple[int, int, int, int],
    rng: np.random.Generator,
    zooms: tuple[float, float] = ZOOM,
) -> NDArray[np.float32]:
    """Affine map (2,3) of an image into its tile: stretched, zoomed (natural logarithms of the
    least and the most), shifted, flipped, turned.
    """
    height, width = shape
    x0, y0, x1, y1 = cell
    zoom = float(np.exp(rng.uniform(*zooms)))
    wide = (x1 - x0) / width * zoom * float(np.exp(rng.uniform(-0.12, 0.12)))
    high = (y1 - y0) / height * zoom * float(np.exp(rng.uniform(-0.12, 0.12)))
    slack = np.array([(x1 - x0), (y1 - y0)]) * max(zoom - 1, 0.1) / 2
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.uniform(-1, 1, 2) * slack
    return _affine(np.array([width / 2, height / 2]), centre, (wide, high), rng)


def _close(mask: NDArray[np.bool_], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Affine map (2,3) that enlarges an image so that the object under a mask is seen well,
    anywhere in the view.
    """
    height, width = mask.shape
    x0, y0, x1, y1 = np.array(_box(mask)) * np.tile(mask.shape[::-1], 2)
    stretch = np.array([size / width, size / height])
    longer = float((np.array([x1 - x0, y1 - y0]) * stretch).max())
    zoom = float(np.clip(size * rng.uniform(*CLOSE_SIDE) / longer, 1, MOST_ZOOM))
    target = rng.uniform(0.25, 0.75, 2) * size
    wide, high = stretch * zoom * np.exp(rng.uniform(-0.12, 0.12, 2))
    return _affine(np.array([(x0 + x1) / 2, (y0 + y1) / 2]), target, (wide, high), rng)


def _paste(
    mask: NDArray[np.bool_], side: float, centre: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Affine map (2,3) of an image that puts the object under its mask at a place of the view, its
    longer side so long.

    Videos are wide and are squeezed into the view's square, street photos are narrow and are
    stretched: the object may come out either way.
    """
    box = np.array(_box(mask)) * np.tile(mask.shape[::-1], 2)
    high = side / max(box[2] - box[0], box[3] - box[1])
    wide = high * np.exp(rng.uniform(-0.6, 0.3))
    return _affine((box[:2] + box[2:]) / 2, centre, (wide, high), rng)


def _transposed(matrix: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The same map with the object under its mask moved to where x and y are exchanged."""
    x0, y0, x1, y1 = np.array(_box(mask)) * np.tile(mask.shape[::-1], 2)
    place = matrix @ np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1])
    moved = matrix.copy()
    moved[:, 2] += place[::-1] - place
    return moved


def _affine(
    origin: NDArray[np.floating],
    target: NDArray[np.floating],
    scale: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Map (2,3) that takes a point to another, scaled, turned a little and flipped at random."""
    wide = scale[0] if rng.random() < 0.5 else -scale[0]
    angle = rng.normal(0, 0.1)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([wide, scale[1]])
    return np.concatenate([linear, (target - linear @ origin)[:, None]], 1).astype(np.float32)


def _owned(parts: Sequence[Part], covers: Sequence[Cover], size: int) -> list[NDArray[np.bool_]]:
    """Where each part is seen (S,S): within its cover (H,W), and not under a later part."""
    owner = np.zeros((size, size), np.int32)
    for number, ((_, _, matrix), cover) in enumerate(zip(parts, covers, strict=True), 1):
        if cover is None:
            owner[:] = number
        else:
            inside = cover.astype(np.uint8) * 255
            owner[cv2.warpAffine(inside, matrix, (size, size)) > 127] = number
    return [owner == number for number in range(1, len(parts) + 1)]


def _view(
    parts: Sequence[Part],
    size: int,
    known: frozenset[str],
    covers: Sequence[Cover] = (None,),
) -> View:
    """Parts one over the other, each where its cover (H,W) says, or everywhere, the image's border
    reflected.
    """
    owners = _owned(parts, covers, size)
    frame = np.zeros((size, size, 3), np.uint8)
    concepts: list[str] = []
    masks, boxes = [], []
    unsure: set[str] = set()
    for index, (image, instances, matrix) in enumerate(parts):
        picture = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101
        )
        frame = np.where(owners[index][..., None], picture, frame)
        seen: dict[int, Shown | None] = {}  # a mask stands for all kinds of its object
        for instance in instances:
            if id(instance.mask) not in seen:
                seen[id(instance.mask)] = _shown(instance.mask, matrix, owners[index])
            shown = seen[id(instance.mask)]
            if shown is None:
                unsure.add(instance.concept)
                continue
            concepts.append(instance.concept)
            masks.append(shown[0])
            boxes.append(shown[1])
    return View(
        frame,
        concepts,
        np.stack(masks) if masks else np.zeros((0, size // 4, size // 4), np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        known,
        frozenset(unsure),
    )


Shown = tuple[NDArray[np.float32], tuple[float, float, float, float]]


def _shown(
    mask: NDArray[np.bool_], matrix: NDArray[np.float32], owner: NDArray[np.bool_]
) -> Shown | None:
    """Share of each cell (R,R) that an object (H,W) covers where its part is seen (S,S), and its
    box; None for too little of it.
    """
    size = len(owner)
    warped = cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (size, size))
    visible = (warped > 127) & owner
    cells = (size // 4, size // 4)
    share = cv2.resize(visible.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    growth = abs(float(np.linalg.det(matrix[:, :2])))
    if visible.sum() < LEAST_KEPT * growth * mask.sum() or share.sum() < LEAST_CELLS:
        return None
    return np.asarray(share, np.float32), _box(visible)


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """x0 y0 x1 y1 in [0,1] of a mask that is not empty."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    height, width = mask.shape
    return (
        columns[0] / width,
        rows[0] / height,
        (columns[-1] + 1) / width,
        (rows[-1] + 1) / height,
    )
