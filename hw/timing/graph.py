"""A timing graph: arcs with delays between nodes, where paths start and where they end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from hw.timing.delays import TimingError

Node = Hashable


@dataclass(frozen=True)
class Place:
    """A place is where a path starts or ends: a register or a port. source: file and line."""

    name: str
    kind: str = ""
    source: str = ""


@dataclass(frozen=True)
class Arc:
    """From a node, with the net before it; levels: LUTs passed; through: name of what is passed."""

    source: Node
    delay: float
    levels: int = 0
    through: str = ""


@dataclass(frozen=True)
class Start:
    """A start of paths. delay: from the clock edge; levels as in `Arc`, of what a model has behind
    a pin.
    """

    delay: float
    place: Place
    levels: int = 0


@dataclass(frozen=True)
class End:
    """An end of paths. delay: net and setup behind the node."""

    node: Node
    delay: float
    place: Place
    levels: int = 0


@dataclass(frozen=True)
class Path:
    """A longest path. through: what it passes, in order."""

    delay: float
    levels: int
    start: Place
    end: Place
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """How late each node is, and over which arc."""

    at: dict[Node, float]
    over: dict[Node, Arc | None]

    def trace(self, node: Node) -> tuple[Node, int, tuple[str, ...]]:
        """First node of the longest path to this one, LUTs on it and what it passes."""
        levels = 0
        through: list[str] = []
        while (arc := self.over[node]) is not None:
            levels += arc.levels
            if arc.through and (not through or through[-1] != arc.through):
                through.append(arc.through)
            node = arc.source
        return node, levels, tuple(reversed(through))


class Graph:
    """A graph is built arc by arc, then asked for its longest paths."""

    def __init__(self) -> None:
        self.into: dict[Node, list[Arc]] = defaultdict(list)
        self.starts: dict[Node, Start] = {}
        self.ends: list[End] = []
        self._order: list[Node] | None = None

    def arc(self, node: Node, arc: Arc) -> None:
        self.into[node].append(arc)
        self._order = None

    def start(self, node: Node, start: Start) -> None:
        """Paths start at this node; of several starts the latest counts."""
        known = self.starts.get(node)
        if known is None or known.delay < start.delay:
            self.starts[node] = start

    def order(self) -> list[Node]:
        """Nodes, each after those that it depends on. Raises TimingError, naming nodes of it, for
        a loop without a register.
        """
        if self._order is None:
            self._order = self._sorted()
        return self._order

    def _sorted(self) -> list[Node]:
        readers: dict[Node, list[Node]] = defaultdict(list)
        waits: dict[Node, int] = {}
        for node, arcs in self.into.items():
            waits[node] = len(arcs)
            for arc in arcs:
                readers[arc.source].append(node)
        order = [node for node in readers if node not in waits]
        for node in order:  # grows while it is walked
            for reader in readers.get(node, ()):
                waits[reader] -= 1
                if not waits[reader]:
                    order.append(reader)
        left = [node for node, count in waits.items() if count]
        if left:
            named = ", ".join(str(node) for node in left[:6])
            raise TimingError(f"{len(left)} nodes stand in a loop: {named}", "put a register in it")
        return order

    def reach(self, starts: Mapping[Node, float]) -> Reach:
        """Finds the longest paths from these nodes, which are that late themselves."""
        at: dict[Node, float] = dict(starts)
        over: dict[Node, Arc | None] = dict.fromkeys(starts)
        for node in self.order():
            for arc in self.into.get(node, ()):
                before = at.get(arc.source)
                if before is not None and before + arc.delay > at.get(node, -1.0):
                    at[node], over[node] = before + arc.delay, arc
        return Reach(at, over)

    def registers(self) -> Reach:
        """Finds the longest paths from every start."""
        return self.reach({node: start.delay for node, start in self.starts.items()})

    def paths(self) -> list[Path]:
        """The longest path from a start to each end, longest first."""
        reach = self.registers()
        found = []
        for end in self.ends:
            if end.node not in reach.at:
                continue
            found.append((reach.at[end.node] + end.delay, end))
        found.sort(key=lambda entry: -entry[0])
        return [self.path(reach, end, delay) for delay, end in found]

    def path(self, reach: Reach, end: End, delay: float) -> Path:
        """Returns the path to an end in full, from register to register."""
        first, levels, through = reach.trace(end.node)
        start = self.starts[first]
        return Path(delay, levels + start.levels + end.levels, start.place, end.place, through)

    def tails(self) -> dict[Node, float]:
        """How long it is from each node to the latest end."""
        tail: dict[Node, float] = {}
        for end in self.ends:
            tail[end.node] = max(tail.get(end.node, 0.0), end.delay)
        for node in reversed(self.order()):
            if node in tail:
                for arc in self.into.get(node, ()):
                    before = tail[node] + arc.delay
                    tail[arc.source] = max(tail.get(arc.source, 0.0), before)
        return tail


def worst(paths: Iterable[Path], count: int) -> list[Path]:
    """The worst ones, one for each pair of registers whose names differ in more than bits."""
    kept: dict[tuple[str, str], Path] = {}
    for path in paths:
        pair = (path.start.name.split("[")[0], path.end.name.split("[")[0])
        kept.setdefault(pair, path)
        if len(kept) == count:
            break
    return list(kept.values())
