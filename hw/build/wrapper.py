"""The system as a cell of a Vivado block design: Verilog-2001, since a module that a block design
refers to may not be SystemVerilog, with the attributes that tell Vivado its interfaces.

The clock's frequency is left to Vivado, which hands it on from the processor's: one written here
would have to equal what that clock's dividers really make.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw.build.overlay import RANGE
from hw.spec.hardware import Hardware
from hw.spec.registers import ADDRESS_BITS

LITE = "xilinx.com:interface:aximm:1.0 s_axi_control"
AXIS = "xilinx.com:interface:axis:1.0"
WINDOW_BITS = RANGE.bit_length() - 1
"""The register window has this size on the bus. The port is as wide as Vivado gives the window its
range; the system takes the low bits, so that its registers recur in the window.
"""
# (direction, width, signal)
CONTROL = (
    ("input", WINDOW_BITS, "awaddr"),
    ("input", 1, "awvalid"),
    ("output", 1, "awready"),
    ("input", 32, "wdata"),
    ("input", 4, "wstrb"),
    ("input", 1, "wvalid"),
    ("output", 1, "wready"),
    ("output", 2, "bresp"),
    ("output", 1, "bvalid"),
    ("input", 1, "bready"),
    ("input", WINDOW_BITS, "araddr"),
    ("input", 1, "arvalid"),
    ("output", 1, "arready"),
    ("output", 32, "rdata"),
    ("output", 2, "rresp"),
    ("output", 1, "rvalid"),
    ("input", 1, "rready"),
)


def name(hardware: Hardware) -> str:
    """The wrapper's module has this name."""
    return f"{hardware.top}_board"


def text(hardware: Hardware, memories: Mapping[str, str]) -> str:
    """The module. memories: file of each ROM by the system's parameter."""
    ins, outs = range(hardware.in_channels), range(hardware.out_channels)
    names = ["s_axi_control", *(f"s_axis_{n}" for n in ins), *(f"m_axis_{n}" for n in outs)]
    busses = ":".join(n.upper() if "axis" in n else n for n in names)
    clock = "xilinx.com:signal:clock:1.0 aclk CLK"
    reset = "xilinx.com:signal:reset:1.0 aresetn RST"
    ports = [
        f'    (* X_INTERFACE_INFO = "{clock}" *)\n'
        "    (* X_INTERFACE_PARAMETER = "
        f'"ASSOCIATED_BUSIF {busses}, ASSOCIATED_RESET aresetn" *)\n'
        "    input  wire aclk",
        f'    (* X_INTERFACE_INFO = "{reset}" *)\n'
        '    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)\n'
        "    input  wire aresetn",
    ]
    ports += [
        _port(f"{LITE} {s.upper()}", way, bits, f"s_axi_control_{s}") for way, bits, s in CONTROL
    ]
    pins = [".clk(aclk)", ".rst(!aresetn)"]
    low, high = f"[{ADDRESS_BITS - 1}:0]", f"[{WINDOW_BITS - 1}:{ADDRESS_BITS}]"
    pins += [
        f".s_axi_control_{s}(s_axi_control_{s}{low if s.endswith('addr') else ''})"
        for _, _, s in CONTROL
    ]
    for n in ins:
        for way, bits, s in _stream("input", "output"):
            ports.append(_port(f"{AXIS} S_AXIS_{n} {s.upper()}", way, bits, f"s_axis_{n}_{s}"))
            pins.append(f".s_axis_{n}_{s}(s_axis_{n}_{s})")
    for n in outs:
        for way, bits, s in _stream("output", "input"):
            ports.append(_port(f"{AXIS} M_AXIS_{n} {s.upper()}", way, bits, f"m_axis_{n}_{s}"))
            pins.append(f".m_axis_{n}_{s}(m_axis_{n}_{s})")
        ports.append(_port(f"{AXIS} M_AXIS_{n} TKEEP", "output", 1, f"m_axis_{n}_tkeep", True))
    files = ",\n".join(f'      .{key}("{file}")' for key, file in memories.items())
    values = f"#(\n{files}\n  ) " if memories else ""
    return "\n".join(
        [
            "// SPDX-License-Identifier: Apache-2.0",
            "// Made by hw.build: the system as a cell of a Vivado block design.",
            "`default_nettype none",
            "",
            f"module {name(hardware)} (",
            ",\n".join(ports),
            ");",
            *(f"  assign m_axis_{n}_tkeep = 1'b1;" for n in outs),
            f"  wire unused = ^{{s_axi_control_awaddr{high}, s_axi_control_araddr{high}}};",
            "",
            f"  {hardware.top} {values}u_system (",
            ",\n".join(f"      {pin}" for pin in pins),
            "  );",
            "endmodule",
            "",
            "`default_nettype wire",
            "",
        ]
    )


def _stream(there: str, back: str) -> tuple[tuple[str, int, str], ...]:
    return ((there, 8, "tdata"), (there, 1, "tlast"), (there, 1, "tvalid"), (back, 1, "tready"))


def _port(role: str, way: str, bits: int, signal: str, vector: bool = False) -> str:
    width = f"[{bits - 1}:0] " if bits > 1 or vector else ""
    return f'    (* X_INTERFACE_INFO = "{role}" *)\n    {way:6} wire {width}{signal}'
