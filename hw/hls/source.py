"""HLS C++ of kernels: constant arrays, calls of the templates, and the top function of a netlist.

A netlist's top function has one argument a stream, by the names of the SystemVerilog ports, and one
process a kernel under DATAFLOW. FIFOs and register slices are no processes: they give their depth
to the stream that passes through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.spec.hls import HlsCall, Rom
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream

INCLUDE = Path(__file__).resolve().parent / "include"
NAMESPACE = "samfabric"
LEAST_DEPTH = 2
"""Beats that a stream between two processes holds unless a FIFO says more."""
_VALUES_A_LINE = 24


def stream_type(stream: Stream) -> str:
    """C++ type of a stream: its beats are tdata, filled up to whole bytes."""
    return f"hls::stream<ap_uint<{stream.width}>>"


def axis_type(stream: Stream) -> str:
    """C++ type of a stream at an AXI4-Stream port: with tkeep, tstrb and tlast."""
    return f"hls::stream<{NAMESPACE}::AxisBeat<{stream.width}>>"


def rom_name(prefix: str, name: str) -> str:
    """The constant array `name` of the instance `prefix` is called so."""
    return f"{prefix}_{name}".upper()


def rom_text(name: str, rom: Rom) -> str:
    """Returns the C++ definition of a constant array."""
    sizes = "".join(f"[{n}]" for n in rom.values.shape)
    flat = [str(int(value)) for value in rom.values.ravel()]
    # Braces of inner dimensions may be left out: C++11, dcl.init.aggr.
    lines = [", ".join(flat[i : i + _VALUES_A_LINE]) for i in range(0, len(flat), _VALUES_A_LINE)]
    kind = f"{NAMESPACE}::Constant<{rom.bits}, {str(rom.signed).lower()}>"
    body = ",\n    ".join(lines)
    return f"static const {kind} {name}{sizes} = {{\n    {body}}};\n"


def roms_text(prefix: str, call: HlsCall) -> str:
    """Definitions of all constants of a call."""
    return "".join(rom_text(rom_name(prefix, name), rom) for name, rom in call.roms.items())


def call_text(prefix: str, call: HlsCall, streams: list[str], number: int) -> str:
    """The call itself. streams: names of the arguments, inputs first; number: of the instance."""
    values = [str(value) for value in call.template.values()]
    values += [str(number)] if call.instanced else []
    arguments = [*streams, *(rom_name(prefix, name) for name in call.roms)]
    function = f"{NAMESPACE}::{call.function}<{', '.join(values)}>"
    return f"{function}({', '.join(arguments)});"


@dataclass(frozen=True)
class Top:
    """A top function: what stands before it, lines of its body, headers, streams in order. axis:
    those with tlast are AXI4-Stream ports.
    """

    name: str
    before: str
    body: Sequence[str]
    headers: frozenset[str]
    inputs: Mapping[str, Stream]
    outputs: Mapping[str, Stream]
    axis: bool = False

    @property
    def text(self) -> str:
        """The source, without its includes."""
        body = "\n".join(self.body)
        return f"{self.before}{self.head()} {{\n{body}\n}}\n"

    def types(self) -> dict[str, str]:
        """C++ types of the arguments, inputs first."""
        return {
            name: axis_type(stream) if self.axis and stream.last else stream_type(stream)
            for name, stream in (*self.inputs.items(), *self.outputs.items())
        }

    def head(self) -> str:
        """The function's declaration without its semicolon."""
        arguments = ",\n    ".join(f"{kind}& {name}" for name, kind in self.types().items())
        return f"void {self.name}(\n    {arguments})"


def kernel_top(name: str, kernel: Kernel, number: int = 0) -> Top:
    """One kernel as a top function. Raises SpecError for a kernel without an HLS form."""
    call = kernel.hls()
    inputs, outputs = kernel.inputs(), kernel.outputs()
    body = call_text(name, call, [*inputs, *outputs], number)
    headers = frozenset({call.header, "stream"})
    return Top(name, roms_text(name, call), [f"  {body}"], headers, inputs, outputs)
