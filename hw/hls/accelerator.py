"""A netlist as one HLS top function: a process a kernel, a stream a wire, under DATAFLOW.

Four things differ from the SystemVerilog module of the same netlist. Skids that cut readies are
left out, since HLS makes handshakes of its own. FIFOs and register slices between kernels are the
depth of the stream that they stand in. What is loaded once after reset is led to its memories by
one process, which does its work in the first call. The length of a frame's ragged inputs is read by
one process, which tells it to each kernel that counts their beats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hw.hls.source import (
    LEAST_DEPTH,
    NAMESPACE,
    Top,
    call_text,
    roms_text,
    stream_type,
)
from hw.kernels.attention import Attention
from hw.kernels.duplicate import Duplicate
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.spec.errors import SpecError
from hw.spec.hls import HlsCall
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream
from hw.stitch.cuts import joined
from hw.stitch.netlist import End, Netlist, end_of

SLICES = ("fifo", "pipe", "skid")
"""Kernels that pass beats on and hold some."""
LENGTH = "s_axis_length"
RAGGED = ("s_axis_k", "s_axis_v")
"""Streams of an attention whose beats follow from the frame's length."""
PORTED = "_hls"
"""The name of a top function with AXI4-Stream ports ends so."""
WIDEST = 4096
"""Bits of the widest ap_uint (UG1399, "Arbitrary Precision (AP) Data Types")."""
HEADERS = frozenset({"stream", "channels", "ends"})
"""Headers of the processes that are no kernels."""


@dataclass
class _Wire:
    """A stream inside the top function, or with depth 0 one of its arguments."""

    name: str
    stream: Stream
    depth: int = 0


class _Emitter:
    def __init__(self, netlist: Netlist, axis: bool) -> None:
        parts, wires = joined(netlist.instances, netlist.wires)
        netlist = replace(netlist, instances=parts, wires=wires)
        self.netlist, self.axis = netlist, axis
        self.feeds: dict[End, End] = {end_of(b): end_of(a) for a, b in wires}
        self.reads: dict[End, End] = {a: b for b, a in self.feeds.items()}
        self.given = {self.feeds[("", name)]: name for name in netlist.outputs()}
        self.wires: dict[End, _Wire] = {
            ("", name): self._end(name, stream) for name, stream in netlist.inputs().items()
        }
        self.extra: list[_Wire] = []
        self.processes: list[str] = []
        self.before = ""
        """Text of functions of the top's own."""

    def top(self) -> Top:
        net = self.netlist
        loading = set(self._loading())
        ragged = self._ragged()
        calls = {n: self._form(n, k) for n, k in net.instances.items() if n not in loading}
        entries = self._ragged_entries(ragged) if self.axis else {}
        lengths = self._lengths([*ragged, *entries])
        if self.axis:
            self._take(entries, lengths)
        self._load()
        for number, (name, kernel) in enumerate(net.instances.items()):
            if name in loading or self._became_depth(name, kernel):
                continue
            if name in ragged and not isinstance(kernel, Attention):
                self._ragged_process(name, kernel, lengths[name], ragged[name])
            else:
                self._process(name, kernel, calls[name], number, lengths.get(name))
        if self.axis:
            self._give()
        roms = "".join(roms_text(n, c) for n, c in calls.items())
        arguments = net.inputs() | net.outputs()
        inner = {w.name: w for w in (*self.wires.values(), *self.extra) if w.depth}
        for wire in inner.values():
            if wire.stream.width > WIDEST:
                raise SpecError(
                    f"{net.title}: {wire.name} has beats of {wire.stream.width} bits",
                    f"ap_uint has {WIDEST} at most: fold the layer more",
                )
        declared = [f'{stream_type(w.stream)} {w.name}("{w.name}");' for w in inner.values()]
        pragmas = [
            f"#pragma HLS STREAM variable = {w.name} depth = {w.depth}" for w in inner.values()
        ]
        lines = [*(interface(arguments) if self.axis else ()), "#pragma HLS DATAFLOW"]
        lines += [*_indented(declared), *pragmas, *_indented(self.processes)]
        headers = HEADERS | {c.header for c in calls.values()} | ({"axis"} if self.axis else set())
        before = roms + self.before
        return Top(self.title, before, lines, headers, net.inputs(), net.outputs(), self.axis)

    def _form(self, name: str, kernel: Kernel) -> HlsCall:
        try:
            return kernel.hls()
        except SpecError as error:
            where = f"{self.netlist.title}: {name}: {error.message}"
            raise SpecError(where, error.remedy) from error

    @property
    def title(self) -> str:
        """Name of the function: with ports it is another than the accelerator's module."""
        return f"{self.netlist.title}{PORTED if self.axis else ''}"

    # AXI4-Stream ports.

    def _end(self, name: str, stream: Stream) -> _Wire:
        """What the processes read or write of an argument: itself, or a stream behind a port that
        has side channels.
        """
        if self.axis and stream.last:
            return _Wire(f"{name}_beats", stream, LEAST_DEPTH)
        return _Wire(name, stream)

    def _ragged_entries(self, ragged: dict[str, Attention]) -> dict[str, Attention]:
        """Inputs of the netlist whose beats follow from the frame's length, and who reads them."""
        found = {}
        for name in self.netlist.inputs():
            reader, port = self.reads[("", name)]
            kernel = ragged.get(reader)
            if kernel and (kernel is not self.netlist.instances[reader] or port in RAGGED):
                found[name] = kernel
        return found

    def _take(self, entries: dict[str, Attention], lengths: dict[str, str]) -> None:
        """A process behind each port that comes in."""
        for name, stream in self.netlist.inputs().items():
            inner = self.wires[("", name)].name
            if inner == name:
                continue
            if name in entries:
                reader = entries[name]
                values = f"{stream.width}, {reader.DIM}, {reader.PE}, {reader.LENGTH}"
                call = f"take_ragged<{values}>({name}, {lengths[name]}, {inner});"
            else:
                once = "_once" if name in self.netlist.setup() else ""
                call = f"take{once}<{stream.width}, {stream.beats}>({name}, {inner});"
            self.processes.append(f"{NAMESPACE}::{call}")

    def _give(self) -> None:
        """A process before each port that goes out."""
        for name, stream in self.netlist.outputs().items():
            inner = self.wires[self.feeds[("", name)]].name
            if inner != name:
                values = f"{stream.width}, {stream.beats}"
                self.processes.append(f"{NAMESPACE}::give<{values}>({inner}, {name});")

    # What is loaded once.

    def _loading(self) -> Iterator[str]:
        """Instances that only the setup streams reach: they lead it to the memories."""
        reached: set[End] = {("", name) for name in self.netlist.setup()}
        for name, kernel in self.netlist.instances.items():
            ports = [(name, p) for p in kernel.inputs() if p not in kernel.setup()]
            if ports and all(self.feeds[port] in reached for port in ports):
                reached |= {(name, p) for p in kernel.outputs()}
                yield name

    def _memories(self, end: End) -> Iterator[End]:
        """Ports that what comes from `end` is loaded into, in the order of its beats."""
        name, port = self.reads[end]
        kernel = self.netlist.instances[name]
        if port in kernel.setup():
            yield name, port
            return
        for output in kernel.outputs():
            yield from self._memories((name, output))

    def _load(self) -> None:
        """The process that reads the setup stream, a byte a beat, and fills the memories."""
        for source in self.netlist.setup():
            ends = list(self._memories(("", source)))
            streams = {f"{n}_{p}": self.netlist.instances[n].inputs()[p] for n, p in ends}
            for (end, name), stream in zip(
                zip(ends, streams, strict=True), streams.values(), strict=True
            ):
                self.wires[end] = _Wire(name, stream, LEAST_DEPTH)
            head = ", ".join(f"{stream_type(s)}& {n}" for n, s in streams.items())
            lines = [
                f"{NAMESPACE}::load_words<{s.width}, {s.beats}>(bytes, {n});"
                for n, s in streams.items()
            ]
            function = f"{self.title}_load"
            self.before += (
                f"static void {function}(hls::stream<ap_uint<8>>& bytes, {head}) {{\n"
                "  static bool loaded = false;\n#pragma HLS RESET variable = loaded\n"
                "  if (loaded) return;\n" + "\n".join(_indented(lines)) + "\n  loaded = true;\n}\n"
            )
            bytes_ = self.wires[("", source)].name
            self.processes.append(f"{function}({', '.join((bytes_, *streams))});")

    # What has a frame's own length.

    def _ragged(self) -> dict[str, Attention]:
        """Instances on the way of ragged inputs, and the attention that reads them."""
        found: dict[str, Attention] = {}
        for name, kernel in self.netlist.instances.items():
            if not (isinstance(kernel, Attention) and kernel.RAGGED):
                continue
            found[name] = kernel
            for port in RAGGED:
                source = self.feeds[(name, port)]
                while source[0]:
                    other = found.setdefault(source[0], kernel)
                    if (other.PE, other.DIM) != (kernel.PE, kernel.DIM):
                        raise SpecError(
                            f"{self.netlist.title}: {source[0]} serves attentions of PE"
                            f" {other.PE} and {kernel.PE}",
                            "readers of one ragged input have one folding in HLS",
                        )
                    (entry,) = self.netlist.instances[source[0]].inputs()
                    source = self.feeds[(source[0], entry)]
        return found

    def _lengths(self, ragged: list[str]) -> dict[str, str]:
        """A stream of lengths for each instance or input that asks for one, and the process that
        fills them.
        """
        if LENGTH not in self.netlist.inputs():
            return {}
        stream = self.netlist.inputs()[LENGTH]
        names = {
            name: f"{name}_length"
            for name in ragged
            if name not in self.netlist.instances or self.netlist.instances[name].name not in SLICES
        }
        self.extra += [_Wire(n, stream, LEAST_DEPTH) for n in names.values()]
        function = f"{self.title}_lengths"
        head = ", ".join(f"{stream_type(stream)}& {n}" for n in names.values())
        writes = [f"{n}.write(length);" for n in names.values()]
        self.before += (
            f"static void {function}({stream_type(stream)}& lengths, {head}) {{\n"
            f"  const ap_uint<{stream.width}> length = lengths.read();\n"
            + "\n".join(_indented(writes))
            + "\n}\n"
        )
        self.processes.append(f"{function}({', '.join((LENGTH, *names.values()))});")
        return names

    def _ragged_process(self, name: str, kernel: Kernel, length: str, reader: Attention) -> None:
        """A kernel on the way of a ragged input: its beats follow from the frame's length."""
        if not isinstance(kernel, Dwc | Duplicate):
            raise SpecError(
                f"{self.netlist.title}: {name}, a {kernel.name}, stands before ragged keys",
                "only changes of lanes, forks and FIFOs have a length of their own in HLS",
            )
        ends = self._arguments(name, kernel)
        rows = f"{reader.DIM}, {reader.PE}"
        if isinstance(kernel, Dwc):
            lanes = f"{kernel.IN_LANES}, {kernel.OUT_LANES}, {kernel.ELEM_WIDTH}"
            template = f"dwc_ragged<{lanes}, {rows}, {reader.LENGTH}>"
        else:
            codes = reader.LENGTH * reader.DIM // kernel.beats
            template = f"duplicate_ragged<{kernel.STREAM_WIDTH}, {codes}, {rows}, {reader.LENGTH}>"
        self.processes.append(
            f"{NAMESPACE}::{template}({', '.join([ends[0], length, *ends[1:]])});"
        )

    # Everything else.

    def _became_depth(self, name: str, kernel: Kernel) -> bool:
        """Makes a slice the depth of the stream that enters it, where both its ends are inside."""
        if kernel.name not in SLICES:
            return False
        before = self.wires[self.feeds[(name, "s_axis")]]
        if not before.depth or (name, "m_axis") in self.given:
            return False
        before.depth += kernel.capacity if isinstance(kernel, Fifo) else 1
        self.wires[(name, "m_axis")] = before
        return True

    def _arguments(self, name: str, kernel: Kernel) -> list[str]:
        """Names of a kernel's streams, inputs first."""
        names = []
        for port in kernel.inputs():
            loaded = port in kernel.setup()
            names.append(self.wires[(name, port) if loaded else self.feeds[(name, port)]].name)
        for port, stream in kernel.outputs().items():
            wire = _Wire(f"{name}_{port}", stream, LEAST_DEPTH)
            if (name, port) in self.given:
                wire = self._end(self.given[(name, port)], stream)
            self.wires[(name, port)] = wire
            names.append(wire.name)
        return names

    def _process(
        self, name: str, kernel: Kernel, call: HlsCall, number: int, length: str | None
    ) -> None:
        names = self._arguments(name, kernel)
        if length is not None:
            names = [length if n == LENGTH else n for n in names]
        self.processes.append(call_text(name, call, names, number))
        for port, stream in kernel.outputs().items():
            if f"{name}.{port}" in self.netlist.drops:
                wire = self.wires[(name, port)].name
                self.processes.append(
                    f"{NAMESPACE}::drain<{stream.width}, {stream.beats}>({wire});"
                )


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def interface(arguments: Mapping[str, Stream]) -> list[str]:
    """Returns the pragmas of a top function's ports: AXI4-Stream, and AXI4-Lite for ap_ctrl."""
    ports = [f"#pragma HLS INTERFACE mode = axis port = {name}" for name in arguments]
    return [*ports, "#pragma HLS INTERFACE mode = s_axilite port = return bundle = control"]


def netlist_top(netlist: Netlist, axis: bool = False) -> Top:
    """Returns the netlist's top function.

    By default it has the netlist's title and plain streams. With axis it is what becomes an IP:
    <title>_hls, whose ports are AXI4-Streams with the SystemVerilog ports' tlast, started over
    AXI4-Lite.
    Raises SpecError for a kernel without an HLS form, or one that cannot stand where it does.
    """
    return _Emitter(netlist, axis).top()
