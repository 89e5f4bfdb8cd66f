"""Named instances of the still sets that share one layout (`quant.data.named_stills`): Pascal VOC
with SBD's masks, COCO with PNGs, SYSU-Shape, Caltech-101, Weizmann's horses, cars of parts, CamVid.

What each set marks wherever it occurs is in `sources.toml` under `sets`, by the name of its
folder. Of a set that is not listed there, each image is taken to mark what it names, and no more.

Void (value 255) as thin borders is the width of an outline. A void region wide enough to hold an
object (COCO's crowds, what VOC's annotators left out) may hide any of the concepts that the set
marks: nothing is asked of such an image, and it only gives objects to paste elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.facts import COCO_CONCEPTS, FACTS, canonical
from quant.data.concepts.image import (
    SMALLEST_INSTANCE,
    Annotation,
    ConceptImage,
    annotate,
    split_of,
)
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.data.named_stills import NamedStill, load_named_stills

OUTLINE = 7
"""Pixels across which void is but the border of an object."""
PART_GAP = 0.08
"""Gaps between the parts of one object that belong to it, in longer sides of what they cover."""


@dataclass(frozen=True)
class Marks:
    """What a set says of its images: an entry of `sets`, whose words mean what they mean there."""

    source: str
    exhaustive: frozenset[str] = frozenset()
    shown: str | None = None
    unseen: frozenset[str] = frozenset()
    doubted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: str | None = None
    void_hides: bool = True


def marks_of(name: str) -> Marks:
    """What the set in a folder of this name marks."""
    entry: dict[str, Any] | None = FACTS["sets"].get(name)
    if entry is None:
        return Marks(name, shown="name")
    exhaustive = COCO_CONCEPTS if entry.get("like") == "coco" else entry.get("exhaustive", ())
    return Marks(
        entry["source"],
        frozenset(exhaustive),
        entry.get("shown"),
        frozenset(entry.get("unseen", ())),
        {name: frozenset(hidden) for name, hidden in entry.get("doubted", {}).items()},
        entry.get("whole"),
        entry.get("void_hides", True),
    )


def load_named_set(folder: Path) -> list[ConceptImage]:
    """Images of a set in that layout. Raises DataError."""
    marks = marks_of(folder.name)
    return [_image(still, marks) for still in load_named_stills(folder)]


def _image(still: NamedStill, marks: Marks) -> ConceptImage:
    named = {canonical(name) for name in still.names.values()}
    annotated = marks.exhaustive | marks.unseen
    if marks.shown:
        annotated |= named
    if marks.shown == "kinds":
        annotated = annotated.union(*(shipped_vocabulary()[name].kinds for name in named))
    return ConceptImage(
        str(still.image),
        marks.source,
        split_of(marks.source, still.stem),
        annotated,
        still.read_image,
        partial(_read, still, marks),
    )


def _read(still: NamedStill, marks: Marks) -> Annotation:
    read = still.read()
    masks = {i: read.ids == i for i in read.names}
    named: Iterable[tuple[str, NDArray[np.bool_]]]
    if marks.whole:
        union = _closed(read.ids > 0)
        named = [(marks.whole, union)] if union.any() else []
    else:
        named = [(canonical(read.names[i]), mask) for i, mask in masks.items()]
        named = [(name, mask) for name, mask in named if name not in marks.doubted]
    found = annotate(named)
    hidden = set(found.ignored)
    for i in masks:
        hidden |= marks.doubted.get(canonical(read.names[i]), frozenset())
    if marks.void_hides and _holds_object(read.void):
        hidden |= marks.exhaustive | marks.unseen
    return replace(found, ignored=frozenset(hidden))


def _holds_object(void: NDArray[np.bool_]) -> bool:
    """Whether unknown pixels (H,W) are more than outlines."""
    if not void.any():
        return False
    inner = cv2.erode(void.astype(np.uint8), np.ones((OUTLINE, OUTLINE), np.uint8))
    return float(inner.mean()) >= SMALLEST_INSTANCE


def _closed(parts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask (H,W) of an object from those of its parts: gaps and holes filled."""
    _, _, width, height = cv2.boundingRect(parts.astype(np.uint8))
    side = 2 * round(PART_GAP * max(width, height) / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    around = cv2.copyMakeBorder(parts.astype(np.uint8), side, side, side, side, cv2.BORDER_CONSTANT)
    whole = cv2.morphologyEx(around, cv2.MORPH_CLOSE, kernel)
    outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(whole, outlines, -1, 1, cv2.FILLED)
    return whole[side:-side, side:-side].astype(bool)
