"""Objects cut out of annotated images, to be pasted in front of others: people away from their
streets, animals away from their sofas, so that a detector learns the object and not its place
(Ghiasi et al. 2021, copy-paste).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.image import ConceptImage, Instance
from quant.data.concepts.vocabulary import Vocabulary, shipped_vocabulary

ALONE = (
    "person", "umbrella", "backpack", "suitcase", "kite", "camera", "binoculars", "bottle", "cup",
    "wine glass", "vase", "chair", "couch", "toilet", "potted plant", "bonsai", "clock", "book",
    "teddy bear", "barrel", "anchor", "brain", "brontosaurus", "ceiling fan", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "scissors",
)  # fmt: skip
ALONE_KINDS = (
    "animal",
    "vehicle",
    "electronics",
    "appliance",
    "food",
    "cutlery",
    "sports equipment",
)
NEVER_CARRIED = ("animal", "vehicle", "furniture", "appliance")
"""Kinds of which nothing lies within a person's outline."""
LEAST_SHARE = 0.002
"""An object must cover this share of its image to be worth cutting out."""
INSIDE, OUTSIDE = 0.9, 0.05
"""Shares of an instance within the cut above which it belongs to it, and below which it does not;
between them its concept is in doubt."""


def _of_kinds(kinds: Iterable[str], vocabulary: Vocabulary) -> frozenset[str]:
    """These concepts and every narrower one."""
    asked = set(kinds)
    return frozenset(
        n for n, c in vocabulary.concepts.items() if n in asked or asked & set(c.kinds)
    )


WHOLE = _of_kinds(ALONE_KINDS, shipped_vocabulary()) | frozenset(ALONE)
"""Concepts whose masks can stand alone: no clothes without their people, no table without its
plates."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object of an image (H,W,3): its mask (H,W) bool, all instances that lie within it, the
    concepts of those that may, and those whose instances in the mask are all listed.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    instances: list[Instance]
    unsure: frozenset[str]
    known: frozenset[str]


def cut_out(
    item: ConceptImage, rng: np.random.Generator, concept: str | None = None
) -> Cutout | None:
    """A random object of the image, of this concept or a narrower one if one is named; None where
    it shows none that can stand alone.
    """
    image, instances = item.read()
    whole = [
        i
        for i in instances
        if i.concept in WHOLE
        and concept in (None, i.concept, *item.vocabulary[i.concept].kinds)
        and i.mask.mean() >= LEAST_SHARE
    ]
    if not whole:
        return None
    mask = whole[rng.integers(len(whole))].mask
    kept, unsure = [], set()
    for one in instances:
        share = (one.mask & mask).sum() / one.mask.sum()
        if share >= INSIDE:
            kept.append(one)
        elif share > OUTSIDE:
            unsure.add(one.concept)
    kept += _unnamed_kinds(kept, item.vocabulary)
    names = {one.concept for one in kept}
    return Cutout(
        image, mask, kept, frozenset(unsure), _known(item.exhaustive, names, item.vocabulary)
    )


def _unnamed_kinds(instances: list[Instance], vocabulary: Vocabulary) -> list[Instance]:
    """The instances again under broader kinds that their source has no word for: a cut says of all
    concepts what it is and is not.
    """
    named = {(one.concept, id(one.mask)) for one in instances}
    more = []
    for one in instances:
        for kind in vocabulary[one.concept].kinds:
            if (kind, id(one.mask)) not in named:
                named.add((kind, id(one.mask)))
                more.append(Instance(kind, one.mask))
    return more


def _known(exhaustive: frozenset[str], shown: set[str], vocabulary: Vocabulary) -> frozenset[str]:
    """What a cut says of every concept: what its image says, and that it is nothing else but a kind
    of what it is. A person may wear and hold anything, but is no other person and no animal.
    """
    if "person" in shown:
        return exhaustive | {"person"} | _of_kinds(NEVER_CARRIED, vocabulary)
    broad = {kind for name in shown for kind in vocabulary[name].kinds}
    narrow = shown - broad  # a dog may be a bulldog, but an animal that is a dog is no horse
    doubtful = {name for name, c in vocabulary.concepts.items() if narrow & set(c.kinds)}
    doubtful = doubtful.union(*(vocabulary[name].confusable for name in shown))
    return exhaustive | (frozenset(vocabulary.concepts) - doubtful)
