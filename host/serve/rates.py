"""Rates tell how fast things go, smoothed for the eye: frames a second and milliseconds a stage."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping

WINDOW_S = 2.0
SHARE = 0.15
"""A new time has this weight in the running mean."""
HELD = 0.95
"""A tracker that follows this share of a source's frames keeps up with it."""
BUSY = 0.9
"""A tracker whose stages take this share of the time between its frames has no time to spare."""


class Meter:
    """A meter counts events a second over the last two seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def tick(self) -> None:
        """Counts an event that happens now."""
        now = time.monotonic()
        with self._lock:
            self._times.append(now)
            self._forget(now)

    @property
    def rate(self) -> float:
        """Returns events a second, 0 where there were fewer than two."""
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            if len(self._times) < 2:
                return 0.0
            return (len(self._times) - 1) / (self._times[-1] - self._times[0] + 1e-9)

    def _forget(self, now: float) -> None:
        while self._times and now - self._times[0] > WINDOW_S:
            self._times.popleft()


class StageMeans:
    """Running means of milliseconds are kept by stage; a stage that did not run fades out."""

    def __init__(self) -> None:
        self._ms: dict[str, float] = {}

    def add(self, spent: Mapping[str, float]) -> None:
        """Takes the times of one frame."""
        for name in {*self._ms, *spent}:
            now = spent.get(name, 0.0)
            before = self._ms.get(name, now)
            self._ms[name] = before + SHARE * (now - before)
        self._ms = {name: ms for name, ms in self._ms.items() if ms > 0.005}

    def rounded(self, order: tuple[str, ...] = ()) -> dict[str, float]:
        """Returns the milliseconds by stage, those of `order` first."""
        names = [*(n for n in order if n in self._ms), *sorted(self._ms.keys() - set(order))]
        return {name: round(self._ms[name], 2) for name in names}


def limit_of(source: float, tracked: float, stages: Mapping[str, float]) -> str:
    """Says what keeps the tracker from following all `source` frames a second: the longest of its
    stages (milliseconds), or that it waits for the processor; empty where it keeps up.
    """
    if not tracked or tracked >= HELD * source:
        return ""
    spent = sum(stages.values())
    share = f"{source:.0f} frames/s leave {1e3 / source:.0f} ms"
    if not stages or spent < BUSY * min(1e3 / source, 1e3 / tracked):
        return f"the tracker waits for a busy processor: its stages take {spent:.0f} ms, {share}"
    name, longest = max(stages.items(), key=lambda item: item[1])
    stage = name.replace("_", " ")
    return f"the {stage} takes {longest:.0f} of {spent:.0f} ms a frame, {share}"
