"""Timing models wired together: an accelerator out of its kernels' models.

Nodes are (instance, pin); instance "" are the whole's own pins. A net is driven once and may be
read behind several pins: its loads are those inside the driver and inside each reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hw.timing.delays import Delays
from hw.timing.graph import Arc, End, Graph, Path, Place, Start, worst
from hw.timing.model import FAN_OUT, INNER, Behind, Model, Through

Pin = tuple[str, str]
OWN = ""
PORT = Place("port", "port")


@dataclass(frozen=True)
class Composed:
    """The whole's graph, where its own inputs are registered in front and outputs behind; paths:
    the longest, those inside of kernels among them; by_instance: the longest through each.
    """

    graph: Graph
    paths: tuple[Path, ...]
    by_instance: Mapping[str, Path]
    model: Model

    @property
    def delay(self) -> float:
        return self.paths[0].delay if self.paths else 0.0


def compose(
    models: Mapping[str, Model],
    nets: Iterable[tuple[Pin, Pin]],
    table: Delays,
    count: int = 10,
    ports: bool = True,
) -> Composed:
    """Joins models by their nets, (driver, reader). ports: also count paths from and to the whole's
    own pins, a register with a net of one load on their other side.
    """
    timing, loads = Graph(), _loads(models, nets := list(nets))
    wired = {reader: driver for driver, reader in nets}
    for driver, reader in nets:
        timing.arc(reader, Arc(driver, 0.0))
    for name, model in models.items():
        _place(timing, name, model, wired, loads, table)
    inputs = {pin: [(OWN, pin)] for own, pin in wired.values() if own == OWN}
    outputs = {pin: [(OWN, pin)] for own, pin in wired if own == OWN}
    whole = _model(timing, models, inputs, outputs, loads, wired, table)
    if ports:
        for pin in inputs:
            timing.start((OWN, pin), Start(table.cell["ff"], Place(pin, "port")))
        for pin in outputs:
            delay = table.net(loads[wired[OWN, pin]] + 1) + table.setup["ff"]
            timing.ends.append(End((OWN, pin), delay, Place(pin, "port")))
    across = timing.paths()
    inside = [_named(name, path) for name, m in models.items() for path in m.inner]
    every = sorted([*across, *inside], key=lambda p: -p.delay)
    return Composed(timing, tuple(worst(every, count)), _by_instance(timing, models), whole)


def _loads(models: Mapping[str, Model], nets: list[tuple[Pin, Pin]]) -> dict[Pin, float]:
    """Loads of each driver's net. A pin that only wires on counts with what is behind it."""
    behind: dict[Pin, list[Pin]] = defaultdict(list)
    for driver, reader in nets:
        behind[driver].append(reader)
    for name, model in models.items():
        for arc in model.arcs:
            if arc.wire:
                behind[name, arc.source].append((name, arc.sink))

    def inside(pin: Pin) -> float:
        own = models[pin[0]].loads.get(pin[1], 0.0) if pin[0] else 0.0
        return own + sum(inside(reader) for reader in behind.get(pin, ()))

    return {driver: inside(driver) for driver, _ in nets}


def _place(
    timing: Graph,
    name: str,
    model: Model,
    wired: Mapping[Pin, Pin],
    loads: Mapping[Pin, float],
    table: Delays,
) -> None:
    """A model's arcs, with the nets before its pins."""

    def net(pin: str) -> float:
        driver = wired.get((name, pin))
        return table.net(loads[driver]) if driver else 0.0

    for arc in model.arcs:
        before = 0.0 if arc.wire else net(arc.source)
        timing.arc((name, arc.sink), Arc((name, arc.source), before + arc.delay, arc.levels, name))
    for pin, behind in model.launches.items():
        place = replace(behind.place, name=f"{name}.{behind.place.name}")
        timing.start((name, pin), Start(behind.delay, place, behind.levels))
    for pin, behind in model.captures.items():
        if (name, pin) in wired:
            place = replace(behind.place, name=f"{name}.{behind.place.name}")
            timing.ends.append(End((name, pin), net(pin) + behind.delay, place, behind.levels))


def _named(name: str, path: Path) -> Path:
    start, end = (replace(p, name=f"{name}.{p.name}") for p in (path.start, path.end))
    return replace(path, start=start, end=end, through=(name,))


def _by_instance(timing: Graph, models: Mapping[str, Model]) -> dict[str, Path]:
    """The longest path through each instance, inside it or across its pins."""
    best = {name: _named(name, m.inner[0]) for name, m in models.items() if m.inner}
    reach, tails = timing.registers(), timing.tails()
    for node, tail in tails.items():
        if not isinstance(node, tuple):
            continue
        name, pin = node
        if name in models and node in reach.at:
            delay = reach.at[node] + tail
            if name not in best or best[name].delay < delay:
                first, levels, through = reach.trace(node)
                start = timing.starts[first]
                end = Place(f"{name}.{pin} and on", "pin")
                best[name] = Path(delay, levels + start.levels, start.place, end, through)
    return best


def _model(
    timing: Graph,
    models: Mapping[str, Model],
    inputs: Mapping[str, list[Pin]],
    outputs: Mapping[str, list[Pin]],
    loads: Mapping[Pin, float],
    wired: Mapping[Pin, Pin],
    table: Delays,
) -> Model:
    """The whole as the next level up sees it: the net before an input is that level's to count."""
    arcs: list[Through] = []
    captures: dict[str, Behind] = {}
    for pin, nodes in inputs.items():
        reach = timing.reach(dict.fromkeys(nodes, 0.0))
        before = table.net(loads[OWN, pin])
        for end in timing.ends:
            if end.node in reach.at:
                delay = reach.at[end.node] + end.delay - before
                if pin not in captures or captures[pin].delay < delay:
                    levels = reach.trace(end.node)[1] + end.levels
                    captures[pin] = Behind(delay, levels, end.place)
        for sink, (node,) in outputs.items():
            if node in reach.at:
                delay = reach.at[node]
                levels = reach.trace(node)[1]
                arcs.append(Through(pin, sink, max(0.0, delay - before), levels, delay == 0.0))
    reach = timing.registers()
    launches = {}
    for sink, (node,) in outputs.items():
        if node in reach.at:
            first, levels, _ = reach.trace(node)
            start = timing.starts[first]
            launches[sink] = Behind(reach.at[node], levels + start.levels, start.place)
    pins = {pin: loads[OWN, pin] for pin in inputs}
    pins |= {pin: loads[wired[OWN, pin]] for pin in outputs}
    nets = [(f"{name}.{net}", n) for name, m in models.items() for net, n in m.fan_out]
    nets += [(".".join(pin).lstrip("."), n) for pin, n in loads.items()]
    nets.sort(key=lambda entry: -entry[1])
    inner = [_named(name, p) for name, m in models.items() for p in m.inner] + timing.paths()
    inner.sort(key=lambda p: -p.delay)
    return Model(
        pins,
        tuple(arcs),
        launches,
        captures,
        tuple(worst(inner, INNER)),
        tuple(nets[:FAN_OUT]),
        sum(m.control_sets for m in models.values()),
        sum(m.flip_flops for m in models.values()),
    )
