"""An HLS IP in the place of a SystemVerilog accelerator: a module of the accelerator's name and
ports around the IP, so that a system, its registers and its driver are the same for both back ends.

The module starts the IP over its AXI4-Lite registers after each reset (`hls_start.sv`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hw.design import Design
from hw.hls.accelerator import PORTED
from hw.spec.files import atomic_path
from hw.spec.kernel import RomImage
from hw.spec.stream import Stream
from hw.stitch.netlist import Netlist, port_lines

START = Path(__file__).resolve().parent / "hls_start.sv"
CONTROL_BITS = {"AWADDR": 4, "ARADDR": 4, "WDATA": 32, "RDATA": 32, "WSTRB": 4}
"""The other signals of the IP's AXI4-Lite interface that are wider than one bit are responses. The
register map of ap_ctrl alone has 16 bytes (UG1399, "S_AXILITE Control Register Map").
"""
START_PINS = {
    "AWADDR": "awaddr",
    "AWVALID": "awvalid",
    "AWREADY": "awready",
    "WDATA": "wdata",
    "WSTRB": "wstrb",
    "WVALID": "wvalid",
    "WREADY": "wready",
    "BREADY": "bready",
}
"""Signals of the IP's registers -> of the module that writes them."""
TIED = {"ARADDR": "'0", "ARVALID": "1'b0", "RREADY": "1'b1"}
"""Nobody reads the registers."""
OPEN = ("BVALID", "BRESP", "ARREADY", "RDATA", "RRESP", "RVALID")


@dataclass(frozen=True)
class HlsModule:
    """What a system needs of a graph's hardware (`hw.stitch.system_text.GraphModule`), by HLS."""

    netlist: Netlist

    @property
    def title(self) -> str:
        """The module's name, that of the SystemVerilog accelerator."""
        return self.netlist.title

    def inputs(self) -> dict[str, Stream]:
        """Returns the streams that go into the accelerator."""
        return self.netlist.inputs()

    def outputs(self) -> dict[str, Stream]:
        """Returns the streams that come out of the accelerator."""
        return self.netlist.outputs()

    def parameters(self) -> dict[str, int | str]:
        """Returns nothing: the IP holds its parameters."""
        return {}

    def memories(self) -> dict[str, RomImage]:
        """There are none: the IP holds its constants."""
        return {}

    def design(self, folder: Path) -> Design:
        """Writes the module into `folder`. The IP itself is what the HLS tool exports."""
        path = folder / f"{self.title}.sv"
        with atomic_path(path) as part:
            part.write_text(self.verilog(), encoding="utf-8")
        return Design(self.title, (START, path), {}, {})

    def verilog(self) -> str:
        """Returns the text of the module."""
        lines = ["input  wire logic clk", "input  wire logic rst"]
        for name, stream in self.inputs().items():
            lines += port_lines(name, stream, "input  wire logic", "output logic     ")
        for name, stream in self.outputs().items():
            lines += port_lines(name, stream, "output logic     ", "input  wire logic")
        wires = [
            f"  logic {_range(CONTROL_BITS.get(signal, 1))}control_{pin};"
            for signal, pin in START_PINS.items()
        ]
        start = [".clk(clk)", ".rst(rst)"]
        start += [f".m_axi_{pin}(control_{pin})" for pin in START_PINS.values()]
        return "\n".join(
            [
                "// SPDX-License-Identifier: Apache-2.0",
                "// Made by hw.hls: an HLS IP as the accelerator of a system.",
                "`default_nettype none",
                "",
                f"module {self.title} (",
                ",\n".join(f"    {line}" for line in lines),
                ");",
                *wires,
                "",
                "  hls_start u_start (",
                ",\n".join(f"      {pin}" for pin in start),
                "  );",
                "",
                f"  {self.title}{PORTED} u_ip (",
                ",\n".join(f"      {pin}" for pin in self._pins()),
                "  );",
                "endmodule",
                "",
                "`default_nettype wire",
                "",
            ]
        )

    def _pins(self) -> Iterator[str]:
        """Pins of the IP as the HLS tool names them (UG1399, "AXI4-Stream Interfaces")."""
        yield from (".ap_clk(clk)", ".ap_rst_n(!rst)", ".interrupt()")
        yield from (f".s_axi_control_{s}(control_{pin})" for s, pin in START_PINS.items())
        yield from (f".s_axi_control_{s}({value})" for s, value in TIED.items())
        yield from (f".s_axi_control_{s}()" for s in OPEN)
        for name, stream in self.inputs().items():
            yield from _handshake(name)
            if stream.last:
                yield f".{name}_TLAST({name}_tlast)"
                yield from (f".{name}_{s}('1)" for s in ("TKEEP", "TSTRB"))
        for name, stream in self.outputs().items():
            yield from _handshake(name)
            if stream.last:
                yield f".{name}_TLAST({name}_tlast)"
                yield from (f".{name}_{s}()" for s in ("TKEEP", "TSTRB"))


def _handshake(name: str) -> list[str]:
    return [f".{name}_{s.upper()}({name}_{s})" for s in ("tdata", "tvalid", "tready")]


def _range(bits: int) -> str:
    return f"[{bits - 1}:0] " if bits > 1 else ""
