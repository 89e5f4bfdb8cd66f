"""The part of a system's SystemVerilog that watches its channels with CRCs."""

from __future__ import annotations

from collections.abc import Callable

PINS = {"i_crc": "crc"}
"""The register block reads the CRC over this pin."""


def declaration() -> str:
    """Returns the declaration of the wire between the CRCs and the registers."""
    return "  logic [31:0] crc;  // of the channel that is read"


def instance(inputs: int, outputs: int) -> list[str]:
    """Returns the instance of the module that watches so many channels."""

    def packed(count: int, signal: Callable[[int], str]) -> str:
        return "{" + ", ".join(signal(n) for n in reversed(range(count))) + "}"

    def taken(side: str) -> Callable[[int], str]:
        return lambda n: f"{side}_axis_{n}_tvalid && {side}_axis_{n}_tready"

    pins = [
        ("rst", "channels_rst"),
        ("i_in_tdata", packed(inputs, lambda n: f"s_axis_{n}_tdata")),
        ("i_in_tlast", packed(inputs, lambda n: f"in_{n}_tlast")),
        ("i_in_take", packed(inputs, taken("s"))),
        ("i_out_tdata", packed(outputs, lambda n: f"m_axis_{n}_tdata")),
        ("i_out_tlast", packed(outputs, lambda n: f"m_axis_{n}_tlast")),
        ("i_out_take", packed(outputs, taken("m"))),
        ("i_channel", "s_axi_control_araddr[5:2]"),
        ("o_crc", "crc"),
    ]
    return [
        "",
        "  // ---- CRCs of what passes the channels",
        "  system_crc #(",
        f"      .INPUTS ({inputs}),",
        f"      .OUTPUTS({outputs})",
        "  ) u_crc (",
        "      .clk,",
        ",\n".join(f"      .{pin}({wire})" for pin, wire in pins),
        "  );",
    ]
