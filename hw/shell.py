"""What stands around a board's accelerators, part by part: control, data movement, interconnect,
reset. `shell.toml` has the figures and where each is from.

Two arrangements: accelerators one after another on shared channels, each with an AXI DMA engine; or
all at once, every stream at an end of its own of one data mover.
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
OWN = ("own",)
"""Tables of what is in the system's module."""
MOST_MASTERS = 16
"""One SmartConnect has this many ports of a side (PG247)."""


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


def masters_a_port(hp_bits: int) -> int:
    """Streams of a byte a cycle that a port to memory of so many bits has room for."""
    return min(hp_bits // 8, MOST_MASTERS)


def engines(graphs: Iterable[Streams], hp_bits: int) -> Shell:
    """The shell of accelerators that run one after another: channels are shared, each has a DMA
    engine. hp_bits: of a port to memory.
    """
    graphs = tuple(graphs)
    ins = max(g.inputs + g.setup for g in graphs)
    outs = max(g.outputs for g in graphs)
    masters = ins + outs
    ports = -(-masters // masters_a_port(hp_bits))
    slaves = 1 + max(ins, outs)
    return Shell(
        (
            _part("registers, channels, CRCs", "own", channel=masters),
            _part(f"AXI DMAs, {ins} channels in, {outs} out", "dma", read=ins, write=outs),
            _part(f"SmartConnect to memory, {masters} masters", "memory_net", port=masters + ports),
            _part(f"SmartConnect to {slaves} register maps", "control_net", slave=slaves),
            _part("reset", "reset"),
        )
    )


def ends(graphs: Iterable[Streams]) -> Streams:
    """Ends that a mover needs for accelerators at once; what is loaded shares one."""
    graphs = tuple(graphs)
    inputs = sum(g.inputs for g in graphs) + any(g.setup for g in graphs)
    outputs, settings = sum(g.outputs for g in graphs), sum(g.settings for g in graphs)
    return Streams(inputs, outputs, settings=settings)


def moved(graphs: Iterable[Streams], mover: Cost) -> Shell:
    """The shell of accelerators at once. mover: what one with their `ends` takes."""
    all_ends = ends(graphs)
    name = f"data mover, {all_ends.inputs} ends in, {all_ends.outputs} out"
    return Shell(
        (
            Part(name, mover, MOVER, False, own=True),
            _part("SmartConnect to memory, 1 master", "memory_net", port=2),
            _part("SmartConnect to 1 register map", "control_net", slave=1),
            _part("reset", "reset"),
        )
    )


def _part(name: str, key: str, **counts: int) -> Part:
    """A part of the table: its `base` once, and others by how many there are."""
    row = _table()[key]
    cost = Cost(**row.get("base", {}))
    for what, count in counts.items():
        cost += Cost(**row[what]) * count
    return Part(name, cost, row["source"], row["assumed"], key in OWN)


@cache
def _table() -> Mapping[str, Any]:
    return read_toml(FILE)
