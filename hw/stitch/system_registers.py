"""The register map as a SystemVerilog package, so that hardware and host read one source.

Offsets are named as in `Register`, bits of a register `<REGISTER>_<BIT>`.
"""

from __future__ import annotations

from hw.spec.registers import ADDRESS_BITS, VERSION, Control, Register, Status

NAME = "registers"
"""The package has this name, and so has its file."""


def package() -> str:
    """Returns the text of the package that has the registers' addresses."""
    address = f"logic [{ADDRESS_BITS - 1}:0]"
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Made by hw.stitch from hw/spec/registers.py: offsets of registers, places of bits.",
        "`default_nettype none",
        "",
        f"package {NAME};",
        f"  localparam int unsigned ADDRESS_BITS = {ADDRESS_BITS};",
        f"  localparam logic [7:0] MAP_VERSION = 8'd{VERSION};",
    ]
    lines += [
        f"  localparam {address} {register.name} = {ADDRESS_BITS}'h{register.value:02x};"
        for register in Register
    ]
    for name, bits in (("CONTROL", Control), ("STATUS", Status)):
        lines += [
            f"  localparam int unsigned {name}_{bit.name} = {bit.value.bit_length() - 1};"
            for bit in bits
        ]
    return "\n".join([*lines, "endpackage", "", "`default_nettype wire", ""])
