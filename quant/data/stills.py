"""Still images with object masks, the raw material of synthetic clips.

A set is a folder with named regions (quant.data.named_stills) or one with `images/` and either
`masks/` (PNG) or `labels/` (YOLO polygons):
- masks beside a `labels.txt` hold label indices, as in Clothing Co-Parsing: all labels together are
  the person, and every label that covers enough of the image is an object of its own;
- other masks hold one object, anything above 0, as in Oxford-IIIT Pet (the border counts as pet:
  it is mostly fur);
- a line of a YOLO file is one object: class, then x and y in [0, 1] by turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.errors import DataError
from quant.data.held_out import is_held_out
from quant.data.images import list_frames, read_frame, read_values, subfolders
from quant.data.named_stills import SMALLEST_REGION, NamedStill, is_named_set, load_named_stills

SMALLEST_OBJECT = 0.01
"""A label or polygon that covers less than this share of the image is no object: it would be a few
cells of the mask grid wide.
"""

Masks = list[NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Still:
    """An image and the masks of its objects, read from disk each time they are asked for.

    name: the file, for messages.
    read_image: gives the image (H, W, 3) uint8 RGB.
    read_masks: gives masks (H, W) bool of an image of that height and width, the whole or largest
        object first; they may overlap.
    source: the set that it belongs to.
    parts: the first mask is the object, the others are parts of it.
    read_void: gives where (H, W) bool nothing is known; None where everything is.
    """

    name: str
    read_image: Callable[[], NDArray[np.uint8]]
    read_masks: Callable[[int, int], Masks]
    source: str = ""
    parts: bool = False
    read_void: Callable[[], NDArray[np.bool_]] | None = None

    def read(self) -> tuple[NDArray[np.uint8], Masks]:
        """Image (H, W, 3) uint8 RGB and its masks, each (H, W) bool. Raises DataError."""
        image = self.read_image()
        height, width = image.shape[:2]
        masks = self.read_masks(height, width)
        for mask in masks:
            if mask.shape != (height, width):
                raise DataError(
                    f"mask of shape {mask.shape} for {self.name} of shape {(height, width)}",
                    "image and mask must be of one size",
                )
        return image, masks

    def void(self, height: int, width: int) -> NDArray[np.bool_]:
        """Returns where (H, W) bool nothing is known. Raises DataError."""
        return np.zeros((height, width), bool) if self.read_void is None else self.read_void()


def load_stills(root: Path | str, held: bool = False) -> list[Still]:
    """Stills for training of a set, or of all sets in a folder; with `held` those that are kept
    for scoring (quant.data.held_out).

    Raises DataError, naming what was looked for, where there is none.
    """
    folder = Path(root)
    sets = [path for path in (folder, *subfolders(folder)) if _is_set(path)]
    if not sets:
        raise DataError(
            f"no stills in {folder}",
            "expected images/ with masks/ or labels/, or JPEGImages/ with Annotations/ and names, "
            "there or in its subfolders",
        )
    return [
        still
        for path in sets
        for still in _load_set(path)
        if is_held_out(Path(still.name).stem) == held
    ]


def _is_set(folder: Path) -> bool:
    if is_named_set(folder):
        return True
    parts = [(folder / name).is_dir() for name in ("images", "masks", "labels")]
    return parts[0] and any(parts[1:])


def _load_set(folder: Path) -> list[Still]:
    if is_named_set(folder):
        return [_from_named(still) for still in load_named_stills(folder)]
    if (folder / "masks").is_dir():
        where, suffix = folder / "masks", ".png"
        read = read_label_masks if (folder / "labels.txt").is_file() else read_single_mask
    else:
        where, suffix, read = folder / "labels", ".txt", read_polygons
    stills = []
    for path in list_frames(folder / "images"):
        described = where / (path.stem + suffix)
        if described.is_file():  # data sets leave out images without objects
            readers = partial(read_frame, path), partial(read, described)
            stills.append(Still(str(path), *readers, folder.name, read is read_label_masks))
    if not stills:
        raise DataError(f"no {suffix} in {where} matches an image", "name them alike")
    return stills


def _from_named(still: NamedStill) -> Still:
    parts = still.source.endswith("_parts")
    return Still(
        str(still.image),
        still.read_image,
        partial(_named_masks, still, parts),
        still.source,
        parts,
        partial(_named_void, still),
    )


def _named_masks(still: NamedStill, parts: bool, height: int, width: int) -> Masks:
    """Objects of a named still, largest first; of one cut into parts the whole before them."""
    named = still.read()
    counts = np.bincount(named.ids.ravel(), minlength=256)
    counts[0] = 0
    large = np.flatnonzero(counts >= SMALLEST_REGION * named.ids.size)
    masks = [named.ids == i for i in large[np.argsort(-counts[large], kind="stable")]]
    return [named.ids > 0, *masks] if parts and masks else masks


def _named_void(still: NamedStill) -> NDArray[np.bool_]:
    return still.read().void


def read_single_mask(path: Path, height: int, width: int) -> Masks:
    """The one object of a mask PNG: every value above 0."""
    mask = read_values(path) > 0
    return [mask] if mask.any() else []


def read_label_masks(path: Path, height: int, width: int) -> Masks:
    """Objects of a PNG of label indices: all labels together, then each large one."""
    labels = read_values(path)
    counts = np.bincount(labels.ravel(), minlength=256)
    counts[0] = 0
    large = np.flatnonzero(counts >= SMALLEST_OBJECT * labels.size)
    if counts.sum() < SMALLEST_OBJECT * labels.size:
        return []
    parts = [labels == label for label in large] if len(large) > 1 else []
    return [labels > 0, *parts]


def read_polygons(path: Path, height: int, width: int) -> Masks:
    """Objects of a YOLO segmentation file, one polygon a line, largest first."""
    masks = [mask for _, mask in parse_polygons(path, height, width)]
    large = [mask for mask in masks if mask.sum() >= SMALLEST_OBJECT * mask.size]
    return sorted(large, key=lambda mask: -int(mask.sum()))


def parse_polygons(path: Path, height: int, width: int) -> list[tuple[int, NDArray[np.bool_]]]:
    """Class and mask (H, W) of every line of a YOLO segmentation file. Raises DataError."""
    objects = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, *rest = line.split()
            values, label = np.array([float(word) for word in rest]), int(kind)
        except ValueError as error:
            raise DataError(f"line {number} of {path}: {error}", "expected numbers") from error
        if len(values) < 6 or len(values) % 2:
            raise DataError(
                f"line {number} of {path} has {len(values)} coordinates",
                "expected polygons: x and y of three points or more, not boxes",
            )
        outline = np.rint(values.reshape(-1, 2) * (width, height)).astype(np.int32)
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [outline], 1)
        objects.append((label, mask.astype(bool)))
    return objects
