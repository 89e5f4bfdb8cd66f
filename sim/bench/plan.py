"""What one simulation is to do, and what came of it, as JSON: written by `check`, read in the
simulator by `testbench`, and the other way. Standard library only, since the simulator starts for
every kernel.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PLAN, OUTCOMES = "plan.json", "outcomes.json"


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


def write(path: Path, rows: Sequence[Case] | Sequence[Outcome]) -> None:
    """Writes cases or outcomes to a file that the simulation or the test reads."""
    path.write_text(json.dumps([asdict(row) for row in rows]), encoding="ascii")


def _plain(side: Any) -> dict[str, dict[str, Any]]:
    """Beats by stream, as JSON has left them."""
    return dict(side)


def read_cases(path: Path) -> list[Case]:
    """Reads the cases of a file of `write`."""
    cases = [Case(**row) for row in json.loads(path.read_text(encoding="ascii"))]
    for case in cases:
        for side in (case.sources, case.sinks):
            side.update({name: Beats(**told) for name, told in _plain(side).items()})
    return cases


def read_outcomes(path: Path) -> list[Outcome]:
    """Reads the outcomes of a file of `write`."""
    return [Outcome(**row) for row in json.loads(path.read_text(encoding="ascii"))]
