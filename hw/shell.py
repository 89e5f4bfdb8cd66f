"""What stands around a board's accelerators, part by part: data mover, interconnect, reset.
`shell.toml` has the figures of the vendor's cores and where each is from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hw.spec.kernel import Cost
from hw.spec.plain import read_toml

FILE = Path(__file__).resolve().parent / "shell.toml"
MOVER = "measured: a line through syntheses of seven movers, `Mover.cost`"


@dataclass(frozen=True)
class Streams:
    """A graph's streams. setup: it has one that is loaded once after reset. settings: those of one
    beat a frame.
    """

    inputs: int
    outputs: int
    setup: bool = False
    settings: int = 0


@dataclass(frozen=True)
class Part:
    """A part of the shell, what it takes, where the figure is from, and whether it is assumed. own:
    it is in the system's module, else one of the vendor's cores around that.
    """

    name: str
    cost: Cost
    source: str
    assumed: bool
    own: bool = False


@dataclass(frozen=True)
class Shell:
    """A shell lists the parts that stand around a system's accelerators."""

    parts: tuple[Part, ...]

    @property
    def cost(self) -> Cost:
        """Returns what all parts cost together."""
        return sum((part.cost for part in self.parts), Cost())

    @property
    def around(self) -> Cost:
        """The vendor's cores, which stand around the system's module."""
        return sum((part.cost for part in self.parts if not part.own), Cost())


def ends(graphs: Iterable[Streams]) -> Streams:
    """Ends that the mover of these accelerators has; what is loaded shares one."""
    graphs = tuple(graphs)
    inputs = sum(g.inputs for g in graphs) + any(g.setup for g in graphs)
    outputs, settings = sum(g.outputs for g in graphs), sum(g.settings for g in graphs)
    return Streams(inputs, outputs, settings=settings)


def shell(graphs: Iterable[Streams], mover: Cost) -> Shell:
    """The shell of accelerators. mover: what one with their `ends` takes."""
    all_ends = ends(graphs)
    name = f"data mover, {all_ends.inputs} ends in, {all_ends.outputs} out"
    return Shell(
        (
            Part(name, mover, MOVER, False, own=True),
            _part("SmartConnect to memory", "memory_net"),
            _part("SmartConnect to the registers", "control_net"),
            _part("reset", "reset"),
        )
    )


def _part(name: str, key: str) -> Part:
    row = _table()[key]
    return Part(name, Cost(row["lut"], row["ff"]), row["source"], row["assumed"])


@cache
def _table() -> Mapping[str, Any]:
    return read_toml(FILE)
