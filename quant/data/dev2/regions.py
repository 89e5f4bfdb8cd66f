"""Objects of videos whose annotation holds classes: the connected regions that can be followed.

Regions of touching people merge and split, and then no id is right. An object is a region that can
be followed one to one to the last frame; everything else of its class is void and not scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.errors import DataError
from quant.data.images import VOID, read_values
from quant.data.video import VideoSequence

FACE, BODY, MOVING = 11, 22, 1
REGION_VIDEOS: dict[str, frozenset[int]] = {
    "ice": frozenset({FACE, BODY}),
    "soccer": frozenset({FACE, BODY}),
    # Faces are the crowd here, whose region would swallow the players'.
    "stefan": frozenset({BODY}),
    "highway1300": frozenset({MOVING}),
}
"""Held-out videos with class indices, and the classes that together are one kind of object."""

LEAST_AREA, MOST_AREA = 0.004, 0.15  # of the frame: not a speck, not a crowd
LEAST_OVERLAP = 0.4  # IoU of a region with itself one frame later
INTRUDER = 0.1  # of a region's area: what may join or leave it without making it another object
LEAST_FRAMES = 20


def region_video(sequence: VideoSequence, classes: frozenset[int]) -> VideoSequence | None:
    """The sequence with the regions of `classes` as objects; None where none lasts.

    Reads the annotation, a few kilobytes a frame. Raises DataError for one that is not in files.
    """
    values: dict[int, NDArray[np.uint8]] = {}
    for index, path in annotation_files(sequence).items():
        values[index] = read_values(path)
    ids = lasting_regions(values, classes)
    known = sorted({int(i) for frame in ids.values() for i in np.unique(frame)} - {0, VOID})
    if not known:
        return None
    masks = {index: partial(np.copy, frame) for index, frame in ids.items()}
    return replace(sequence, masks=masks, known_ids=tuple(known))


def annotation_files(sequence: VideoSequence) -> Mapping[int, Path]:
    """Annotation files by frame: beside the frames, in `Annotations` for `JPEGImages`."""
    if not isinstance(sequence.frames, list):
        raise DataError(f"{sequence.name} has no frame files", "give a folder of frames")
    folder = sequence.frames[0].parent
    masks = folder.parent.parent / "Annotations" / folder.name
    found = {i: masks / f"{path.stem}.png" for i, path in enumerate(sequence.frames)}
    return {i: path for i, path in found.items() if path.is_file()}


def lasting_regions(
    values: Mapping[int, NDArray[np.uint8]], classes: frozenset[int]
) -> dict[int, NDArray[np.uint8]]:
    """Class maps (H, W) by frame -> ids (H, W) by frame, 255 void.

    Objects are numbered from left to right by where they end.
    """
    order = sorted(values)
    regions = {i: _regions(values[i], classes) for i in order}
    ids = {
        i: np.where(np.isin(values[i], [*classes, VOID]), VOID, 0).astype(np.uint8) for i in order
    }
    last, fresh = order[-1], 0
    for label in sorted(_fit(regions[last]), key=lambda k: _left(regions[last], k)):
        chain = [(last, label)]
        for before in reversed(order[:-1]):
            found = _same(regions[before], regions[chain[-1][0]], chain[-1][1])
            if found is None:
                break
            chain.append((before, found))
        if len(chain) < LEAST_FRAMES:
            continue
        fresh += 1
        for index, region in chain:
            ids[index][regions[index] == region] = fresh
    return ids


def _regions(values: NDArray[np.uint8], classes: frozenset[int]) -> NDArray[np.int32]:
    inside = np.isin(values, list(classes)).astype(np.uint8)
    return np.asarray(cv2.connectedComponents(inside)[1], np.int32)


def _fit(regions: NDArray[np.int32]) -> list[int]:
    counts = np.bincount(regions.ravel())
    fits = (counts >= LEAST_AREA * regions.size) & (counts <= MOST_AREA * regions.size)
    return [int(k) for k in np.flatnonzero(fits) if k]


def _left(regions: NDArray[np.int32], label: int) -> int:
    return int(np.flatnonzero((regions == label).any(0))[0])


def _same(before: NDArray[np.int32], after: NDArray[np.int32], label: int) -> int | None:
    """The region of the frame before that became `label`, None where none alone did."""
    now = after == label
    votes = np.bincount(before[now], minlength=1)
    votes[0] = 0
    if not votes.any():
        return None
    best = int(votes.argmax())
    old = before == best
    shared, areas = int(votes[best]), (int(old.sum()), int(now.sum()))
    joined = int(votes.sum()) - shared
    split = int(((after != label) & (after != 0) & old).sum())
    if joined > INTRUDER * areas[1] or split > INTRUDER * areas[0] or best not in _fit(before):
        return None
    return best if shared >= LEAST_OVERLAP * (sum(areas) - shared) else None
