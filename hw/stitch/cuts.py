"""Registers in the stall network of a netlist: one wherever tready would else be under way for too
long in one cycle.

tready runs against the data, through every kernel that stalls as a whole. A kernel that
`cuts_ready` ends such a chain, and so does what is put into a wire here. Of the wires of a chain
that is too long the one is cut where that costs least, and of two ways to cut it the cheaper one is
taken: where beats are never closer than two cycles, or come once after reset, a `pipe` of half the
rate, which takes no LUT a bit; else a `skid` that registers tready alone. Neither loses rate. The
netlist's other ports get skids that register both directions, so that nothing in here is on a path
of what stands around.

Lengths are in ns on UltraScale+ and come from `hw.stitch.ready`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from hw.kernels.pipe import Pipe
from hw.kernels.skid import Skid
from hw.spec.kernel import Cost, Kernel
from hw.spec.stream import Stream
from hw.stitch.ready import LOADING, Ready, ready

End = tuple[str, str]
Wires = tuple[tuple[str, str], ...]
Lengths = dict[tuple[End, ...], float]
MOST = 4.84
"""Length of a chain between two registers, in ns on UltraScale+: 200 MHz there, 115 MHz on xc7."""
CUT = "_cut"
"""What `cut` puts in has a name with this ending, by which `joined` knows it."""
LOADED = "s_axis_weights"
"""An input of memories, whose tready is a register."""
FF_WORTH = 0.7
"""LUTs that a flip-flop is worth: as the boards' budgets have them."""


def cut(
    instances: Mapping[str, Kernel],
    wires: Wires,
    ports: Mapping[str, Stream],
    most: float = MOST,
) -> tuple[dict[str, Kernel], Wires]:
    """The netlist with registers. instances: in an order in which data flow. ports: own streams
    that are cut, by name; they have tlast. Others, settings of one beat a frame, are left as they
    are.
    """
    chains = _Chains(instances, wires, ports)
    chains.shorten(most)
    return chains.made()


def joined(instances: Mapping[str, Kernel], wires: Wires) -> tuple[dict[str, Kernel], Wires]:
    """The netlist without what `cut` put in, for who makes handshakes of its own."""
    feeds = {sink: source for source, sink in wires}
    cuts = {name for name, kernel in instances.items() if is_cut(name, kernel)}
    kept = []
    for source, sink in wires:
        while source.partition(".")[0] in cuts:
            source = feeds[source.partition(".")[0] + ".s_axis"]
        if sink.partition(".")[0] not in cuts:
            kept.append((source, sink))
    return {name: k for name, k in instances.items() if name not in cuts}, tuple(kept)


def is_cut(name: str, kernel: Kernel) -> bool:
    """Tells whether `cut` put the kernel of that name in."""
    return isinstance(kernel, (Pipe, Skid)) and kernel.cuts_ready and name.endswith(CUT)


def longest(instances: Mapping[str, Kernel], wires: Wires) -> float:
    """Length of the longest chain of a netlist."""
    return max(_Chains(instances, wires, {}).lengths().values(), default=0.0)


class _Chains:
    """Chains of wires, each named by the end that gives its data."""

    def __init__(
        self, instances: Mapping[str, Kernel], wires: Wires, ports: Mapping[str, Stream]
    ) -> None:
        self.instances = dict(instances)
        self.wires: dict[End, End] = {_end(a): _end(b) for a, b in wires}
        self.arriving: dict[str, list[End]] = {name: [] for name in self.instances}
        self.leaving: dict[str, list[End]] = {name: [] for name in self.instances}
        for source, sink in self.wires.items():
            if source[0]:
                self.leaving[source[0]].append(source)
            if sink[0]:
                self.arriving[sink[0]].append(source)
        self.added: dict[End, Ready] = {}
        self.ways = {name: ready(kernel) for name, kernel in self.instances.items()}
        self.outer = {
            source
            for source, sink in self.wires.items()
            if (source[0] or source[1]) in ports or (not sink[0] and sink[1] in ports)
        }
        self.cuts = set(self.outer)
        self.once = {("", LOADED)} & self.wires.keys()
        """Wires that only carry what is loaded after reset, at whatever rate."""
        for name, ends in self.arriving.items():
            if ends and self.once.issuperset(ends):
                self.once.update(self.leaving[name])

    def shorten(self, most: float) -> None:
        """Cuts the chains that are too long, from the outputs on: each where that costs least, or
        as far from the outputs as it may be, whichever comes cheaper in all.
        """
        tried = []
        for cheapest in (True, False):
            self.cuts = set(self.outer)
            while chain := self._too_long(most):
                self.cuts.add(min(chain, key=self._worth) if cheapest else chain[0])
            self._spare(most)
            tried.append(self.cuts)
        self.cuts = min(tried, key=lambda cuts: fsum(map(self._worth, cuts)))

    def _spare(self, most: float) -> None:
        """Takes cuts back that the others make superfluous, or puts a cheaper one in their place,
        the dearest first.
        """
        for source in sorted(sorted(self.cuts - self.outer), key=self._worth, reverse=True):
            self.cuts.remove(source)
            chain = self._too_long(most)
            for other in sorted(chain, key=self._worth):
                if other == source or not self._too_long(most):
                    break
                self.cuts.add(other)
                if self._too_long(most):
                    self.cuts.remove(other)
            if chain and self._too_long(most):
                self.cuts.add(source)

    def lengths(self) -> Lengths:
        """Lengths of chains by their wires: of all between the same ones the longest."""
        found: Lengths = {}
        self._walk(found, float("inf"))
        return found

    def _too_long(self, most: float) -> list[End]:
        """Of the first chain that is too long the wires that may be cut; none where a cut does not
        help.
        """
        chain, late = self._walk({}, most)
        able = [end for end in chain if late[self.wires[end][0]] + self._added(end).behind <= most]
        return able or chain[-1:]

    def _walk(self, found: Lengths, most: float) -> tuple[list[End], dict[str, float]]:
        """From the outputs on: how late tready is at each kernel's inputs, up to the first chain
        that is too long. Puts the length of every chain into `found`.
        """
        late: dict[str, float] = {}
        over: dict[str, tuple[End, ...]] = {}
        for name in reversed(self.instances):
            way, cuts = self.ways[name], self.instances[name].cuts_ready
            late[name], over[name] = way.ahead, ()
            ending: Lengths = {}
            for end in self.leaving[name]:
                at, chain = self._arrival(end, late, over)
                ending[chain] = at + way.behind
                if not cuts and at + way.through > late[name]:
                    late[name], over[name] = at + way.through, chain
            for end in self.arriving[name]:
                if end in self.cuts or not end[0]:
                    at = late[name] + self._added(end).behind
                    ending[over[name]] = max(ending.get(over[name], 0.0), at)
            found.update(ending)
            long = {chain: n for chain, n in ending.items() if chain and n > most}
            if long:
                worst = max(long, key=long.__getitem__)
                return list(worst), late
        return [], late

    def _arrival(
        self, end: End, late: Mapping[str, float], over: Mapping[str, tuple[End, ...]]
    ) -> tuple[float, tuple[End, ...]]:
        """When tready is at an output, and the wires that it came over since a register."""
        name, port = self.wires[end]
        if end in self.cuts or not name:
            return self._added(end).ahead, ()
        if port == LOADED:
            return LOADING, ()
        return late[name], (end, *over[name])

    def _added(self, source: End) -> Ready:
        """Ways of tready in what cuts a wire, or in what stands at its other end outside."""
        if source not in self.added:
            self.added[source] = ready(self._register(source))
        return self.added[source]

    def _register(self, source: End) -> Pipe | Skid:
        """Returns the register that cuts the wire from `source`."""
        sink = self.wires[source]
        kernels = [(self.instances[name], port) for name, port in (source, sink) if name]
        kernel, port = kernels[0]
        stream = (kernel.outputs() if source[0] else kernel.inputs())[port]
        if source in self.outer - self.once:
            return Skid(STREAM_WIDTH=stream.width, beats=stream.beats)
        if source in self.once or any(kernel.spacing(port) > 1 for kernel, port in kernels):
            return Pipe(STREAM_WIDTH=stream.width, HALF_RATE=True, beats=stream.beats)
        return Skid(STREAM_WIDTH=stream.width, REGISTER_FORWARD=False, beats=stream.beats)

    def _worth(self, source: End) -> float:
        """What cutting a wire costs, in LUTs."""
        cost: Cost = self._register(source).cost()
        return cost.lut + FF_WORTH * cost.ff

    def made(self) -> tuple[dict[str, Kernel], Wires]:
        before: dict[str, dict[str, Kernel]] = {}
        after: dict[str, dict[str, Kernel]] = {}
        found = []
        for source, sink in self.wires.items():
            if source not in self.cuts:
                found.append((_text(source), _text(sink)))
                continue
            owner, port = source if source[0] else sink
            name = f"{owner}_{port}{CUT}".replace("_axis", "")
            placed = after if source[0] else before
            placed.setdefault(owner, {})[name] = self._register(source)
            found += [(_text(source), f"{name}.s_axis"), (f"{name}.m_axis", _text(sink))]
        order: dict[str, Kernel] = {}
        for name, kernel in self.instances.items():
            order |= before.get(name, {}) | {name: kernel} | after.get(name, {})
        return order, tuple(found)


def _end(text: str) -> End:
    name, _, port = text.rpartition(".")
    return name, port


def _text(end: End) -> str:
    return ".".join(part for part in end if part)
