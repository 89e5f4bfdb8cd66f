"""What accelerators that share a device are asked for: cycles that a frame may take, where all of
them work at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from hw.spec.manifest import DETECTOR

ONCE = "image_encoder"
"""The graph that runs once a frame where objects share it, and once an object where each is looked
for in a window of its own; the others run once an object, the detector once in a while.
"""


@dataclass(frozen=True)
class Target:
    """Clock cycles that a frame may take with one object, with four and with eight, and with one
    when concepts are looked for every so many frames, where every object goes on by itself.

    Cycles that are compared with them are those of a graph's frame, from its first code in to its
    last code out; intervals those between frames that follow each other closely.
    """

    one: float
    four: float
    eight: float
    looking: float = inf
    every: int = 8

    @classmethod
    def of_rates(
        cls, mhz: float, one: float, four: float, eight: float, looking: float = 0, every: int = 8
    ) -> Target:
        """From frames a second; looking 0: as it comes."""
        hertz = mhz * 1e6
        most = hertz / looking if looking else inf
        return cls(hertz / one, hertz / four, hertz / eight, most, every)

    @property
    def options(self) -> dict[str, float]:
        """Returns the cycles that a frame may take, by the option that asks for its rate."""
        found = {"FPS": self.one, "FPS_FOUR": self.four, "FPS_EIGHT": self.eight}
        return found if self.looking == inf else {**found, "FPS_LOOKING": self.looking}

    def met(self, cycles: Mapping[str, int], intervals: Mapping[str, int]) -> bool:
        """Tells whether the rate is kept, given the cycles of each graph."""
        return self.excess(cycles, intervals) <= 1

    def excess(self, cycles: Mapping[str, int], intervals: Mapping[str, int]) -> float:
        """Greatest ratio of what is taken to what may be."""
        return float(max(self.ratios(cycles, intervals)))

    def ratios(self, cycles: Mapping[str, Any], intervals: Mapping[str, Any]) -> list[Any]:
        """What is taken by what may be: of all that an object's frame goes through, alone and
        behind the image encoder, and of each accelerator's interval; elementwise for arrays.
        """
        one = min(self.one, self.looking) if DETECTOR in cycles else self.one
        frames = min(one, self.four, self.eight)
        each = self._each
        chain = sum(n for g, n in cycles.items() if g not in (ONCE, DETECTOR))
        found = [chain / one, (chain + cycles.get(ONCE, 0)) / 2 / one]
        for graph, interval in intervals.items():
            if graph == DETECTOR:
                found.append(cycles[graph] / self.every / min(self.looking, frames))
            else:
                found.append(interval / (frames if graph == ONCE else each))
        return found

    @property
    def _each(self) -> float:
        """Cycles that an object may take of any one accelerator."""
        return min(self.one, self.four / 4, self.eight / 8)

    def share(self, graph: str) -> float:
        """Returns the cycles that a run may take where the other graphs take next to nothing."""
        if graph == DETECTOR:
            return self.every * min(self.looking, self.one)
        return 2 * (min(self.one, self.four, self.eight) if graph == ONCE else self._each)


def at_once(
    cycles: Mapping[str, int],
    intervals: Mapping[str, int],
    objects: int,
    every: int = 0,
    drained: bool = True,
    views: int = 1,
) -> int:
    """Returns the cycles of a frame where all accelerators work at the same time and two frames
    wait at each. every: frames between two looks of the detector, each done before the next; 0: it
    does not run. Memory is taken to keep up.

    What an object's next frame needs of its last one is a chain: attention, decoder and memory
    encoder, one after another. drained: the objects follow each other through it at the longest
    interval, and a frame begins when those of the last one are through; its image was given to the
    encoder as that one began, so that two frames take no less than encoder and objects one after
    the other. Else every object goes on by itself, images are given early enough, and what binds is
    the chain, or the longest interval times the objects. The detector works beside them. views:
    runs of the image encoder, the objects' number in windows, of which a session begins the first
    one a frame early.
    """
    return max(bounds(cycles, intervals, objects, every, drained, views).values())


def bounds(
    cycles: Mapping[str, int],
    intervals: Mapping[str, int],
    objects: int,
    every: int = 0,
    drained: bool = True,
    views: int = 1,
) -> dict[str, int]:
    """Returns what `at_once` is the greatest of, by the graph that binds: of those that an object
    goes through, the slowest with one object, with several the one of the longest interval.
    """
    own = [g for g in cycles if g not in (ONCE, DETECTOR)]
    chain, longest = sum(cycles[g] for g in own), max(intervals[g] for g in own)
    way = chain + (objects - 1) * longest
    slowest = max(own, key=lambda g: (cycles if objects == 1 else intervals)[g])
    found = {slowest: way if drained else max(chain, objects * longest)}
    found[ONCE] = views * intervals[ONCE]
    if drained and views == 1:
        found[ONCE] = max(found[ONCE], -(-(cycles[ONCE] + way) // 2))
    if drained and views > 1:
        behind = cycles[ONCE] + (views - 2) * intervals[ONCE] + chain
        found[ONCE] = max(found[ONCE], behind)
    if every and DETECTOR in cycles:
        found[DETECTOR] = -(-cycles[DETECTOR] // every)
    return found
