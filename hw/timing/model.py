"""The timing of a module as its neighbours see it: arcs from pin to pin, what starts and ends
behind each pin, and the longest paths that stay inside.

A pin is a port, all bits of it together: the latest bit counts. Ready, valid and last are one bit
each, so a stall network is exact; where data run through a module without a register, bits that
have nothing to do with each other may join, which is on the safe side.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hw.spec.files import atomic_path
from hw.timing import cells, delays, graph
from hw.timing.cells import mapped
from hw.timing.delays import Delays
from hw.timing.graph import Graph, Node, Place, worst
from hw.timing.graph import Path as TimingPath
from hw.timing.netlists import load

INNER = 12
"""Paths inside a module that are kept."""
FAN_OUT = 5
"""Nets of most loads that are kept."""


@dataclass(frozen=True)
class Through:
    """From an input pin to an output pin. delay is without the net before the input pin; wire: no
    cell is passed, so that the net goes on.
    """

    source: str
    sink: str
    delay: float
    levels: int
    wire: bool = False


@dataclass(frozen=True)
class Behind:
    """What is behind a pin: the longest path from a register to an output, or from an input to one,
    without the net on the other side of the pin.
    """

    delay: float
    levels: int
    place: Place


@dataclass(frozen=True)
class Model:
    """A module's timing as its neighbours see it. loads: of each pin's net inside; inner: longest
    paths from register to register; fan_out: nets of most loads; control_sets and flip_flops: how
    many.
    """

    loads: Mapping[str, float]
    arcs: tuple[Through, ...]
    launches: Mapping[str, Behind]
    captures: Mapping[str, Behind]
    inner: tuple[TimingPath, ...]
    fan_out: tuple[tuple[str, float], ...]
    control_sets: int
    flip_flops: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Model:
        return cls(
            plain["loads"],
            tuple(Through(**arc) for arc in plain["arcs"]),
            {pin: _behind(b) for pin, b in plain["launches"].items()},
            {pin: _behind(b) for pin, b in plain["captures"].items()},
            tuple(_path(p) for p in plain["inner"]),
            tuple((name, loads) for name, loads in plain["fan_out"]),
            plain["control_sets"],
            plain["flip_flops"],
        )


def _behind(plain: Mapping[str, Any]) -> Behind:
    return Behind(plain["delay"], plain["levels"], Place(**plain["place"]))


def _path(plain: Mapping[str, Any]) -> TimingPath:
    start, end = Place(**plain["start"]), Place(**plain["end"])
    return TimingPath(plain["delay"], plain["levels"], start, end, tuple(plain["through"]))


def of_netlist(path: Path, table: Delays) -> Model:
    """The model of a kept netlist, itself kept beside it by the hash of delays and rules."""
    rules = [delays.FILE, *(Path(str(m.__file__)) for m in (cells, graph)), Path(__file__)]
    key = hashlib.sha256(b"".join(p.read_bytes() for p in rules)).hexdigest()[:12]
    kept = path.with_name(path.name.replace(".net.gz", f".{key}.timing.gz"))
    if kept.is_file():
        with gzip.open(kept, "rt", encoding="utf-8") as file:
            return Model.from_json(json.load(file))
    made = of_module(load(path), table)
    with atomic_path(kept) as part, gzip.open(part, "wt", 5) as file:
        json.dump(made.to_json(), file)
    return made


def of_module(module: Mapping[str, Any], table: Delays) -> Model:
    """Returns the model of a flattened module."""
    found = mapped(module, table)
    loads = {
        pin: float(max((found.loads[b] for b in bits), default=0))
        for pin, bits in (*found.inputs.items(), *found.outputs.items())
    }
    most = sorted(found.loads.items(), key=lambda entry: -entry[1])[:FAN_OUT]
    named = tuple((found.names[b].name if b in found.names else str(b), float(n)) for b, n in most)
    flip_flops = sum(c["type"].startswith("FD") for c in module["cells"].values())
    nets = {b: table.net(found.loads[b]) for bits in found.inputs.values() for b in bits}
    return reduce(
        found.graph, found.inputs, found.outputs, nets, loads, named, found.control_sets, flip_flops
    )


def reduce(
    timing: Graph,
    inputs: Mapping[str, Sequence[Node]],
    outputs: Mapping[str, Sequence[Node]],
    nets: Mapping[Any, float],
    loads: Mapping[str, float],
    fan_out: tuple[tuple[str, float], ...],
    control_sets: int,
    flip_flops: int,
) -> Model:
    """A graph as its pins show it. nets: of each input node, which its arcs have in them and the
    model leaves out.
    """
    arcs: list[Through] = []
    captures: dict[str, Behind] = {}
    for pin, nodes in inputs.items():
        reach = timing.reach(dict.fromkeys(nodes, 0.0))
        for end in timing.ends:
            if end.node not in reach.at:
                continue
            first, levels, _ = reach.trace(end.node)
            delay = reach.at[end.node] + end.delay - nets.get(first, 0.0)
            if pin not in captures or captures[pin].delay < delay:
                captures[pin] = Behind(delay, levels + end.levels, end.place)
        for sink, bits in outputs.items():
            latest = [bit for bit in bits if bit in reach.at]
            if latest:
                bit = max(latest, key=lambda b: reach.at[b])
                first, levels, _ = reach.trace(bit)
                if first == bit:
                    arcs.append(Through(pin, sink, 0.0, 0, wire=True))
                else:
                    delay = reach.at[bit] - nets.get(first, 0.0)
                    arcs.append(Through(pin, sink, delay, levels))
    reach = timing.registers()
    launches: dict[str, Behind] = {}
    for sink, bits in outputs.items():
        latest = [bit for bit in bits if bit in reach.at]
        if latest:
            bit = max(latest, key=lambda b: reach.at[b])
            first, levels, _ = reach.trace(bit)
            start = timing.starts[first]
            launches[sink] = Behind(reach.at[bit], levels + start.levels, start.place)
    inner = tuple(worst(timing.paths(), INNER))
    return Model(loads, tuple(arcs), launches, captures, inner, fan_out, control_sets, flip_flops)
