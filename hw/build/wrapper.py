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
from hw.stitch.system_text import memory_signals

MM = "xilinx.com:interface:aximm:1.0"
LITE = f"{MM} s_axi_control"
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


CONSTANTS = {"arcache": "4'b0011", "arprot": "3'b000", "awcache": "4'b0011", "awprot": "3'b000"}
"""Signals of the memory port that the system does not have: bufferable and modifiable, so that an
interconnect may cut and widen bursts; unprivileged, secure, data (AMBA AXI, IHI 0022).
"""
OUTSTANDING = 8
INTERRUPT = "xilinx.com:signal:interrupt:1.0 o_irq INTERRUPT"


def name(hardware: Hardware) -> str:
    """The wrapper's module has this name."""
    return f"{hardware.top}_board"


def text(hardware: Hardware, memories: Mapping[str, str]) -> str:
    """The module. memories: file of each ROM by the system's parameter."""
    busses = "s_axi_control:m_axi"
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
    more, wires = _memory(hardware.word_bytes)
    ports, pins = [*ports, *more], [*pins, *wires]
    tied = [f"  assign m_axi_{signal} = {value};" for signal, value in CONSTANTS.items()]
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
            *tied,
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


def _memory(word_bytes: int) -> tuple[list[str], list[str]]:
    """Ports and pins of the memory port and the interrupt."""
    signals = memory_signals(word_bytes)
    signals += [("output", 4 if "cache" in name else 3, name) for name in CONSTANTS]
    settings = f"DATA_WIDTH {8 * word_bytes}, ADDR_WIDTH 40, ID_WIDTH 0, PROTOCOL AXI4"
    settings += ", READ_WRITE_MODE READ_WRITE, SUPPORTS_NARROW_BURST 0"
    settings += f", NUM_READ_OUTSTANDING {OUTSTANDING}, NUM_WRITE_OUTSTANDING {OUTSTANDING}"
    ports = [_port(f"{MM} m_axi {s.upper()}", way, bits, f"m_axi_{s}") for way, bits, s in signals]
    told = f'    (* X_INTERFACE_PARAMETER = "XIL_INTERFACENAME m_axi, {settings}" *)\n    output'
    ports[0] = ports[0].replace("    output", told, 1)
    ports.append(_port(INTERRUPT, "output", 1, "o_irq"))
    pins = [f".m_axi_{s}(m_axi_{s})" for _, _, s in signals if s not in CONSTANTS]
    return ports, [*pins, ".o_irq(o_irq)"]


def _port(role: str, way: str, bits: int, signal: str) -> str:
    width = f"[{bits - 1}:0] " if bits > 1 else ""
    return f'    (* X_INTERFACE_INFO = "{role}" *)\n    {way:6} wire {width}{signal}'
