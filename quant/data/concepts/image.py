"""An image with named instances, and the rule that splits images into train and held out.

Every image says which concepts its annotators marked wherever they occur (`exhaustive`): a phrase
for one of those that has no instance is a valid negative; of any other concept nothing is known.

The split is fixed by the files' names, so that it is the same everywhere and for ever: an image of
Clothing Co-Parsing (`ccp`) or of Oxford-IIIT Pet (`pets`) is held out when the SHA-256 of its
file's stem (UTF-8, read as one big-endian number) is a multiple of 10; every other image, and all
of the other sources, are for training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.vocabulary import Vocabulary, shipped_vocabulary
from quant.data.errors import DataError

SMALLEST_INSTANCE = 0.0005
"""Share of the image below which an annotation is neither an instance nor its absence: a region of
6 x 6 pixels at a side of 256 is noise of the annotation as often as an object."""

SOURCES_WITH_HELD_OUT = ("ccp", "pets")
TRAIN, HELD = "train", "held"


@dataclass(frozen=True, eq=False)
class Instance:
    """One object: the canonical name of a concept and its mask (H, W) bool."""

    concept: str
    mask: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Annotation:
    """What a file says: its instances, and the concepts of whom one was too small to count."""

    instances: list[Instance]
    ignored: frozenset[str] = field(default_factory=frozenset)


def annotate(named: Iterable[tuple[str, NDArray[np.bool_]]]) -> Annotation:
    """What masks (H,W) with their concepts say: instances that are large enough; the concepts of
    the others are ignored.
    """
    instances, ignored = [], set()
    for concept, mask in named:
        if mask.mean() >= SMALLEST_INSTANCE:
            instances.append(Instance(concept, mask))
        else:
            ignored.add(concept)
    return Annotation(instances, frozenset(ignored))


@dataclass(frozen=True, eq=False)
class ConceptImage:
    """An image and its named instances, read from disk each time they are asked for.

    name: the file, for messages. source: "ccp", "pets", "coco", "davis", "drawn" or "labels"
    (written by `quant.teachers.label`). split: "train" or "held".
    annotated: concepts that the source marks wherever they occur, broader ones included.
    read_image: gives the image (H, W, 3) uint8 RGB.
    read_annotation: gives the annotation, masks of the image's own size.
    """

    name: str
    source: str
    split: str
    annotated: frozenset[str]
    read_image: Callable[[], NDArray[np.uint8]]
    read_annotation: Callable[[], Annotation]
    vocabulary: Vocabulary = field(default_factory=shipped_vocabulary, repr=False)

    def read(self) -> tuple[NDArray[np.uint8], list[Instance]]:
        """Image (H, W, 3) uint8 RGB and its instances.

        An instance of a concept is listed again under each broader one that the source annotates
        (a `boots` is also a `footwear`), with the same mask. Raises DataError.
        """
        image, instances = self.read_image(), self._annotation().instances
        for instance in instances:
            if instance.mask.shape != image.shape[:2]:
                raise DataError(
                    f"mask of shape {instance.mask.shape} for {self.name} of shape "
                    f"{image.shape[:2]}",
                    "image and mask must be of one size",
                )
        return image, instances

    @property
    def exhaustive(self) -> frozenset[str]:
        """Concepts whose instances are all among those of `read`; cheap after the first time."""
        return self._summary[1]

    @property
    def present(self) -> frozenset[str]:
        """Concepts that have an instance; cheap after the first time."""
        return self._summary[0]

    @cached_property
    def absent(self) -> tuple[str, ...]:
        """Concepts that are certainly not in the image, sorted: those to ask for in vain.

        Fewer than `exhaustive` less `present`: with a blouse in the image, "shirt" is doubtful.
        """
        return tuple(self.vocabulary.absent(self.exhaustive, self.present))

    @cached_property
    def _summary(self) -> tuple[frozenset[str], frozenset[str]]:
        """What is present, what is exhaustive. Only the annotation is read, not the image."""
        annotation = self._annotation()
        present = frozenset(instance.concept for instance in annotation.instances)
        return present, self.annotated - annotation.ignored

    def _annotation(self) -> Annotation:
        """The annotation with the broader concepts filled in."""
        read = self.read_annotation()
        instances = list(read.instances)
        stated = {(one.concept, id(one.mask)) for one in instances}
        for one in read.instances:
            for kind in self._kinds(one.concept):
                if (kind, id(one.mask)) not in stated:
                    stated.add((kind, id(one.mask)))
                    instances.append(Instance(kind, one.mask))
        ignored = {kind for name in read.ignored for kind in self._kinds(name)} | read.ignored
        return Annotation(instances, frozenset(ignored))

    def _kinds(self, concept: str) -> list[str]:
        return [kind for kind in self.vocabulary[concept].kinds if kind in self.annotated]


def split_of(source: str, stem: str) -> str:
    """ "held" or "train": the rule at the head of this file.

    stem: the image's file name without folder and suffix.
    """
    number = int.from_bytes(hashlib.sha256(stem.encode()).digest(), "big")
    return HELD if source in SOURCES_WITH_HELD_OUT and number % 10 == 0 else TRAIN
