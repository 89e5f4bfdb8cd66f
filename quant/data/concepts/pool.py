"""Which image a view is made of. Sets differ in size and in how alike their images are (six hundred
cats of two breeds, as many cars), so each source has a share of its own, and within it an image
counts by the rarest thing that it shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from quant.data.concepts.cutouts import WHOLE
from quant.data.concepts.image import ConceptImage
from quant.data.concepts.vocabulary import Vocabulary, shipped_vocabulary

RICHNESS = {
    "coco": 3.0, "ccp": 2.2, "voc": 1.5, "drawn": 2.2, "sysu": 0.5, "weizmann": 0.5,
    "camvid": 0.5, "car parts": 0.3, "coco person": 0.7, "pets": 0.7, "caltech": 0.8,
}  # fmt: skip
"""What an image of a source teaches, where it is not 1: a source's share is this times the square
root of its number of images."""
WIDE = 6
"""Concepts that an image must mark for others to be put beside or in front of it: of the whole only
what all of them mark is known."""
FAMILIES = {
    "animal": 0.35, "sea creature": 0.15, "vehicle": 0.15, "furniture": 0.07, "electronics": 0.1,
    "appliance": 0.03, "food": 0.06, "tableware": 0.05, "sports equipment": 0.05,
}  # fmt: skip
"""Kinds whose members are taken for each other, and how often each is lined up."""
COMMON = 12
"""Images from which a member of a family is drawn as often as any other."""


class ConceptPool:
    """Images to draw from, `grounds` that questions can be asked of, and objects to paste."""

    def __init__(
        self, images: Sequence[ConceptImage], vocabulary: Vocabulary | None = None
    ) -> None:
        """Reads every annotation once. Raises DataError."""
        words = vocabulary or shipped_vocabulary()
        self.images = list(images)
        self.weights = _weights(self.images, words)
        marked = np.array([len(item.exhaustive) for item in self.images])
        self.grounds = self.weights * (marked > 0)
        self.wide = self.weights * (marked >= WIDE)
        if not self.wide.any():
            self.wide = self.grounds
        self.showing: dict[str, list[int]] = {}
        for number, item in enumerate(self.images):
            alone = item.present & WHOLE
            for concept in alone.union(*(words[name].kinds for name in alone)):
                self.showing.setdefault(concept, []).append(number)
        self.families = {
            kind: members
            for kind in FAMILIES
            if len(members := [m for m in _members(kind, words) if m in self.showing]) > 1
        }

    def ground(self, rng: np.random.Generator, wide: bool = False) -> ConceptImage:
        """An image to ask about; wide: one to which others may be added."""
        return self.images[_draw(self.wide if wide else self.grounds, rng)]

    def object_image(
        self, rng: np.random.Generator, concept: str | None = None
    ) -> ConceptImage | None:
        """An image that shows something to cut out, of this concept if one is named; None where no
        image does.
        """
        if concept is None:
            return self.images[_draw(self.weights, rng)]
        numbers = self.showing.get(concept, [])
        if not numbers:
            return None
        return self.images[numbers[_draw(self.weights[numbers], rng)]]

    def alike(self, count: int, rng: np.random.Generator) -> list[str]:
        """Up to `count` different members of one family, rare ones seldomer; empty where no family
        has two.
        """
        if not self.families:
            return []
        kinds = list(self.families)
        shares = np.array([FAMILIES[kind] for kind in kinds])
        members = self.families[kinds[_draw(shares, rng)]]
        seen = np.array([min(len(self.showing[m]), COMMON) for m in members], np.float64)
        count = min(count, len(members))
        return [
            members[i]
            for i in rng.choice(len(members), count, replace=False, p=seen**0.5 / (seen**0.5).sum())
        ]


def _draw(weights: NDArray[np.floating], rng: np.random.Generator) -> int:
    total = np.cumsum(weights)
    return int(np.searchsorted(total, rng.random() * total[-1], side="right"))


def _weights(images: Sequence[ConceptImage], words: Vocabulary) -> NDArray[np.float64]:
    """How often each image is drawn: the source's share, shared out by the square root of how rare
    the rarest concept of an image is in that source.
    """
    weights = np.zeros(len(images))
    for source in dict.fromkeys(item.source for item in images):
        own = [i for i, item in enumerate(images) if item.source == source]
        narrow = [_narrow(images[i].present, words) for i in own]
        seen = Counter(name for names in narrow for name in names)
        rarity = np.array([max((seen[n] ** -0.5 for n in names), default=0) for names in narrow])
        rarity = np.where(rarity > 0, rarity, (rarity.mean() or 1.0) / 2)
        weights[own] = RICHNESS.get(source, 1.0) * len(own) ** 0.5 * rarity / rarity.sum()
    return weights


def _narrow(names: Iterable[str], words: Vocabulary) -> set[str]:
    """Names that are not a broader kind of another of them."""
    names = set(names)
    return names - {kind for name in names for kind in words[name].kinds}


def _members(kind: str, words: Vocabulary) -> list[str]:
    """Members of a kind that are no member of another of its members."""
    below = [name for name, concept in words.concepts.items() if kind in concept.kinds]
    return [name for name in below if not set(below) & set(words[name].kinds)]
