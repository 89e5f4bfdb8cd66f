"""Kernels wired stream to stream: one SystemVerilog module, and the golden model of the whole.

A netlist is a kernel to the test bench: it has streams, a golden (the parts' goldens in order) and
a design. Only its cycle count is an estimate, that of its slowest part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.design import Design
from hw.library import input_ports, sources
from hw.spec.dtypes import Arrays
from hw.spec.errors import SpecError
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost, Kernel, RomImage
from hw.spec.stream import Stream

End = tuple[str, str]
"""An end is (instance, port); instance "" is the netlist's own."""


@dataclass(frozen=True, eq=False)
class Netlist(Kernel):
    """Args:
        title: name of the module.
        instances: kernels by instance name, in an order in which data flow.
        wires: (from, to) pairs of ends written "instance.port"; "port" alone is the netlist's own
            input or output.
        drops: outputs whose beats nobody wants: they are always taken.
        loads: codes by own input that are sent once after reset.
        ends: streams of the netlist's own ports where its parts know them as bytes only.

    Raises SpecError for an unknown end, one driven twice or not at all, or two streams that differ
    in shape, width or lanes.
    """

    exact = False

    title: str
    instances: Mapping[str, Kernel]
    wires: tuple[tuple[str, str], ...]
    drops: tuple[str, ...] = ()
    ends: Mapping[str, Stream] = field(default_factory=dict)
    loads: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def validate(self) -> None:
        driven: set[End] = set()
        used: set[End] = {end_of(drop) for drop in self.drops}
        for source, sink in self.wires:
            a, b = end_of(source), end_of(sink)
            for end, seen in ((a, used), (b, driven)):
                if end in seen:
                    raise SpecError(f"{self.title}: {'.'.join(end)} is wired twice", "fork it")
                seen.add(end)
            self._fits(a, b)
        for name, kernel in self.instances.items():
            ends = [((name, port), driven) for port in kernel.inputs()]
            ends += [((name, port), used) for port in kernel.outputs()]
            for end, seen in ends:
                if end not in seen:
                    raise SpecError(f"{self.title}: {'.'.join(end)} is not wired", "wire it")

    def _fits(self, source: End, sink: End) -> None:
        a = self._port(source, "outputs") if source[0] else None
        b = self._port(sink, "inputs") if sink[0] else None
        if a is None or b is None:
            return
        same = (a.size, a.lanes, a.dtype.bits) == (b.size, b.lanes, b.dtype.bits)
        plain = any(self.instances[name].plain for name, _ in (source, sink))
        plain |= sink[1] in self.instances[sink[0]].setup()
        if not same and not (plain and (a.beats, a.width) == (b.beats, b.width)):
            raise SpecError(
                f"{self.title}: {'.'.join(source)} is {_text(a)}, {'.'.join(sink)} {_text(b)}",
                "both ends of a wire have one size, type width and number of lanes",
            )
        if b.last and not a.last:
            raise SpecError(f"{self.title}: {'.'.join(source)} has no tlast", "its reader needs it")

    def _port(self, end: End, side: str) -> Stream:
        if end[0] not in self.instances:
            raise SpecError(f"{self.title}: no instance {end[0]!r}", "name one of the instances")
        ports: dict[str, Stream] = getattr(self.instances[end[0]], side)()
        if end[1] not in ports:
            raise SpecError(f"{self.title}: {end[0]} has no {end[1]}", f"use {', '.join(ports)}")
        return ports[end[1]]

    def inputs(self) -> dict[str, Stream]:
        """Ports of the parts that the netlist's own inputs are wired to."""
        pairs = ((end_of(a), end_of(b)) for a, b in self.wires)
        found = {a[1]: self._port(b, "inputs") for a, b in pairs if not a[0]}
        return {k: self.ends.get(k, s) for k, s in found.items()}

    def outputs(self) -> dict[str, Stream]:
        """Ports of the parts that drive the netlist's own outputs."""
        pairs = ((end_of(a), end_of(b)) for a, b in self.wires)
        found = {b[1]: self._port(a, "outputs") for a, b in pairs if not b[0]}
        return {k: self.ends.get(k, s) for k, s in found.items()}

    def setup(self) -> Arrays:
        return dict(self.loads)

    def golden(self, inputs: dict[str, Any]) -> dict[str, Any]:
        tensors: dict[End, tuple[Tensor, Stream]] = {
            ("", k): (inputs[k], s) for k, s in self.inputs().items() if k in inputs
        }
        feeds = {end_of(b): end_of(a) for a, b in self.wires}
        for name, kernel in self.instances.items():
            ports = {k: s for k, s in kernel.inputs().items() if k not in kernel.setup()}
            if any(feeds[(name, port)] not in tensors for port in ports):
                continue  # on the way of what is loaded once
            given = {k: _carry(*tensors[feeds[(name, k)]], s) for k, s in ports.items()}
            for port, codes in kernel.golden(given).items():
                tensors[(name, port)] = (codes, kernel.outputs()[port])
        return {k: _carry(*tensors[feeds[("", k)]], s) for k, s in self.outputs().items()}

    def ideal_cycles(self, **settings: int) -> int:
        return max(k.ideal_cycles(**settings) for k in self.instances.values())

    def cycles(self, frames: int = 1, **settings: int) -> int:
        """An upper estimate: every part after the other for the first frame."""
        first = sum(k.cycles(1, **settings) for k in self.instances.values())
        return first + (frames - 1) * self.ideal_cycles(**settings)

    def cost(self) -> Cost:
        total = Cost()
        for kernel in self.instances.values():
            total = total + kernel.cost()
        return total

    def memories(self) -> dict[str, RomImage]:
        return {
            f"{name}_{parameter}".upper(): memory
            for name, kernel in self.instances.items()
            for parameter, memory in kernel.memories().items()
        }

    def parameters(self) -> dict[str, int | str]:
        return {}

    def design(self, folder: Path) -> Design:
        """Writes the module into `folder`, with the files of its parts."""
        path = folder / f"{self.title}.sv"
        with atomic_path(path) as part:
            part.write_text(self.verilog(), encoding="utf-8")
        files: dict[Path, None] = {}
        for kernel in self.instances.values():
            files.update(dict.fromkeys(sources(kernel.name)))
        return Design(self.title, (*files, path), {}, self.memories())

    def verilog(self) -> str:
        """The module: one instance a kernel, one bundle of wires a stream."""
        ports = ["input  wire logic clk", "input  wire logic rst"]
        for name, stream in self.inputs().items():
            ports += port_lines(name, stream, "input  wire logic", "output logic     ")
        for name, stream in self.outputs().items():
            ports += port_lines(name, stream, "output logic     ", "input  wire logic")
        feeds = {end_of(b): end_of(a) for a, b in self.wires}
        reads = {a: b for b, a in feeds.items()}
        body: list[str] = []
        for (name, port), sink in reads.items():
            if name and sink[0]:
                stream = self._port((name, port), "outputs")
                wire = f"{name}_{port}"
                body.append(f"  logic [{stream.width - 1}:0] {wire}_tdata;")
                used = ["tvalid", "tready"]
                used += ["tlast"] if self._port(sink, "inputs").last else []
                body += [f"  logic {wire}_{signal};" for signal in used]
        for name, kernel in self.instances.items():
            body += ["", *self._instance(name, kernel, feeds, reads)]
        memories = [f'    parameter {name} = ""' for name in self.memories()]
        head = f"module {self.title} #(\n" + ",\n".join(memories) + "\n) (\n" if memories else ""
        return "\n".join(
            [
                "// SPDX-License-Identifier: Apache-2.0",
                "// Made by hw.stitch: kernels wired stream to stream.",
                "`default_nettype none",
                "",
                (head or f"module {self.title} (\n") + ",\n".join(f"    {p}" for p in ports),
                ");",
                *body,
                "endmodule",
                "",
                "`default_nettype wire",
                "",
            ]
        )

    def _instance(
        self, name: str, kernel: Kernel, feeds: dict[End, End], reads: dict[End, End]
    ) -> list[str]:
        values = [
            f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})"
            for k, v in kernel.parameters().items()
        ]
        values += [f".{k}({name.upper()}_{k})" for k in kernel.memories()]
        pins = [".clk(clk)", ".rst(rst)"]
        for port, stream in kernel.inputs().items():
            source = feeds[(name, port)]
            wire = "_".join(part for part in source if part)
            pins += [f".{port}_{s}({wire}_{s})" for s in ("tdata", "tvalid", "tready")]
            pins += [f".{port}_tlast({wire}_tlast)"] if stream.last else []
        for port, stream in kernel.outputs().items():
            if f"{name}.{port}" in self.drops:
                pins += [f".{port}_{s}()" for s in ("tdata", "tvalid")]
                pins += [f".{port}_tready(1'b1)"] + ([f".{port}_tlast()"] if stream.last else [])
                continue
            sink = reads[(name, port)]
            wire = f"{name}_{port}" if sink[0] else sink[1]
            pins += [f".{port}_{s}({wire}_{s})" for s in ("tdata", "tvalid", "tready")]
            if stream.last:
                taken = not sink[0] or self._port(sink, "inputs").last
                pins.append(f".{port}_tlast({wire + '_tlast' if taken else ''})")
        wired = {pin[1:].split("(")[0] for pin in pins}
        pins += [f".{port}('0)" for port in input_ports(kernel.name) if port not in wired]
        header = (
            f"  {kernel.name} #(\n" + ",\n".join(f"      {v}" for v in values) + f"\n  ) u_{name} ("
        )
        if not values:
            header = f"  {kernel.name} u_{name} ("
        return [header, ",\n".join(f"      {p}" for p in pins), "  );"]


def end_of(text: str) -> End:
    """An end as a wire spells it."""
    name, dot, port = text.rpartition(".")
    return (name, port) if dot else ("", text)


def port_lines(name: str, stream: Stream, there: str, back: str) -> list[str]:
    """A stream's ports of a module, declared with `there` in its direction and `back` against."""
    ports = [f"{there} [{stream.width - 1}:0] {name}_tdata"]
    ports += [f"{there} {name}_tlast"] if stream.last else []
    return [*ports, f"{there} {name}_tvalid", f"{back} {name}_tready"]


def _carry(codes: Tensor, source: Stream, sink: Stream) -> Tensor:
    """What a reader makes of the beats: the same bits as its own codes and shape."""
    if source != sink:
        codes = torch.from_numpy(sink.unpack(source.pack(codes.numpy())))
    return codes.reshape(sink.shape)


def _text(stream: Stream) -> str:
    return f"{stream.size} {stream.dtype.name} by {stream.lanes}"
