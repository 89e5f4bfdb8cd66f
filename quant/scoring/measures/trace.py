"""What the measures read of one object: areas and overlaps on its annotated frames."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """One object from the frame of its prompt on, which is the first entry.

    frames: indices of the frames that annotate it, rising. truth, pred: shares of the frame, 0..1,
    that its annotation and its mask cover, void left out. j: their overlap, 0..1.
    """

    object_id: int
    frames: tuple[int, ...]
    truth: tuple[float, ...]
    pred: tuple[float, ...]
    j: tuple[float, ...]


@dataclass(frozen=True)
class Count:
    """A count of cases: in `hits` of `total` something held."""

    hits: int = 0
    total: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.hits + other.hits, self.total + other.total)

    @property
    def share(self) -> float:
        """The share of the cases that were met, in 0..1; NaN without any case."""
        return self.hits / self.total if self.total else math.nan
