"""Stills with named regions: JPEGImages/<name>.jpg beside Annotations/<name>.png and either
`labels.json` or `classes.txt`.

Where `labels.json` says what each id is ({name: [[id, class], …]}, or the same below "objects"),
a PNG holds object ids: those of `Instances/` where that folder exists. Where only `classes.txt`
lists the classes (`<index> <name>` a line), a PNG holds class indices, and an object is a connected
region of a class that is a thing, not stuff. 255 is void in both: nothing is known there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hw.spec.plain import read_json
from quant.data.errors import DataError
from quant.data.images import VOID, list_frames, read_frame, read_list, read_values

STUFF = frozenset({
    "background", "building", "grass", "tree", "sky", "mountain", "water", "road", "pavement",
    "pole", "fence", "flower", "sign", "signsymbol", "face", "void", "unlabelled",
})  # fmt: skip
"""Class names of regions without a shape of their own, and of parts: no objects to track."""
SMALLEST_REGION = 0.001  # of the image: below it a region of a class is a speck of annotation


@dataclass(frozen=True)
class Named:
    """What an annotation says: ids (H, W) uint8, 0 the background; void (H, W) bool; the class
    name of every id.
    """

    ids: NDArray[np.uint8]
    void: NDArray[np.bool_]
    names: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class NamedStill:
    """One image of a set and its annotation, read from disk each time.

    source: the set's folder name. classes: names by class index where the PNG holds classes, else
    None. names: class names by object id where it holds ids.
    """

    image: Path
    labels: Path
    source: str
    classes: Mapping[int, str] | None = None
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's name without folder and suffix, by which stills are held out."""
        return self.image.stem

    def read_image(self) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB. Raises DataError."""
        return read_frame(self.image)

    def read(self) -> Named:
        """Reads the annotation of the still. Raises DataError where it cannot be read."""
        values = read_values(self.labels)
        void = values == VOID
        if self.classes is not None:
            return _regions(values, void, self.classes)
        ids = np.where(void, 0, values).astype(np.uint8)
        present = {int(i) for i in np.unique(ids) if i}
        return Named(ids, void, {i: self.names.get(i, "") for i in sorted(present)})


def _regions(
    values: NDArray[np.uint8], void: NDArray[np.bool_], classes: Mapping[int, str]
) -> Named:
    ids = np.zeros_like(values)
    names: dict[int, str] = {}
    unknown = [i for i, name in classes.items() if name.lower() in ("void", "unlabelled")]
    void = void | np.isin(values, unknown)
    for index, name in classes.items():
        if name.lower() in STUFF:
            continue
        mask = (values == index).astype(np.uint8)
        count, regions, stats, _ = cv2.connectedComponentsWithStats(mask)
        for region in range(1, count):
            inside = regions == region
            if stats[region, cv2.CC_STAT_AREA] < SMALLEST_REGION * values.size:
                void = void | inside
            elif len(names) < VOID - 1:
                names[len(names) + 1] = name
                ids[inside] = len(names)
    return Named(ids, void, names)


def is_named_set(folder: Path) -> bool:
    """Tells whether a folder has the layout: images and annotations directly in their folders."""
    described = (folder / "labels.json").is_file() or (folder / "classes.txt").is_file()
    images = folder / "JPEGImages"
    return (
        described
        and (folder / "Annotations").is_dir()
        and images.is_dir()
        and any(path.is_file() for path in images.iterdir())
    )


def load_named_stills(folder: Path) -> list[NamedStill]:
    """Stills of a set that have an annotation; those without one are left out.

    Raises DataError where none has, or where the names cannot be read.
    """
    objects = read_labels(folder / "labels.json") if (folder / "labels.json").is_file() else None
    classes = read_classes(folder / "classes.txt") if objects is None else None
    masks = folder / "Instances"
    if objects is None or not masks.is_dir():
        masks = folder / "Annotations"
    stills = [
        NamedStill(path, masks / f"{path.stem}.png", folder.name, classes, names)
        for path in list_frames(folder / "JPEGImages")
        if (masks / f"{path.stem}.png").is_file()
        and (names := (objects or {}).get(path.stem, {})) is not None
    ]
    if not stills:
        raise DataError(f"no .png in {masks} matches an image", "name them alike")
    return stills


def read_labels(path: Path) -> dict[str, dict[int, str]]:
    """Class names by object id, by image, of a `labels.json`. Raises DataError."""
    try:
        table = read_json(path)
        return {
            stem: {int(i): str(name) for i, name in _pairs(entry)} for stem, entry in table.items()
        }
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"cannot read {path}: {error!r}", 'expected {"<image>": [[id, "class"], …]}'
        ) from error


def _pairs(entry: Any) -> Iterable[tuple[int, str]]:
    return entry["objects"] if isinstance(entry, dict) else entry


def read_classes(path: Path) -> dict[int, str]:
    """Class names by index of a `classes.txt` with `<index> <name>` a line. Raises DataError."""
    classes = {}
    for line in read_list(path):
        index, _, name = line.partition(" ")
        if index.isdigit() and name:
            classes[int(index)] = name.strip()
    if not classes:
        raise DataError(f"no line of {path} has the form `1 car`", "list index and name a line")
    return classes
