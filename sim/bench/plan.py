"""What one simulation is to do, as plain data that pickles: written by `check`, read in the
simulator by `testbench`. Standard library only, since the simulator starts for every kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Beats:
    """The beats of one stream over all frames of a case: tdata, tlast (None: no such port)."""

    words: list[int]
    last: list[int] | None
    width: int


@dataclass
class Case:
    """Frames to send and to expect under one pattern. cycles: the model's count, None where the
    pattern stalls. limit: cycles after which it counts as a deadlock.
    """

    name: str
    pattern: str
    seed: int
    sources: dict[str, Beats]
    sinks: dict[str, Beats]
    lanes: dict[str, int]
    cycles: int | None
    limit: int


@dataclass
class Outcome:
    """What a case came to. faults: one line each, none when it passed."""

    name: str
    pattern: str
    cycles: int = 0
    compared: int = 0
    faults: list[str] = field(default_factory=list)
