"""What accelerators that share a device are asked for: cycles that a frame may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from hw.spec.manifest import DETECTOR

ONCE = "image_encoder"
"""The graph that runs once a frame; the others run once an object, the detector once in a while."""


@dataclass(frozen=True)
class Target:
    """Clock cycles that the device may take for a frame with one object, with four, and on average
    with one when concepts are looked for every so many frames.
    """

    one: float
    four: float
    looking: float = inf
    every: int = 8

    @classmethod
    def of_rates(
        cls, mhz: float, one: float, four: float, looking: float = 0, every: int = 8
    ) -> Target:
        """From frames a second; looking 0: as it comes."""
        hertz = mhz * 1e6
        return cls(hertz / one, hertz / four, hertz / looking if looking else inf, every)

    def met(self, cycles: Mapping[str, int]) -> bool:
        """Tells whether the rate is kept, given the cycles of each graph, one after another."""
        return self.excess(cycles) <= 1

    def excess(self, cycles: Mapping[str, int]) -> float:
        """Greatest ratio of what is taken to what may be."""
        return float(max(self.ratios(cycles)))

    def ratios(self, cycles: Mapping[str, Any]) -> list[Any]:
        """What is taken by what may be, of each rate; elementwise for arrays of cycles."""
        found = [frame(cycles, 1) / self.one, frame(cycles, 4) / self.four]
        if DETECTOR in cycles:
            found.append(frame(cycles, 1, self.every) / self.looking)
        return found

    def share(self, graph: str) -> float:
        """Returns the cycles that a run may take where the other graphs take next to nothing; of
        the detector, what they leave when they take all that they may.
        """
        if graph != DETECTOR:
            return self.one
        return self.every * (self.looking - self.one if self.one < self.looking < inf else self.one)


def frame(cycles: Mapping[str, Any], objects: int, every: int = 0) -> Any:
    """Returns the cycles of a frame from those of each graph, one after another. every: frames
    between two looks of the detector, whose cycles are shared out among them; 0: it does not run.
    """
    return sum(parts(cycles, objects, every).values())


def parts(cycles: Mapping[str, Any], objects: int, every: int = 0) -> dict[str, Any]:
    """Returns the cycles of a frame as `frame` adds them up, by graph."""
    found = {g: n * (1 if g == ONCE else objects) for g, n in cycles.items() if g != DETECTOR}
    if every and DETECTOR in cycles:
        found[DETECTOR] = cycles[DETECTOR] / every
    return found
