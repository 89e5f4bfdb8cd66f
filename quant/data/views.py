"""Views of annotated images: random crops, flips and colours, some of them collages of several
images, so that a phrase has more instances, smaller ones, and company of other kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.colour import film, recolour
from quant.data.concepts import ConceptImage, Instance

COLLAGE_SHARE = 0.3
LEAST_KEPT = 0.25
"""An instance of which a view shows less is neither there nor absent: its concept is not asked."""
LEAST_CELLS = 1.0
"""Cells of the mask grid that an instance must cover to be one."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture to learn from.

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


def random_view(images: Sequence[ConceptImage], size: int, rng: np.random.Generator) -> View:
    """A view of a random image, or a collage of two to four of them."""
    count = int(rng.choice([2, 3, 4])) if rng.random() < COLLAGE_SHARE else 1
    chosen = [images[rng.integers(len(images))] for _ in range(count)]
    parts = []
    for item, cell in zip(chosen, _cells(count, size, rng), strict=True):
        image, instances = item.read()
        parts.append((image, instances, _placement(image.shape[:2], cell, rng)))
    known = frozenset.intersection(*(item.exhaustive for item in chosen))
    view = _view(parts, size, known, _cells_masks(parts, size))
    pixels = recolour(view.image[None], rng)[0]
    if rng.random() < 0.3:
        pixels = film(pixels, rng.uniform(0, 1.2), rng.uniform(0, 6), rng)
    return View(pixels, view.concepts, view.masks, view.boxes, view.known, view.unsure)


Part = tuple[NDArray[np.uint8], list[Instance], NDArray[np.float32]]


def _cells(count: int, size: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Tiles x0 y0 x1 y1 of a frame, later ones over earlier."""
    if count == 1:
        return [(0, 0, size, size)]
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
    shape: tuple[int, int], cell: tuple[int, int, int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Affine map (2,3) of an image into its tile: stretched, zoomed, shifted, flipped, turned."""
    height, width = shape
    x0, y0, x1, y1 = cell
    zoom = float(np.exp(rng.uniform(-0.15, 0.45)))
    wide = (x1 - x0) / width * zoom * float(np.exp(rng.uniform(-0.12, 0.12)))
    high = (y1 - y0) / height * zoom * float(np.exp(rng.uniform(-0.12, 0.12)))
    if rng.random() < 0.5:
        wide = -wide
    angle = rng.normal(0, 0.1)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([wide, high])
    slack = np.array([(x1 - x0), (y1 - y0)]) * max(zoom - 1, 0.1) / 2
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.uniform(-1, 1, 2) * slack
    shift = centre - linear @ np.array([width / 2, height / 2])
    matrix = np.concatenate([linear, shift[:, None]], 1)
    return matrix.astype(np.float32)


def _cells_masks(parts: Sequence[Part], size: int) -> list[NDArray[np.bool_]] | None:
    if len(parts) == 1:
        return None
    owner = np.zeros((size, size), np.int32)
    for index, (image, _, matrix) in enumerate(parts):
        inside = np.full(image.shape[:2], 255, np.uint8)
        owner[cv2.warpAffine(inside, matrix, (size, size)) > 127] = index + 1
    return [owner == index + 1 for index in range(len(parts))]


def _view(
    parts: Sequence[Part],
    size: int,
    known: frozenset[str],
    owners: list[NDArray[np.bool_]] | None = None,
) -> View:
    frame = np.zeros((size, size, 3), np.uint8)
    concepts: list[str] = []
    masks, boxes = [], []
    unsure: set[str] = set()
    for index, (image, instances, matrix) in enumerate(parts):
        picture = cv2.warpAffine(
            image, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101
        )
        frame = picture if owners is None else np.where(owners[index][..., None], picture, frame)
        growth = abs(float(np.linalg.det(matrix[:, :2])))
        for instance in instances:
            warped = cv2.warpAffine(instance.mask.astype(np.uint8) * 255, matrix, (size, size))
            mask = warped > 127
            if owners is not None:
                mask &= owners[index]
            share = mask.reshape(size // 4, 4, size // 4, 4).mean((1, 3), dtype=np.float32)
            if mask.sum() < LEAST_KEPT * growth * instance.mask.sum() or share.sum() < LEAST_CELLS:
                unsure.add(instance.concept)
                continue
            concepts.append(instance.concept)
            masks.append(share)
            boxes.append(_box(mask))
    return View(
        frame,
        concepts,
        np.stack(masks) if masks else np.zeros((0, size // 4, size // 4), np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        known,
        frozenset(unsure),
    )


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
