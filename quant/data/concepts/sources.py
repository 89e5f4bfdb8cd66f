"""The formats that named instances come in; `load_set` knows each by what its folder holds.

The lists of names are in `sources.toml`.

What each source annotates wherever it occurs (its `annotated`):
- Clothing Co-Parsing (Yang, Luo and Lin 2014): a label map a photo; a tag's whole mask is one
  instance (a pair of shoes is one `shoes`), all tags together are the person. Besides the tags, the
  concepts listed as unseen in street photos count as annotated: the photos hold none of them.
- Oxford-IIIT Pet (Parkhi et al. 2012): one animal a photo, fur border included. The file's name
  gives the breed, its first letter the species: upper case for cats, lower for dogs.
- COCO in YOLO's form: a polygon an instance, 80 classes in COCO's order.
- DAVIS-2016 (Perazzi et al. 2016): the sequences whose one object has a plain name; that concept,
  broader ones, and those listed as unseen in the videos.
- The other still sets, each with its own marks: `quant.data.concepts.stills`.
- Folders written by `quant.teachers.label`: the concepts that the teacher was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hw.spec.plain import read_json
from quant.data.concepts.facts import COCO, COCO_CONCEPTS, FACTS, canonical
from quant.data.concepts.image import (
    SMALLEST_INSTANCE,
    Annotation,
    ConceptImage,
    Instance,
    annotate,
    split_of,
)
from quant.data.concepts.stills import load_named_set
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.data.errors import DataError
from quant.data.images import list_frames, read_frame, read_list, read_values
from quant.data.layouts.davis import is_davis, load_davis
from quant.data.named_stills import is_named_set
from quant.data.stills import parse_polygons, read_single_mask

DAVIS_FRAMES = 8
"""Frames taken of a sequence, evenly spaced: more of them look alike."""


def load_set(folder: Path) -> list[ConceptImage]:
    """Images of the data set in this very folder; empty where it holds none. Raises DataError."""
    if is_davis(folder):
        return _load_davis(folder)
    if is_named_set(folder):
        return load_named_set(folder)
    if not (folder / "images").is_dir():
        return []
    if (folder / "concepts").is_dir():
        return _load_labels(folder)
    if (folder / "masks").is_dir():
        return _load_ccp(folder) if (folder / "labels.txt").is_file() else _load_pets(folder)
    return _load_coco(folder) if (folder / "labels").is_dir() else []


def _pairs(folder: Path, described: str, suffix: str) -> Iterable[tuple[Path, Path]]:
    """Image and description of the same stem; images without one are left out."""
    found = [
        (path, folder / described / (path.stem + suffix))
        for path in list_frames(folder / "images")
        if (folder / described / (path.stem + suffix)).is_file()
    ]
    if not found:
        raise DataError(f"no {suffix} in {folder / described} matches an image", "name them alike")
    return found


def _image(
    path: Path, source: str, annotated: Iterable[str], read: Callable[[], Annotation]
) -> ConceptImage:
    return ConceptImage(
        str(path),
        source,
        split_of(source, path.stem),
        frozenset(annotated),
        partial(read_frame, path),
        read,
    )


def _load_ccp(folder: Path) -> list[ConceptImage]:
    names = tuple(read_list(folder / "labels.txt"))
    annotated = {"person", *names[1:], *FACTS["ccp"]["kinds"], *FACTS["ccp"]["unseen"]}
    return [
        _image(path, "ccp", annotated, partial(_read_tags, masks, names))
        for path, masks in _pairs(folder, "masks", ".png")
    ]


def _read_tags(path: Path, names: tuple[str, ...]) -> Annotation:
    labels = read_values(path)
    counts = np.bincount(labels.ravel(), minlength=len(names))
    if len(counts) > len(names):
        raise DataError(
            f"label {len(counts) - 1} in {path}, with {len(names)} names in labels.txt",
            "list a name for each label, the background's first",
        )
    counts[0] = 0
    small = counts < SMALLEST_INSTANCE * labels.size
    tags = np.flatnonzero(~small)
    instances = [Instance(names[tag], labels == tag) for tag in tags]
    if instances:
        instances.insert(0, Instance("person", labels > 0))
    return Annotation(
        instances, frozenset(names[tag] for tag in np.flatnonzero(small & (counts > 0)))
    )


def _load_pets(folder: Path) -> list[ConceptImage]:
    annotated = {*FACTS["pets"]["species"], *FACTS["pets"]["breeds"]}
    images = []
    for path, mask in _pairs(folder, "masks", ".png"):
        breed, species = pet_of(path.stem)
        read = partial(_read_pet, mask, (breed, species))
        images.append(_image(path, "pets", annotated | {breed}, read))
    return images


def pet_of(stem: str) -> tuple[str, str]:
    """Breed and species in a file name of Oxford-IIIT Pet: `Bengal_12` is a bengal, a cat.

    Raises DataError when the name is not of that form.
    """
    match = re.fullmatch(r"([A-Za-z][A-Za-z_]*)_\d+", stem)
    if not match:
        raise DataError(
            f"{stem!r} is no file name of Oxford-IIIT Pet",
            "expected <breed>_<number>, capitalised for cats",
        )
    name = match[1]
    return name.lower().replace("_", " "), "cat" if name[0].isupper() else "dog"


def _read_pet(path: Path, concepts: tuple[str, ...]) -> Annotation:
    masks = read_single_mask(path, 0, 0)  # one or none; sizes: only polygons need them
    return annotate([(concept, mask) for mask in masks for concept in concepts])


def _load_coco(folder: Path) -> list[ConceptImage]:
    return [
        _image(path, "coco", COCO_CONCEPTS, partial(_read_coco, path, polygons))
        for path, polygons in _pairs(folder, "labels", ".txt")
    ]


def _read_coco(image: Path, polygons: Path) -> Annotation:
    height, width = read_frame(image).shape[:2]
    named = []
    for label, mask in parse_polygons(polygons, height, width):
        if not 0 <= label < len(COCO):
            raise DataError(
                f"class {label} in {polygons}", f"expected COCO's classes, 0 to {len(COCO) - 1}"
            )
        named.append((canonical(COCO[label]), mask))
    return annotate(named)


def _load_davis(folder: Path) -> list[ConceptImage]:
    images, facts, vocabulary = [], FACTS["davis"], shipped_vocabulary()
    for sequence in load_davis(folder, "train"):
        concept = facts["shows"].get(sequence.name)
        if concept is None:
            continue
        annotated = {concept, *vocabulary[concept].kinds, *facts["unseen"]}
        if sequence.name in facts["deserted"]:
            annotated.update(facts["worn"])
        for index in np.linspace(0, len(sequence.frames) - 1, DAVIS_FRAMES).round().astype(int):
            mask, frames = sequence.masks.get(int(index)), sequence.frames
            # The layout has a file for each frame and each mask; a frame may have no mask.
            if isinstance(mask, Path) and isinstance(frames, Sequence):
                read = partial(_read_pet, mask, (concept,))
                images.append(_image(frames[index], "davis", annotated, read))
    return images


def _load_labels(folder: Path) -> list[ConceptImage]:
    images = []
    for path, described in _pairs(folder, "concepts", ".json"):
        try:
            table = read_json(described)
            asked = [str(name) for name in table["concepts"]]
            named = [(str(one["concept"]), folder / one["mask"]) for one in table["instances"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"cannot read {described}: {error!r}", "delete it and label again"
            ) from error
        images.append(_image(path, "labels", asked, partial(_read_labels, named)))
    return images


def _read_labels(named: list[tuple[str, Path]]) -> Annotation:
    return annotate([(concept, read_values(path) > 0) for concept, path in named])
