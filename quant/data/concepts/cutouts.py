"""Objects cut out of annotated images, to be pasted in front of others: people away from their
streets, animals away from their sofas, so that a detector learns the object and not its place
(Ghiasi et al. 2021, copy-paste).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.image import ConceptImage, Instance
from quant.data.concepts.vocabulary import Vocabulary

WHOLE = frozenset({
    "person", "animal", "vehicle", "car", "bicycle", "motorcycle", "truck", "bus", "train",
    "airplane", "boat", "sports ball", "teddy bear", "fish", "turtle", "starfish", "cat", "dog",
    "umbrella", "backpack", "suitcase", "kite", "skateboard", "surfboard", "potted plant", "clock",
})  # fmt: skip
"""Concepts whose masks can stand alone: no clothes without their people, no table without its
plates."""
LEAST_SHARE = 0.002
"""Share of its image that an object must cover to be worth cutting out."""
INSIDE, OUTSIDE = 0.9, 0.05
"""Shares of an instance within the cut above which it belongs to it, and below which it does not;
between them its concept is in doubt."""


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


def cut_out(item: ConceptImage, rng: np.random.Generator) -> Cutout | None:
    """A random object of the image; None where it shows none that can stand alone."""
    image, instances = item.read()
    whole = [i for i in instances if i.concept in WHOLE and i.mask.mean() >= LEAST_SHARE]
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
    names = {one.concept for one in kept}
    return Cutout(
        image, mask, kept, frozenset(unsure), _known(item.exhaustive, names, item.vocabulary)
    )


def _known(exhaustive: frozenset[str], shown: set[str], vocabulary: Vocabulary) -> frozenset[str]:
    """What a cut says of every concept: what its image says, and, unless it is a person, who may
    wear or carry anything, that it is nothing else but a kind of what it is.
    """
    if "person" in shown:
        return exhaustive
    broad = {kind for name in shown for kind in vocabulary[name].kinds}
    narrow = shown - broad  # a dog may be a bulldog, but an animal that is a dog is no horse
    doubtful = {name for name, c in vocabulary.concepts.items() if narrow & set(c.kinds)}
    doubtful = doubtful.union(*(vocabulary[name].confusable for name in shown))
    return exhaustive | (frozenset(vocabulary.concepts) - doubtful)
