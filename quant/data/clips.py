"""Training clips out of annotated videos: a few frames, cropped, flipped, recoloured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from host.images import to_network
from quant.data.colour import recolour
from quant.data.errors import DataError
from quant.data.images import VOID
from quant.data.video import Layers, VideoSequence

REVERSED_SHARE = 0.25
CROPPED_SHARE = 0.6
SMALLEST_CROP = 0.55  # of the frame's side
FOLLOWED_SHARE = 0.5
CONTEXT = (1.4, 3.0)
"""A close window has so many times the side of the object that it holds."""
SMALLEST_WINDOW = 0.15  # of the frame's side
TRIES = 5
SMALLEST_TARGET = 1e-3  # of the frame: below it no cell of the mask grid would be covered

Window = tuple[int, int, int, int]


def sample_video_clip(
    sequence: VideoSequence,
    length: int,
    size: int,
    rng: np.random.Generator,
    max_gap: int = 5,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Random clip: frames (N, S, S, 3) uint8 RGB and ids (N, S, S) uint8, VOID where nothing is
    known.

    Annotated frames in order (sometimes backwards) with random gaps of 1 to max_gap annotated
    frames; a shorter video is run there and back. Flip, crop and colours are those of the whole
    clip. Some object shows on the first frame wherever a few tries find such a clip. Where objects
    overlap one is chosen and the ids are 0 and 1.
    Raises DataError for a sequence without masks or with masks of another size than its frames.
    """
    indices = sequence.annotated
    if not indices:
        raise DataError(f"{sequence.name} has no masks", "train on annotated videos")
    for _ in range(TRIES):
        chosen = [indices[i] for i in draw_positions(len(indices), length, rng, max_gap)]
        masks = _read_masks(sequence, chosen, rng)
        target = choose_target(masks[0], rng)
        if target:
            break
    frames = sequence.read(chosen)
    for index, frame, mask in zip(chosen, frames, masks, strict=True):
        if mask.shape != frame.shape[:2]:
            raise DataError(
                f"frame {index} of {sequence.name} is {frame.shape[:2]}, its mask {mask.shape}",
                "frames and masks must be of one size",
            )
    shapes = [mask == target if target else mask > 0 for mask in masks]
    if rng.random() < FOLLOWED_SHARE:
        left, top, right, bottom = draw_close_window(shapes, rng)
    else:
        left, top, right, bottom = draw_crop(shapes[0], rng)
    frames = [to_network(frame[top:bottom, left:right], size) for frame in frames]
    masks = [squash_ids(mask[top:bottom, left:right], size) for mask in masks]
    clip, ids = np.stack(frames), np.stack(masks)
    if rng.random() < 0.5:
        clip, ids = clip[:, :, ::-1], ids[:, :, ::-1]
    return recolour(clip, rng), np.ascontiguousarray(ids)


def draw_positions(count: int, length: int, rng: np.random.Generator, max_gap: int) -> list[int]:
    """`length` positions among `count` in order, neighbours 1 to max_gap apart, some backwards."""
    widest = int(rng.integers(1, max_gap + 1))
    gaps = rng.integers(1, widest + 1, length - 1)
    # A gap too many for a short video shrinks; what still does not fit turns round at the ends.
    if gaps.sum() >= count:
        gaps = np.ones(length - 1, int)
    offsets = np.concatenate([[0], np.cumsum(gaps)])
    start = int(rng.integers(max(1, count - offsets[-1])))
    period = max(1, 2 * (count - 1))
    bounced = (start + offsets) % period
    positions = np.where(bounced < count, bounced, period - bounced)
    if rng.random() < REVERSED_SHARE:
        positions = positions[::-1]
    return positions.tolist()


def _read_masks(
    sequence: VideoSequence, chosen: list[int], rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """Ids of each frame; for overlapping objects, one object's mask as 0 and 1."""
    if not sequence.overlapping:
        # Looked up once each: running there and back meets frames again.
        by_index = {index: _labels(sequence, index) for index in set(chosen)}
        return [by_index[index] for index in chosen]
    layers = {index: _layers(sequence, index) for index in set(chosen)}
    shared = set.intersection(*(set(masks) for masks in layers.values()))
    if not shared:  # annotated nowhere together: the clip is of nothing
        first = sequence.read(chosen[:1])[0]
        return [np.zeros(first.shape[:2], np.uint8) for _ in chosen]
    shapes: dict[int, NDArray[np.uint8]] = {}
    for object_id in rng.permutation(sorted(shared)).tolist():
        shapes = {
            index: (np.asarray(masks[object_id]()) != 0).astype(np.uint8)
            for index, masks in layers.items()
        }
        if shapes[chosen[0]].any():
            break
    return [shapes[index] for index in chosen]


def _labels(sequence: VideoSequence, index: int) -> NDArray[np.uint8]:
    labels = sequence.labels(index)
    if labels is None:
        raise DataError(
            f"frame {index} of {sequence.name} is annotated with no object and no size",
            "leave the frame out of its masks, or give it one mask, which may be empty",
        )
    return labels


def _layers(sequence: VideoSequence, index: int) -> Layers:
    stored = sequence.masks[index]
    if isinstance(stored, Path) or callable(stored):
        raise DataError(
            f"frame {index} of {sequence.name} has one map of ids, though its objects overlap",
            "give one mask an object, or say that they do not overlap",
        )
    return stored


def choose_target(ids: NDArray[np.uint8], rng: np.random.Generator) -> int:
    """A random object id among those large enough to track in ids (H, W); 0 when there is none."""
    counts = np.bincount(ids.ravel(), minlength=256)
    counts[[0, VOID]] = 0
    candidates = np.flatnonzero(counts >= max(1, SMALLEST_TARGET * ids.size))
    return int(rng.choice(candidates)) if len(candidates) else 0


def draw_crop(target: NDArray[np.bool_], rng: np.random.Generator) -> Window:
    """Random window (left, top, right, bottom) that keeps most of a target (H, W), or the frame.

    Width and height shrink independently: the network sees every frame squashed to a square, so
    that shapes of all proportions must look familiar.
    """
    height, width = target.shape
    whole = (0, 0, width, height)
    if rng.random() >= CROPPED_SHARE:
        return whole
    area = int(target.sum())
    for _ in range(TRIES):
        w, h = (max(1, round(side * rng.uniform(SMALLEST_CROP, 1))) for side in (width, height))
        left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        if 2 * int(target[top : top + h, left : left + w].sum()) >= area:
            return left, top, left + w, top + h
    return whole


def draw_close_window(shapes: Sequence[NDArray[np.bool_]], rng: np.random.Generator) -> Window:
    """Random window (left, top, right, bottom) of the frame's proportions around an object's masks
    (H, W), which holds its whole path where the frame allows.

    A session shows each object in a window of its own (`host.window`), so that an object that is
    small on the frame is large on the network's square.
    """
    height, width = shapes[0].shape
    rows, columns = shapes[0].any(1).nonzero()[0], shapes[0].any(0).nonzero()[0]
    if not len(rows):
        return 0, 0, width, height
    path = np.logical_or.reduce(shapes)
    down, across = path.any(1).nonzero()[0], path.any(0).nonzero()[0]
    object_side = max(np.ptp(rows) / height, np.ptp(columns) / width)
    path_side = max(np.ptp(down) / height, np.ptp(across) / width)
    side = max(object_side * rng.uniform(*CONTEXT), path_side * 1.1, SMALLEST_WINDOW)
    if side >= 1:
        return 0, 0, width, height
    w, h = max(1, round(side * width)), max(1, round(side * height))
    left = _place(int(across[0]), int(across[-1]) + 1, w, width, rng)
    top = _place(int(down[0]), int(down[-1]) + 1, h, height, rng)
    return left, top, left + w, top + h


def _place(first: int, end: int, side: int, whole: int, rng: np.random.Generator) -> int:
    """A random start, 0..whole - side, of a window that holds [first, end)."""
    least, most = max(0, end - side), min(first, whole - side)
    return int(rng.integers(least, most + 1)) if least <= most else min(least, whole - side)


def squash_ids(ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Ids (H, W) -> (S, S) by the nearest pixel: what `host.images.to_network` is to frames."""
    # Only the exact variant measures from pixel centres; the other shifts masks up and left.
    near = cv2.resize(ids, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(near, np.uint8)
