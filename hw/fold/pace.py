"""When codes leave each part of a dataflow: times of every vector (pixel, token), in clock cycles,
by max-plus recurrences. Parts are taken to wait for data only, never for room: what the FIFOs are
there for.

`Times` of a stream: cycle of the first and of the last code of each vector. A part that needs n
cycles a vector obeys D[i] = max(ready[i], D[i-1] + n), which is a running maximum of ready[i] -
i n (Baccelli et al., Synchronization and Linearity, 1992, chapter 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Times:
    """Times tell when each vector of a tensor comes. first, last: (vectors,) cycles. held: cycles
    that its maker needs for each vector, where nothing keeps what it might make ahead; 0 where
    something does. ahead: cycles of its work that the maker does while nobody takes anything.
    """

    first: Cycles
    last: Cycles
    held: int = 0
    ahead: int = 0

    @property
    def end(self) -> int:
        """The frame ends in this cycle."""
        return int(self.last[-1])

    def later(self, cycles: int) -> Times:
        """Returns the times behind as many registers as there are `cycles`."""
        return replace(self, first=self.first + cycles, last=self.last + cycles)


def paced(ready: Cycles, cycles: int) -> Cycles:
    """Returns D[i] = max(ready[i], D[i-1] + cycles), when each of a row of results is done."""
    along = np.arange(len(ready), dtype=np.int64) * cycles
    return along + np.maximum.accumulate(ready - along)


def source(vectors: int, codes: int, start: int = 1) -> Times:
    """A port that gives a code every cycle."""
    begin = start + np.arange(vectors, dtype=np.int64) * codes
    return Times(begin, begin + codes - 1)


def through(x: Times, cycles: int, latency: int) -> Times:
    """A part that takes and gives a vector in `cycles`, code by code."""
    done = paced(np.maximum(x.last, x.first + cycles - 1) + latency, cycles)
    before = np.concatenate([done[:1] - cycles, done[:-1]])
    return Times(np.minimum(np.maximum(x.first + latency, before + 1), done), done)


def gathered(x: Times, beats: int, passes: int, latency: int) -> tuple[Times, Cycles]:
    """A product: reads a vector in its first pass of `beats`, goes over it `passes` times, gives
    sums at the end of each. Returns results, and when each vector has been read.
    """
    ready = np.maximum(x.first + beats, x.last + 1)
    done = paced(ready + (passes - 1) * beats, passes * beats)
    read = done - (passes - 1) * beats
    return Times(read + latency, done + latency), read


def padded(
    x: Times, shape: tuple[int, int], pads: tuple[int, int, int, int], cycles: int
) -> Cycles:
    """When each pixel of the padded map has passed, (lines, pixels): zeros do not wait for data.

    shape: lines and pixels of x. pads: top, bottom, left, right. cycles: of a pixel.
    """
    (high, wide), (top, bottom, left, right) = shape, pads
    ready = np.zeros((top + high + bottom, left + wide + right), np.int64)
    arrived = np.maximum(x.last, x.first + cycles - 1) + 1
    ready[top : top + high, left : left + wide] = arrived.reshape(high, wide)
    return paced(ready.ravel(), cycles).reshape(ready.shape)


def windows(passed: Cycles, out: tuple[int, int], kernel: int, stride: int, cycles: int) -> Times:
    """Windows of a padded map, each leaving in `cycles` once its last pixel is there."""
    y, x = (np.arange(n) * stride + kernel - 1 for n in out)
    done = paced(passed[np.ix_(y, x)].ravel() + 1 + cycles, cycles)
    return Times(done - cycles + 1, done)


def joined(a: Times, b: Times, cycles: int) -> Times:
    """Pairs of codes. Who has to wait for the other cannot work ahead, and then sets the pace."""
    both = Times(np.maximum(a.first, b.first), np.maximum(a.last, b.last))
    whole = np.maximum(both.last, both.first + cycles - 1) + 1
    done = paced(whole, max(cycles, a.held, b.held))
    return Times(np.minimum(np.maximum(both.first + 1, done - cycles + 1), done), done)


def doubled(x: Times, shape: tuple[int, int], cycles: int) -> Times:
    """Returns the times of a map that comes with every pixel and every line twice."""
    high, wide = shape
    need = (np.arange(2 * high)[:, None] // 2) * wide + np.arange(2 * wide)[None] // 2
    need = need.ravel()
    return through(Times(x.first[need], x.last[need]), cycles, 2)
