"""Registers in the stall network of a netlist: a skid wherever tready would else run through too
much logic in one cycle.

tready runs against the data, through every kernel that stalls as a whole. A kernel that
`cuts_ready` ends such a chain, and so does a skid, at one cycle of latency and no loss of rate. Of
the wires of a chain that is too long the narrowest is cut. The netlist's own ports are cut too, so
that nothing in here is on a path of what stands around.

Lengths are in kernels: one is a LUT and a net of many loads. What a kernel that cuts has before
its own tready, and what a kernel has between an arriving tready and its registers, counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw.kernels.skid import Skid
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream

End = tuple[str, str]
Wires = tuple[tuple[str, str], ...]
MOST = 3
"""Length of a chain between two registers."""
AHEAD = {"attention": 3}
"""What kernels that cut have between their registers and their own tready."""
CUT = "_cut"
"""Skids that `cut` puts in have names with this ending, by which `joined` knows them."""
LOADED = "s_axis_weights"
"""An input of memories, whose tready is a register."""
INSIDE = {"swg": 2, "attention": 1}
"""What kernels have between a tready that arrives and their registers, beyond one LUT."""


def cut(
    instances: Mapping[str, Kernel],
    wires: Wires,
    ports: Mapping[str, Stream],
    most: int = MOST,
) -> tuple[dict[str, Kernel], Wires]:
    """The netlist with skids. instances: in an order in which data flow. ports: own streams that
    are cut, by name; they have tlast. Others, settings of one beat a frame, are left as they are.
    """
    chains = _Chains(instances, wires, ports)
    chains.cut_ports()
    chains.shorten(most)
    return chains.made()


def joined(instances: Mapping[str, Kernel], wires: Wires) -> tuple[dict[str, Kernel], Wires]:
    """The netlist without the skids that `cut` put in, for who makes handshakes of its own."""
    feeds = {sink: source for source, sink in wires}
    skids = {n for n, k in instances.items() if isinstance(k, Skid) and n.endswith(CUT)}
    kept = []
    for source, sink in wires:
        while source.partition(".")[0] in skids:
            source = feeds[source.partition(".")[0] + ".s_axis"]
        if sink.partition(".")[0] not in skids:
            kept.append((source, sink))
    return {name: k for name, k in instances.items() if name not in skids}, tuple(kept)


def depths(instances: Mapping[str, Kernel], wires: Wires) -> dict[str, int]:
    """The longest chain that ends in each kernel's registers, by name."""
    chains = _Chains(instances, wires, {})
    leaves: dict[str, int] = {}
    for name in reversed(chains.order):
        leaves[name] = chains.leaves(name, leaves)
    return {name: chains.arrives(name, leaves) for name in instances}


class _Chains:
    def __init__(
        self, instances: Mapping[str, Kernel], wires: Wires, ports: Mapping[str, Stream]
    ) -> None:
        self.instances, self.ports = dict(instances), ports
        self.wires: dict[End, End] = {_end(a): _end(b) for a, b in wires}
        self.arriving: dict[str, list[End]] = {}
        self.leaving: dict[str, list[End]] = {}
        for source, sink in self.wires.items():
            self.leaving.setdefault(source[0], []).append(source)
            self.arriving.setdefault(sink[0], []).append(source)
        self.order = list(self.instances)
        self.skids: dict[End, Skid] = {}
        """By the end that is cut."""

    def arrives(self, name: str, leaves: Mapping[str, int]) -> int:
        """Length of the longest chain that comes to a kernel, what it has inside included."""
        behind = (self._behind(end, leaves) for end in self.leaving.get(name, ()))
        return max(behind, default=0) + INSIDE.get(self.instances[name].name, 0)

    def leaves(self, name: str, leaves: Mapping[str, int]) -> int:
        """Length of the longest chain that leaves a kernel by its inputs."""
        kernel = self.instances[name]
        if kernel.cuts_ready:
            return AHEAD.get(kernel.name, 0)
        behind = (self._behind(end, leaves) for end in self.leaving.get(name, ()))
        return 1 + max(behind, default=0)

    def _behind(self, end: End, leaves: Mapping[str, int]) -> int:
        """Length of the chain that arrives at an output."""
        name, port = self.wires[end]
        registered = end in self.skids or not name or port == LOADED
        return 0 if registered else leaves[name]

    def cut_ports(self) -> None:
        for source, sink in self.wires.items():
            if (source[0] or source[1]) in self.ports or (not sink[0] and sink[1] in self.ports):
                self._cut(source)

    def shorten(self, most: int) -> None:
        """Cuts the chains that are too long, from the outputs on."""
        leaves: dict[str, int] = {}
        for name in reversed(self.order):
            while self._too_long(name, leaves, most):
                ends = self.leaving[name]
                first = max(ends, key=lambda end: self._behind(end, leaves))
                self._cut(self._narrowest(first, leaves, most))
                for known in leaves:  # from the outputs on
                    leaves[known] = self.leaves(known, leaves)
            leaves[name] = self.leaves(name, leaves)

    def _too_long(self, name: str, leaves: Mapping[str, int], most: int) -> bool:
        """Is the chain to this kernel's registers too long, or that to a register before it?"""
        own = any(not source[0] for source in self.arriving.get(name, ()))
        # What a kernel that cuts has before its own tready no skid makes shorter.
        own = own and not self.instances[name].cuts_ready
        last = self.leaves(name, leaves) if own else 0
        chains = max(self.arrives(name, leaves), last)
        return chains > most and any(self._behind(e, leaves) for e in self.leaving.get(name, ()))

    def _narrowest(self, source: End, leaves: Mapping[str, int], most: int) -> End:
        """Of the chain behind an output; of several the one nearest to it. A skid's own registers
        are reached as well.
        """
        chain = [source]
        while not self.instances[name := self.wires[chain[-1]][0]].cuts_ready:
            ends = [e for e in self.leaving.get(name, ()) if self._behind(e, leaves)]
            if not ends:
                break
            chain.append(max(ends, key=lambda end: self._behind(end, leaves)))
        able = [end for end in chain if self._behind(end, leaves) <= most] or chain[-1:]
        return min(able, key=lambda end: self._stream(end).width)

    def _stream(self, source: End) -> Stream:
        if source[0]:
            return self.instances[source[0]].outputs()[source[1]]
        return self.ports[source[1]]

    def _cut(self, source: End) -> None:
        stream = self._stream(source)
        self.skids[source] = Skid(STREAM_WIDTH=stream.width, beats=stream.beats)

    def made(self) -> tuple[dict[str, Kernel], Wires]:
        before: dict[str, list[tuple[str, Skid]]] = {}
        after: dict[str, list[tuple[str, Skid]]] = {}
        found = []
        for source, sink in self.wires.items():
            if source not in self.skids:
                found.append((_text(source), _text(sink)))
                continue
            owner, port = source if source[0] else sink
            name = f"{owner}_{port}{CUT}".replace("_axis", "")
            placed = after if source[0] else before
            placed.setdefault(owner, []).append((name, self.skids[source]))
            found += [(_text(source), f"{name}.s_axis"), (f"{name}.m_axis", _text(sink))]
        order: dict[str, Kernel] = {}
        for name, kernel in self.instances.items():
            order |= dict(before.get(name, ())) | {name: kernel} | dict(after.get(name, ()))
        return order, tuple(found)


def _end(text: str) -> End:
    name, _, port = text.rpartition(".")
    return name, port


def _text(end: End) -> str:
    return ".".join(part for part in end if part)
