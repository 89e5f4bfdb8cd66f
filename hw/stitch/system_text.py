"""SystemVerilog of a system: what `System.verilog` writes, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

CONTROL_PORTS = f"""\
input  wire logic [{ADDRESS_BITS - 1}:0] s_axi_control_awaddr
input  wire logic s_axi_control_awvalid
output logic      s_axi_control_awready
input  wire logic [31:0] s_axi_control_wdata
input  wire logic [3:0] s_axi_control_wstrb
input  wire logic s_axi_control_wvalid
output logic      s_axi_control_wready
output logic      [1:0] s_axi_control_bresp
output logic      s_axi_control_bvalid
input  wire logic s_axi_control_bready
input  wire logic [{ADDRESS_BITS - 1}:0] s_axi_control_araddr
input  wire logic s_axi_control_arvalid
output logic      s_axi_control_arready
output logic      [31:0] s_axi_control_rdata
output logic      [1:0] s_axi_control_rresp
output logic      s_axi_control_rvalid
input  wire logic s_axi_control_rready""".splitlines()


class GraphModule(Protocol):
    """What a system needs of a graph's hardware; a `Netlist` has it."""

    @property
    def title(self) -> str:
        """Name of its module."""

    def inputs(self) -> dict[str, Stream]: ...
    def outputs(self) -> dict[str, Stream]: ...
    def parameters(self) -> dict[str, int | str]: ...
    def memories(self) -> dict[str, RomImage]: ...
    def design(self, folder: Path) -> Design:
        """Writes its module into `folder`."""


@dataclass(frozen=True)
class Use:
    """A stream of a graph on a channel. load: of its setup, else of a run."""

    graph: GraphHardware
    end: StreamEnd
    load: bool = False

    @property
    def choice(self) -> str:
        """Constant that `selected` equals when the channel belongs to it."""
        return f"{self.graph.name.upper()}_LOAD" if self.load else self.graph.name.upper()

    @property
    def wire(self) -> str:
        """Stem of the accelerator's signals."""
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
    lines = [*_head(title, memories, len(inputs), len(outputs)), *_choices(graphs, most)]
    lines += [system_crc.declaration()]
    lines += _control(hardware.identity, len(graphs), inputs, outputs, settings)
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
    ports = ["input  wire logic clk", "input  wire logic rst", *CONTROL_PORTS]
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
    files = ",\n".join(f'    parameter string {name} = ""' for name in memories)
    return [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by hw.stitch: accelerators behind one register block and shared stream channels.",
        "// Registers: hw/spec/registers.py. Streams on channels: hardware.json.",
        "`default_nettype none",
        "",
        *([f"module {title} #(", files, ") ("] if memories else [f"module {title} ("]),
        ",\n".join(f"    {port}" for port in ports),
        ");",
    ]


def _choices(graphs: Sequence[GraphHardware], most: Callable[[GraphHardware], int]) -> list[str]:
    """Constants for who owns the channels, and whether the settings make a run or a load."""
    lines = ["  // Who owns the channels: {loading, graph}"]
    for g in graphs:
        lines.append(f"  localparam logic [8:0] {g.name.upper()} = 9'h{g.index:03x};")
        if g.setup:
            lines.append(
                f"  localparam logic [8:0] {g.name.upper()}_LOAD = 9'h{256 + g.index:03x};"
            )
    lines += [
        "",
        "  logic [7:0] graph, layer;",
        "  logic [15:0] length;",
        "  logic [8:0] selected;",
        "  logic loading, start, channels_rst, can_run, can_load, inputs_done, outputs_done;",
        "  assign selected = {loading, graph};",
        "",
        "  always_comb begin",
        "    can_run  = 1'b0;",
        "    can_load = 1'b0;",
        "    case ({1'b0, graph})",
    ]
    for g in graphs:
        ragged = any(end.ragged for end in g.inputs)
        rule = f"length >= 16'd1 && length <= 16'd{most(g)}" if ragged else "1'b1"
        lines += [
            f"      {g.name.upper()}: begin",
            f"        can_run  = {rule};",
            f"        can_load = 1'b{int(g.setup is not None)};",
            "      end",
        ]
    return [*lines, "      default: ;", "    endcase", "  end"]


def _control(
    identity: int,
    graphs: int,
    inputs: Sequence[Sequence[Use]],
    outputs: Sequence[Sequence[Use]],
    settings: Sequence[tuple[GraphHardware, str]],
) -> list[str]:
    busy = [f"in_{n}_open" for n in range(len(inputs))]
    busy += [f"{g.name}_{port}_tvalid" for g, port in settings]
    faults = {
        kind: "{" + ", ".join(f"in_{n}_{kind}" for n in reversed(range(len(inputs)))) + "}"
        for kind in ("early", "late")
    }
    names = [port.split("control_")[1] for port in CONTROL_PORTS]
    joined = " ||\n      "
    pins = [f".s_axi_{name}(s_axi_control_{name})" for name in names]
    pins += [".o_graph(graph)", ".o_length(length)", ".o_layer(layer)"]
    pins += [".i_can_run(can_run)", ".i_can_load(can_load)", ".o_rst(channels_rst)"]
    pins += [".o_start(start)", ".o_loading(loading)"]
    pins += [".i_inputs_done(inputs_done)", ".i_outputs_done(outputs_done)"]
    pins += [f".i_{kind}(8'({bits}))" for kind, bits in faults.items()]
    pins += [system_crc.PIN]
    lines = [""]
    for n in range(len(inputs)):
        signals = ("used", "open", "early", "late", "tvalid", "tready")
        lines += [f"  logic {', '.join(f'in_{n}_{s}' for s in signals)};"]
        lines += [f"  logic [24:0] in_{n}_beats;", f"  logic [15:0] in_{n}_rows;"]
        lines += ["  // verilator lint_off UNUSEDSIGNAL", f"  logic in_{n}_tlast;  // some count"]
        lines += ["  // verilator lint_on UNUSEDSIGNAL"]
    lines += [f"  logic out_{n}_used, out_{n}_open;" for n in range(len(outputs))]
    lines += [f"  logic {g.name}_{port}_tvalid, {g.name}_{port}_tready;" for g, port in settings]
    return [
        *lines,
        f"  assign inputs_done  = !({joined.join(busy)});",
        f"  assign outputs_done = !({' || '.join(f'out_{n}_open' for n in range(len(outputs)))});",
        "",
        "  control #(",
        f"      .IDENTITY(32'h{identity:08x}),",
        f"      .GRAPHS  (8'd{graphs})",
        "  ) u_control (",
        "      .clk,",
        "      .rst,",
        ",\n".join(f"      {pin}" for pin in pins),
        "  );",
    ]


def _input(n: int, uses: Sequence[Use]) -> list[str]:
    """A channel's gate, and whose it is."""
    lines = [
        "",
        f"  // ---- Input channel {n}: {', '.join(f'{u.graph.name} {u.end.port}' for u in uses)}",
        *(f"  logic {u.wire}_tvalid, {u.wire}_tready;" for u in uses),
        "",
        "  always_comb begin",
        f"    in_{n}_used   = 1'b1;",
        f"    in_{n}_beats  = '0;",
        f"    in_{n}_rows   = '0;",
        f"    in_{n}_tready = 1'b0;",
        "    case (selected)",
    ]
    for u in uses:
        group = u.end.beats * (u.end.rows if u.end.ragged else 1)
        lines += [
            f"      {u.choice}: begin",
            f"        in_{n}_beats  = 25'h{(group - 2) % (1 << 25):07x};  // {group}",
            *([f"        in_{n}_rows   = 16'd{u.end.rows};"] if u.end.ragged else []),
            f"        in_{n}_tready = {u.wire}_tready;",
            "      end",
        ]
    lines += [f"      default: in_{n}_used = 1'b0;", "    endcase", "  end", ""]
    lines += [f"  assign {u.wire}_tvalid = in_{n}_tvalid && selected == {u.choice};" for u in uses]
    ragged = int(any(u.end.ragged for u in uses))
    return [
        *lines,
        "",
        f"  system_gate #(.RAGGED(1'b{ragged})) u_in_{n} (",
        "      .clk,",
        "      .rst(channels_rst),",
        f"      .i_start(start && in_{n}_used),",
        f"      .i_beats(in_{n}_beats),",
        f"      .i_rows(in_{n}_rows),",
        "      .i_length(length),",
        *(f"      .s_axis_{s}(s_axis_{n}_{s})," for s in ("tlast", "tvalid", "tready")),
        *(f"      .m_axis_{s}(in_{n}_{s})," for s in ("tlast", "tvalid", "tready")),
        ",\n".join(f"      .o_{s}(in_{n}_{s})" for s in ("open", "early", "late")),
        "  );",
    ]


def _output(n: int, uses: Sequence[Use]) -> list[str]:
    """A channel that is open from the start of a run to its tlast, and whose it is."""
    lines = [
        "",
        f"  // ---- Output channel {n}: {', '.join(f'{u.graph.name} {u.end.port}' for u in uses)}",
    ]
    for u in uses:
        lines += [f"  logic {u.wire}_tlast, {u.wire}_tvalid;", f"  logic [7:0] {u.wire}_tdata;"]
    lines += [
        f"  logic out_{n}_tvalid;",
        "",
        "  always_comb begin",
        f"    out_{n}_used   = 1'b1;",
        f"    out_{n}_tvalid = 1'b0;",
        f"    {{m_axis_{n}_tlast, m_axis_{n}_tdata}} = '0;",
        "    case (selected)",
    ]
    for u in uses:
        lines += [
            f"      {u.choice}: begin",
            f"        out_{n}_tvalid = {u.wire}_tvalid;",
            f"        {{m_axis_{n}_tlast, m_axis_{n}_tdata}} = {{{u.wire}_tlast, {u.wire}_tdata}};",
            "      end",
        ]
    return [
        *lines,
        f"      default: out_{n}_used = 1'b0;",
        "    endcase",
        "  end",
        "",
        f"  assign m_axis_{n}_tvalid = out_{n}_tvalid && out_{n}_open;",
        "  always_ff @(posedge clk) begin",
        f"    if (channels_rst) out_{n}_open <= 1'b0;",
        f"    else if (start && out_{n}_used) out_{n}_open <= 1'b1;",
        f"    else if (m_axis_{n}_tvalid && m_axis_{n}_tready && m_axis_{n}_tlast) "
        f"out_{n}_open <= 1'b0;",
        "  end",
    ]


def _setting(graph: GraphHardware, port: str) -> list[str]:
    wire = f"{graph.name}_{port}"
    return [
        "",
        f"  // ---- {SETTINGS[port].upper()} for {graph.name}, one beat a run",
        "  always_ff @(posedge clk) begin",
        f"    if (channels_rst) {wire}_tvalid <= 1'b0;",
        f"    else if (start && selected == {graph.name.upper()}) {wire}_tvalid <= 1'b1;",
        f"    else if ({wire}_tready) {wire}_tvalid <= 1'b0;",
        "  end",
    ]


def _accelerator(graph: GraphHardware, accelerator: GraphModule) -> list[str]:
    values = [
        f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})"
        for k, v in accelerator.parameters().items()
    ]
    values += [f".{k}({graph.name}_{k})".upper() for k in accelerator.memories()]
    channels = {u.end.name: u.end.channel for u in _inputs(graph)}
    pins = [".clk", ".rst(channels_rst)"]
    for port, stream in accelerator.inputs().items():
        if port in SETTINGS:
            register = SETTINGS[port]
            low = min(stream.width, REGISTER_BITS[register])
            pins.append(f".{port}_tdata({stream.width}'({register}[{low - 1}:0]))")
        else:
            pins.append(f".{port}_tdata(s_axis_{channels[port]}_tdata)")
            pins += [f".{port}_tlast(in_{channels[port]}_tlast)"] if stream.last else []
        pins += [f".{port}_{s}({graph.name}_{port}_{s})" for s in ("tvalid", "tready")]
    for end in graph.outputs:
        wire = f"{graph.name}_{end.name}"
        pins += [f".{end.name}_{s}({wire}_{s})" for s in ("tdata", "tlast", "tvalid")]
        pins.append(
            f".{end.name}_tready(m_axis_{end.channel}_tready && out_{end.channel}_open"
            f" && selected == {graph.name.upper()})"
        )
    head = f"  {accelerator.title} u_{graph.name} ("
    if values:
        body = ",\n".join(f"      {value}" for value in values)
        head = f"  {accelerator.title} #(\n{body}\n  ) u_{graph.name} ("
    return ["", head, ",\n".join(f"      {pin}" for pin in pins), "  );"]
