"""SystemVerilog of a system, as `System.verilog` writes it: a data mover, the accelerators at its
ends, and the wires between them. What the parts do stands in their own modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from hw.design import Design
from hw.mover.mover import Mover
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.kernel import RomImage
from hw.spec.registers import ADDRESS_BITS
from hw.spec.stream import Stream

PART = "system_setup"
"""Module and signals of what leads the setup end on."""
SETTINGS = {"s_axis_length": "length", "s_axis_layer": "layer"}
"""Streams of an accelerator that get one beat a frame -> what it says."""
VALUE_BITS = {"length": 16, "layer": 8}
"""A setting's value has so many bits on the wire to its accelerator."""
SETTING_BITS = 32
MEMORY = {
    "araddr": 40,
    "arlen": 8,
    "arsize": 3,
    "arburst": 2,
    "arvalid": 1,
    "rready": 1,
    "awaddr": 40,
    "awlen": 8,
    "awsize": 3,
    "awburst": 2,
    "awvalid": 1,
    "wlast": 1,
    "wvalid": 1,
    "bready": 1,
}
"""Outputs of the memory port -> bits; wdata and wstrb are as wide as its words."""
ANSWERS = {"arready": 1, "rresp": 2, "rlast": 1, "rvalid": 1, "awready": 1, "wready": 1}
ANSWERS |= {"bresp": 2, "bvalid": 1}
"""Inputs of the memory port -> bits; rdata is as wide as its words."""


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


def setting_ends(
    graphs: Sequence[GraphHardware], accelerators: Mapping[str, GraphModule]
) -> dict[tuple[str, str], int]:
    """Returns the setting end of each (graph, stream of an accelerator that gets one beat a frame),
    graphs given by index.
    """
    found = [(g.name, p) for g in graphs for p in accelerators[g.name].inputs() if p in SETTINGS]
    return {pair: number for number, pair in enumerate(found)}


def text(
    title: str,
    accelerators: Mapping[str, GraphModule],
    hardware: Hardware,
    mover: Mover,
    memories: Sequence[str],
) -> str:
    """The module. memories: its parameters. mover: with the ends that the hardware names."""
    graphs = sorted(hardware.graphs, key=lambda g: g.index)
    lines = _head(title, memories, board_ports(mover)) + _around(graphs, hardware, mover)
    settings = setting_ends(graphs, accelerators)
    if not settings:
        lines += ["", "  assign setting_tready = '1;"]
    for graph in graphs:
        own = {p: n for (name, p), n in settings.items() if name == graph.name}
        lines += _accelerator(graph, accelerators[graph.name], own)
    return "\n".join([*lines, "endmodule", "", "`default_nettype wire", ""])


def shell_text(
    title: str, accelerators: Mapping[str, GraphModule], hardware: Hardware, mover: Mover
) -> str:
    """The module without its accelerators, whose pins are its ports, see `shell_pin`."""
    graphs = sorted(hardware.graphs, key=lambda g: g.index)
    settings = setting_ends(graphs, accelerators)
    ports, wires = [], []
    for graph in graphs:
        accelerator = accelerators[graph.name]
        streams = {**accelerator.inputs(), **accelerator.outputs()}
        own = {p: n for (name, p), n in settings.items() if name == graph.name}
        for pin, wire in _pins(graph, accelerator, own).items():
            name, (port, _, signal) = shell_pin(graph.name, pin), pin.rpartition("_")
            width = streams[port].width if signal == "tdata" else 1
            given = pin == "rst" or (signal != "tready") == (port in accelerator.inputs())
            way = "output logic     " if given else "input  wire logic"
            ports.append(f"{way} [{width - 1}:0] {name}")
            wires.append(f"  assign {name} = {wire};" if given else f"  assign {wire} = {name};")
    lines = [*_head(title, (), [*board_ports(mover), *ports]), *_around(graphs, hardware, mover)]
    lines += ["", *([] if settings else ["  assign setting_tready = '1;"])]
    lines += [line for graph in graphs for line in _reset(graph)]
    return "\n".join([*lines, *wires, "endmodule", "", "`default_nettype wire", ""])


def shell_pin(graph: str, pin: str) -> str:
    """Returns the shell's port at a pin of a graph's accelerator."""
    return f"at_{graph}_{pin}"


def board_ports(mover: Mover) -> list[str]:
    """Ports beside clock and reset, as the module declares them: registers, interrupt, memory."""
    return [*control_ports(), "output logic      o_irq", *_memory_ports(mover)]


def _head(title: str, memories: Sequence[str], ports: Sequence[str]) -> list[str]:
    """The module's beginning: what it says of itself, the files of its memories, its ports."""
    whole = ["input  wire logic clk", "input  wire logic rst", *ports]
    files = ",\n".join(f'    parameter {name} = ""' for name in memories)
    return [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by hw.stitch: accelerators, each at ends of its own of one data mover.",
        "// Registers: hw/spec/registers.py. Streams at ends: hardware.json.",
        "`default_nettype none",
        "",
        *([f"module {title} #(", files, ") ("] if memories else [f"module {title} ("]),
        ",\n".join(f"    {port}" for port in whole),
        ");",
    ]


def control_ports() -> list[str]:
    """Ports of the registers, AXI4-Lite, as a module declares them."""
    return f"""\
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


def memory_signals(word_bytes: int) -> list[tuple[str, int, str]]:
    """Returns (direction, bits, name) of the signals of the memory port, without its prefix."""
    wide = {"wdata": 8 * word_bytes, "wstrb": word_bytes}
    signals = [("output", bits, name) for name, bits in {**MEMORY, **wide}.items()]
    answers = {**ANSWERS, "rdata": 8 * word_bytes}
    return signals + [("input", bits, name) for name, bits in answers.items()]


def _memory_ports(mover: Mover) -> list[str]:
    kinds = {"output": "output logic     ", "input": "input  wire logic"}
    return [
        f"{kinds[way]} {f'[{bits - 1}:0] ' if bits > 1 else ''}m_axi_{name}"
        for way, bits, name in memory_signals(mover.WORD_BYTES)
    ]


def _around(graphs: Sequence[GraphHardware], hardware: Hardware, mover: Mover) -> list[str]:
    """The mover, and what leads its setup end on."""
    loads = [(graph, graph.setup) for graph in graphs if graph.setup is not None]
    return [*_mover(hardware, mover), *(_setup(loads) if loads else ())]


def _mover(hardware: Hardware, mover: Mover) -> list[str]:
    """The mover, and the signals at its ends."""
    lines = ["", "  logic streams_rst;"]
    for side, count in (("read", mover.READS), ("write", mover.WRITES)):
        lines += [f"  logic [{count - 1}:0][7:0] {side}_tdata;"]
        if side == "read":  # some kernels count, and tdata of a setting has bits to spare
            lines += ["  // verilator lint_off UNUSEDSIGNAL"]
        lines += [f"  logic [{count - 1}:0] {side}_tlast;"]
        if side == "read":
            lines += [f"  logic [{mover.SETTINGS - 1}:0][{SETTING_BITS - 1}:0] setting_tdata;"]
            lines += [f"  logic [{mover.SETTINGS - 1}:0] setting_tvalid;"]
            lines += ["  // verilator lint_on UNUSEDSIGNAL"]
        lines += [f"  logic [{count - 1}:0] {side}_tvalid, {side}_tready;"]
    lines += [f"  logic [{mover.SETTINGS - 1}:0] setting_tready;"]
    parameters = {k: f"{getattr(mover, k)}" for k in ("READS", "WRITES", "SETTINGS", "WORD_BYTES")}
    parameters |= {"DESIGN": f"32'h{hardware.identity:08x}"}
    parameters |= {"GRAPHS": f"8'd{len(hardware.graphs)}"}
    pins = {"clk": "clk", "rst": "rst", "o_irq": "o_irq", "o_rst": "streams_rst"}
    names = [port.split()[-1] for port in (*control_ports(), *_memory_ports(mover))]
    pins |= {name: name for name in names}
    for prefix, side in (("m_axis", "read"), ("s_axis", "write")):
        pins |= {f"{prefix}_{s}": f"{side}_{s}" for s in ("tdata", "tlast", "tvalid", "tready")}
    pins |= {f"m_axis_setting_{s}": f"setting_{s}" for s in ("tdata", "tvalid", "tready")}
    return [*lines, *_instance("mover", "mover", parameters, pins)]


def _setup(loads: Sequence[tuple[GraphHardware, StreamEnd]]) -> list[str]:
    """What leads the setup end to each accelerator that has memories to load, in turn."""
    end = loads[0][1].number
    wires = [f"{graph.name}_{setup.name}" for graph, setup in loads]
    pins = {"clk": "clk", "rst": "streams_rst"}
    pins |= {f"s_axis_{s}": f"read_{s}[{end}]" for s in ("tdata", "tlast", "tvalid", "tready")}
    pins["m_axis_tdata"] = f"{PART}_tdata"
    pins |= {f"m_axis_{s}": _packed(f"{w}_{s}" for w in wires) for s in ("tvalid", "tready")}
    return [
        "",
        f"  // ---- Setup streams: {', '.join(graph.name for graph, _ in loads)}",
        f"  logic [7:0] {PART}_tdata;",
        *(f"  logic {wire}_tvalid, {wire}_tready;" for wire in wires),
        *_instance(PART, "setup", {"USES": f"{len(loads)}"}, pins),
    ]


def _accelerator(
    graph: GraphHardware, accelerator: GraphModule, settings: Mapping[str, int]
) -> list[str]:
    """A graph's accelerator at its ends, with a reset of its own."""
    pins = {"clk": "clk", **_pins(graph, accelerator, settings)}
    values = {
        k: f'"{v}"' if isinstance(v, str) else f"{v}" for k, v in accelerator.parameters().items()
    }
    values |= {k.upper(): f"{graph.name}_{k}".upper() for k in accelerator.memories()}
    return [*_reset(graph), *_instance(accelerator.title, graph.name, values, pins)]


def _reset(graph: GraphHardware) -> list[str]:
    return [
        "",
        f"  // ---- {graph.name}",
        f"  logic {graph.name}_rst;",
        f"  always_ff @(posedge clk) {graph.name}_rst <= streams_rst;",
    ]


def _pins(
    graph: GraphHardware, accelerator: GraphModule, settings: Mapping[str, int]
) -> dict[str, str]:
    """What is at each pin of a graph's accelerator, its clock left out."""
    pins = {"rst": f"{graph.name}_rst"}
    inputs = {end.name: end.number for end in graph.inputs}
    for port, stream in accelerator.inputs().items():
        if port in settings:
            n = settings[port]
            low = min(stream.width, VALUE_BITS[SETTINGS[port]])
            pins[f"{port}_tdata"] = f"{stream.width}'(setting_tdata[{n}][{low - 1}:0])"
            pins |= {f"{port}_{s}": f"setting_{s}[{n}]" for s in ("tvalid", "tready")}
            continue
        loads = graph.setup is not None and port == graph.setup.name
        n = graph.setup.number if loads and graph.setup else inputs[port]
        pins[f"{port}_tdata"] = f"{PART}_tdata" if loads else f"read_tdata[{n}]"
        pins |= {f"{port}_tlast": f"read_tlast[{n}]"} if stream.last else {}
        for signal in ("tvalid", "tready"):
            own = f"{graph.name}_{port}_{signal}"
            pins[f"{port}_{signal}"] = own if loads else f"read_{signal}[{n}]"
    for end in graph.outputs:
        for signal in ("tdata", "tlast", "tvalid", "tready"):
            pins[f"{end.name}_{signal}"] = f"write_{signal}[{end.number}]"
    return pins


def _packed(signals: Iterable[str]) -> str:
    """A concatenation whose first signal is the lowest."""
    return "{" + ", ".join(reversed(list(signals))) + "}"


def _instance(
    module: str, name: str, parameters: Mapping[str, str], pins: Mapping[str, str]
) -> list[str]:
    """An instance u_<name> of a module, one parameter and one pin a line."""
    values, wires = (
        ",\n".join(f"      .{k}" if k == v else f"      .{k}({v})" for k, v in given.items())
        for given in (parameters, pins)
    )
    head = f"  {module} #(\n{values}\n  ) u_{name} (" if parameters else f"  {module} u_{name} ("
    return ["", head, wires, "  );"]
