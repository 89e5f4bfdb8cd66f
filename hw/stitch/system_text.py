"""SystemVerilog of a system, as `System.verilog` writes it: instances of accelerators, channels and
registers, and the wires between them. What the parts do stands in the modules beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hw.design import Design
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.kernel import RomImage
from hw.spec.registers import ADDRESS_BITS
from hw.spec.stream import Stream
from hw.stitch import system_crc

SETTINGS = {"s_axis_length": "length", "s_axis_layer": "layer"}
"""Streams of an accelerator that get one beat a run -> the register in it."""
REGISTER_BITS = {"length": 16, "layer": 8}
BEAT = ("tlast", "tvalid", "tready")
"""Signals of a channel beside its data."""
FAULTS = ("early", "late")
"""What can be wrong with a channel's tlast."""
CHANNEL = {"clk": "clk", "rst": "channels_rst", "i_start": "start", "i_owner": "owner"}
"""Pins that channels and settings share."""


def control_ports(address_bits: int) -> list[str]:
    """Ports of the registers, AXI4-Lite, as a module declares them."""
    return f"""\
input  wire logic [{address_bits - 1}:0] s_axi_control_awaddr
input  wire logic s_axi_control_awvalid
output logic      s_axi_control_awready
input  wire logic [31:0] s_axi_control_wdata
input  wire logic [3:0] s_axi_control_wstrb
input  wire logic s_axi_control_wvalid
output logic      s_axi_control_wready
output logic      [1:0] s_axi_control_bresp
output logic      s_axi_control_bvalid
input  wire logic s_axi_control_bready
input  wire logic [{address_bits - 1}:0] s_axi_control_araddr
input  wire logic s_axi_control_arvalid
output logic      s_axi_control_arready
output logic      [31:0] s_axi_control_rdata
output logic      [1:0] s_axi_control_rresp
output logic      s_axi_control_rvalid
input  wire logic s_axi_control_rready""".splitlines()


CONTROL_PORTS = control_ports(ADDRESS_BITS)


class GraphModule(Protocol):
    """What a system needs of a graph's hardware; a `Netlist` has it."""

    @property
    def title(self) -> str:
        """The graph's module has this name."""

    def inputs(self) -> dict[str, Stream]: ...
    def outputs(self) -> dict[str, Stream]: ...
    def parameters(self) -> dict[str, int | str]: ...
    def memories(self) -> dict[str, RomImage]: ...
    def design(self, folder: Path) -> Design:
        """Writes the graph's module into `folder` and returns its design."""


@dataclass(frozen=True)
class Use:
    """A stream of a graph on a channel. load: of its setup, else of a run."""

    graph: GraphHardware
    end: StreamEnd
    load: bool = False

    @property
    def owner(self) -> str:
        """Constant that `owner` equals while the channel belongs to the stream."""
        return f"{self.graph.name.upper()}_LOAD" if self.load else self.graph.name.upper()

    @property
    def wire(self) -> str:
        """The accelerator's signals for this stream begin with this name."""
        return f"{self.graph.name}_{self.end.name}"


def text(
    title: str,
    accelerators: Mapping[str, GraphModule],
    hardware: Hardware,
    memories: Sequence[str],
    most: Callable[[GraphHardware], int],
) -> str:
    """The module. memories: its parameters. most: greatest LENGTH of a graph."""
    graphs = sorted(hardware.graphs, key=lambda g: g.index)
    inputs = [
        [u for g in graphs for u in _inputs(g) if u.end.channel == n]
        for n in range(hardware.in_channels)
    ]
    outputs = [
        [Use(g, e) for g in graphs for e in g.outputs if e.channel == n]
        for n in range(hardware.out_channels)
    ]
    settings = [
        (g, port) for g in graphs for port in accelerators[g.name].inputs() if port in SETTINGS
    ]
    lines = [*_head(title, memories, len(inputs), len(outputs)), *_owners(graphs)]
    lines += [system_crc.declaration()]
    lines += _control(hardware.identity, graphs, most, inputs, outputs, settings)
    lines += system_crc.instance(len(inputs), len(outputs))
    for n, uses in enumerate(inputs):
        lines += _input(n, uses)
    for n, uses in enumerate(outputs):
        lines += _output(n, uses)
    for graph, port in settings:
        lines += _setting(graph, port)
    for graph in graphs:
        lines += _accelerator(graph, accelerators[graph.name])
    return "\n".join([*lines, "endmodule", "", "`default_nettype wire", ""])


def _inputs(graph: GraphHardware) -> list[Use]:
    setup = [Use(graph, graph.setup, load=True)] if graph.setup else []
    return [*(Use(graph, end) for end in graph.inputs), *setup]


def _head(title: str, memories: Sequence[str], inputs: int, outputs: int) -> list[str]:
    ports = list(CONTROL_PORTS)
    for n in range(inputs):
        ports += [
            f"input  wire logic [7:0] s_axis_{n}_tdata",
            *(f"input  wire logic s_axis_{n}_{s}" for s in ("tlast", "tvalid")),
            f"output logic      s_axis_{n}_tready",
        ]
    for n in range(outputs):
        ports += [
            f"output logic      [7:0] m_axis_{n}_tdata",
            *(f"output logic      m_axis_{n}_{s}" for s in ("tlast", "tvalid")),
            f"input  wire logic m_axis_{n}_tready",
        ]
    return head(
        title,
        memories,
        ports,
        (
            "// Made by hw.stitch: accelerators behind one register block and shared stream "
            "channels.",
            "// Registers: hw/spec/registers.py. Streams on channels: hardware.json.",
        ),
    )


def head(
    title: str, memories: Sequence[str], ports: Sequence[str], said: Sequence[str]
) -> list[str]:
    """The module's beginning: what it says of itself, the files of its memories, its ports."""
    whole = ["input  wire logic clk", "input  wire logic rst", *ports]
    files = ",\n".join(f'    parameter {name} = ""' for name in memories)
    return [
        "// SPDX-License-Identifier: Apache-2.0",
        *said,
        "`default_nettype none",
        "",
        *([f"module {title} #(", files, ") ("] if memories else [f"module {title} ("]),
        ",\n".join(f"    {port}" for port in whole),
        ");",
    ]


def _owners(graphs: Sequence[GraphHardware]) -> list[str]:
    """Constants for the owners of channels."""
    lines = ["  // Who owns the channels: {loading, graph}"]
    for g in graphs:
        lines.append(f"  localparam logic [8:0] {g.name.upper()} = 9'h{g.index:03x};")
        if g.setup:
            lines.append(
                f"  localparam logic [8:0] {g.name.upper()}_LOAD = 9'h{256 + g.index:03x};"
            )
    return [
        *lines,
        "",
        "  logic [7:0] graph, layer;",
        "  logic [15:0] length;",
        "  logic [8:0] owner;",
        "  logic loading, start, channels_rst, inputs_done, outputs_done;",
        "  assign owner = {loading, graph};",
    ]


def _control(
    identity: int,
    graphs: Sequence[GraphHardware],
    most: Callable[[GraphHardware], int],
    inputs: Sequence[Sequence[Use]],
    outputs: Sequence[Sequence[Use]],
    settings: Sequence[tuple[GraphHardware, str]],
) -> list[str]:
    """The registers, what they hear of the channels, and all signals between them."""
    busy = [f"in_{n}_open" for n in range(len(inputs))]
    busy += [f"{g.name}_{port}_tvalid" for g, port in settings]
    faults = {kind: packed(f"in_{n}_{kind}" for n in range(len(inputs))) for kind in FAULTS}
    lengths = [most(g) if any(end.ragged for end in g.inputs) else 0 for g in graphs]
    parameters = {
        "IDENTITY": f"32'h{identity:08x}",
        "GRAPHS": f"8'd{len(graphs)}",
        "LENGTHS": packed(f"16'd{length}" for length in lengths),
        "LOADS": packed(f"1'b{int(g.setup is not None)}" for g in graphs),
    }
    names = [port.split("control_")[1] for port in CONTROL_PORTS]
    pins = {f"s_axi_{name}": f"s_axi_control_{name}" for name in names}
    pins |= {"o_graph": "graph", "o_length": "length", "o_layer": "layer"}
    pins |= {"o_rst": "channels_rst", "o_start": "start", "o_loading": "loading"}
    pins |= {"i_inputs_done": "inputs_done", "i_outputs_done": "outputs_done"}
    pins |= {f"i_{kind}": f"8'({bits})" for kind, bits in faults.items()}
    pins |= system_crc.PINS
    lines = [""]
    for n in range(len(inputs)):
        lines += [f"  logic in_{n}_open, in_{n}_early, in_{n}_late;"]
        lines += ["  // verilator lint_off UNUSEDSIGNAL", f"  logic in_{n}_tlast;  // some count"]
        lines += ["  // verilator lint_on UNUSEDSIGNAL"]
    lines += [f"  logic out_{n}_open;" for n in range(len(outputs))]
    lines += [f"  logic {g.name}_{port}_tvalid, {g.name}_{port}_tready;" for g, port in settings]
    return [
        *lines,
        f"  assign inputs_done  = !({' || '.join(busy)});",
        f"  assign outputs_done = !({' || '.join(f'out_{n}_open' for n in range(len(outputs)))});",
        *instance("control", "control", parameters, {"clk": "clk", "rst": "rst"} | pins),
    ]


def _input(n: int, uses: Sequence[Use]) -> list[str]:
    """A channel into the system."""
    groups = [u.end.beats * (u.end.rows if u.end.ragged else 1) for u in uses]
    parameters = {
        "USES": f"{len(uses)}",
        "OWNERS": packed(u.owner for u in uses),
        "BEATS": packed(f"25'h{(group - 2) % (1 << 25):07x}" for group in groups),
        "ROWS": packed(f"16'd{u.end.rows if u.end.ragged else 0}" for u in uses),
    }
    pins = {"i_length": "length"} | {f"s_axis_{s}": f"s_axis_{n}_{s}" for s in BEAT}
    pins |= {"m_axis_tlast": f"in_{n}_tlast"}
    pins |= {f"m_axis_{s}": packed(f"{u.wire}_{s}" for u in uses) for s in ("tvalid", "tready")}
    pins |= {f"o_{s}": f"in_{n}_{s}" for s in ("open", *FAULTS)}
    return [
        "",
        f"  // ---- Input channel {n}: {', '.join(f'{u.graph.name} {u.end.port}' for u in uses)}",
        *(f"  logic {u.wire}_tvalid, {u.wire}_tready;" for u in uses),
        *instance("system_input", f"in_{n}", parameters, CHANNEL | pins),
    ]


def _output(n: int, uses: Sequence[Use]) -> list[str]:
    """A channel out of the system."""
    parameters = {"USES": f"{len(uses)}", "OWNERS": packed(u.owner for u in uses)}
    pins = {f"s_axis_{s}": packed(f"{u.wire}_{s}" for u in uses) for s in ("tdata", *BEAT)}
    pins |= {f"m_axis_{s}": f"m_axis_{n}_{s}" for s in ("tdata", *BEAT)}
    lines = [
        "",
        f"  // ---- Output channel {n}: {', '.join(f'{u.graph.name} {u.end.port}' for u in uses)}",
    ]
    for u in uses:
        lines += [f"  logic {u.wire}_tlast, {u.wire}_tvalid, {u.wire}_tready;"]
        lines += [f"  logic [7:0] {u.wire}_tdata;"]
    pins |= {"o_open": f"out_{n}_open"}
    return [*lines, *instance("system_output", f"out_{n}", parameters, CHANNEL | pins)]


def _setting(graph: GraphHardware, port: str) -> list[str]:
    """A stream of an accelerator that gets one beat a run."""
    wire = f"{graph.name}_{port}"
    pins = {f"m_axis_{s}": f"{wire}_{s}" for s in ("tvalid", "tready")}
    return [
        "",
        f"  // ---- {SETTINGS[port].upper()} for {graph.name}, one beat a run",
        *instance("system_setting", wire, {"OWNER": graph.name.upper()}, CHANNEL | pins),
    ]


def packed(signals: Iterable[str]) -> str:
    """A concatenation whose first signal is the lowest."""
    return "{" + ", ".join(reversed(list(signals))) + "}"


def instance(
    module: str, name: str, parameters: Mapping[str, str], pins: Mapping[str, str]
) -> list[str]:
    """An instance u_<name> of a module, one parameter and one pin a line."""
    values, wires = (
        ",\n".join(f"      .{k}" if k == v else f"      .{k}({v})" for k, v in given.items())
        for given in (parameters, pins)
    )
    head = f"  {module} #(\n{values}\n  ) u_{name} (" if parameters else f"  {module} u_{name} ("
    return ["", head, wires, "  );"]


def _accelerator(graph: GraphHardware, accelerator: GraphModule) -> list[str]:
    """A graph's accelerator on its channels."""
    values = {
        k: f'"{v}"' if isinstance(v, str) else f"{v}" for k, v in accelerator.parameters().items()
    }
    values |= {k.upper(): f"{graph.name}_{k}".upper() for k in accelerator.memories()}
    channels = {u.end.name: u.end.channel for u in _inputs(graph)}
    pins = {"clk": "clk", "rst": "channels_rst"}
    for port, stream in accelerator.inputs().items():
        if port in SETTINGS:
            register = SETTINGS[port]
            low = min(stream.width, REGISTER_BITS[register])
            pins[f"{port}_tdata"] = f"{stream.width}'({register}[{low - 1}:0])"
        else:
            pins[f"{port}_tdata"] = f"s_axis_{channels[port]}_tdata"
            pins |= {f"{port}_tlast": f"in_{channels[port]}_tlast"} if stream.last else {}
        pins |= {f"{port}_{s}": f"{graph.name}_{port}_{s}" for s in ("tvalid", "tready")}
    for end in graph.outputs:
        pins |= {f"{end.name}_{s}": f"{graph.name}_{end.name}_{s}" for s in ("tdata", *BEAT)}
    return instance(accelerator.title, graph.name, values, pins)
