"""An image with named instances, and the rule that splits images into train and held out.

Every image says which concepts its annotators marked wherever they occur (`exhaustive`): a phrase
for one of those that has no instance is a valid negative; of any other concept nothing is known.

Stills of every set are split by their files' names (`quant.data.held_out`); frames of videos and
drawn scenes are for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.vocabulary import Vocabulary, shipped_vocabulary
from quant.data.errors import DataError
from quant.data.held_out import is_held_out

SMALLEST_INSTANCE = 0.0005
"""An annotation that covers less than this share of the image is neither an instance nor its
absence: a region of 6 x 6 pixels at a side of 256 is noise of the annotation as often as an object.
"""

NOT_STILLS = ("davis", "drawn", "labels")
"""Sources of frames and drawings, which the rule of stills says nothing of."""
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

    name: the file, for messages. source: the set that it is from, "drawn", or "labels" (written by
    `quant.teachers.label`). split: "train" or "held".
    annotated: concepts that the source marks wherever they occur, broader ones included; with none,
    the image only gives objects to paste elsewhere.
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
        """Reads the image, (H, W, 3) uint8 RGB, and its instances.

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
    """Returns the split that an image of a source belongs to: "held" or "train".

    stem: the image's file name without folder and suffix.
    """
    return HELD if source not in NOT_STILLS and is_held_out(stem) else TRAIN
