"""Videos in plain folders: JPEGImages/<sequence>/<frame>.jpg, Annotations/<sequence>/<frame>.png,
with no list of splits.

A PNG holds object ids, or class indices where `classes.txt` lists `<index> <name>` a line; there an
object is a class that is a thing, or, of the classes called moving, each connected region followed
by its overlap from frame to frame. 255 is void: nothing is known there.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.errors import DataError
from quant.data.held_out import HELD_VIDEOS
from quant.data.images import VOID, list_frames, read_values, subfolders
from quant.data.named_stills import STUFF, read_classes
from quant.data.video import VideoSequence, match_masks

MOVING = "moving"
LARGEST_UNKNOWN = 0.2  # of the pixels: what is unlabelled more often than that is background
SMALLEST_REGION = 0.0005


class LabelledFrames:
    """Id maps of a sequence's annotated frames, made from class maps when first asked for."""

    def __init__(self, paths: dict[int, Path], classes: dict[int, str]) -> None:
        self.paths, self.classes = paths, classes

    @cached_property
    def maps(self) -> dict[int, NDArray[np.uint8]]:
        """Ids (H, W) uint8 by frame, 255 void."""
        values = {i: read_values(path) for i, path in self.paths.items()}
        if any(name.startswith(MOVING) for name in self.classes.values()):
            return follow_regions(values)
        stack = np.concatenate([v.ravel() for v in values.values()])
        unknown = 255 if (stack == 0).mean() < LARGEST_UNKNOWN else 0
        table = np.zeros(256, np.uint8)
        table[0], table[VOID] = unknown if self.classes.get(0) == "void" else 0, VOID
        for index, name in self.classes.items():
            if index and name.lower() not in STUFF:
                table[index] = index
        return {i: table[v] for i, v in values.items()}


def follow_regions(values: dict[int, NDArray[np.uint8]]) -> dict[int, NDArray[np.uint8]]:
    """Class maps (H, W) of one moving class, by frame -> ids (H, W): a connected region keeps the
    id of the region of the frame before that it overlaps most.
    """
    found: dict[int, NDArray[np.uint8]] = {}
    before, fresh = None, 1
    for index in sorted(values):
        moving = (values[index] != 0) & (values[index] != VOID)
        count, regions, stats, _ = cv2.connectedComponentsWithStats(moving.astype(np.uint8))
        ids = np.where(values[index] == VOID, VOID, 0).astype(np.uint8)
        taken: set[int] = set()
        for region in np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1:
            inside = regions == region
            if stats[region, cv2.CC_STAT_AREA] < SMALLEST_REGION * moving.size:
                ids[inside] = VOID
                continue
            votes = np.bincount(before[inside], minlength=256) if before is not None else None
            known = 0
            if votes is not None:
                votes[[0, VOID, *taken]] = 0
                known = int(votes.argmax()) if votes.max() else 0
            if not known:
                known, fresh = fresh, min(fresh + 1, VOID - 1)
            taken.add(known)
            ids[inside] = known
        found[index] = before = ids
    return found


def is_flat_videos(folder: Path) -> bool:
    """Tells whether a folder has the layout: frames and masks in a folder for each sequence, no
    lists.
    """
    if (folder / "ImageSets").is_dir() or (folder / "meta.json").is_file():
        return False
    return any(
        (folder / "Annotations" / path.name).is_dir() for path in subfolders(folder / "JPEGImages")
    )


def load_flat_videos(root: Path, held: bool = False) -> list[VideoSequence]:
    """Sequences of a set, or of all sets in a folder: those for training, or with `held` those
    that are kept for scoring (quant.data.held_out). Raises DataError naming what is missing.
    """
    sets = [path for path in (root, *subfolders(root)) if is_flat_videos(path)]
    if not sets:
        raise DataError(
            f"no videos in {root}", "expected JPEGImages/<sequence> and Annotations/<sequence>"
        )
    return [
        _load(folder, path.name)
        for folder in sets
        for path in subfolders(folder / "JPEGImages")
        if (path.name in HELD_VIDEOS) == held
    ]


def _load(folder: Path, name: str) -> VideoSequence:
    frames = list_frames(folder / "JPEGImages" / name)
    masks = match_masks(frames, folder / "Annotations" / name)
    if not masks:
        raise DataError(
            f"no masks of {name} in {folder / 'Annotations' / name}", "put one .png a frame there"
        )
    classes = {}
    listed = folder / "classes.txt"
    if listed.is_file() and "0 " in listed.read_text(encoding="utf-8")[:2]:
        classes = read_classes(listed)
    if not classes:
        return VideoSequence(name, frames, masks)
    labelled = LabelledFrames(masks, classes)
    return VideoSequence(name, frames, {i: _Reader(labelled, i) for i in masks})


class _Reader:
    """Gives one frame's ids (H, W) uint8 when called; 255 void."""

    def __init__(self, labelled: LabelledFrames, index: int) -> None:
        self.labelled, self.index = labelled, index

    def __call__(self) -> NDArray[np.uint8]:
        return self.labelled.maps[self.index]
