"""Writes the `.hwh` that Vivado would leave of a block design, as far as a host reads it: cells
with their parameters, the clock that is really made, registers and memory by address.

The cells are those of `hw.build.block_design`, which also sets up Vivado's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hw.board import Board
from hw.build import block_design, overlay
from hw.build.block_design import PS, Cell
from hw.spec.files import atomic_path
from hw.spec.handoff import SYSTEM
from hw.spec.hardware import Hardware

AXI, REGISTER, MEMORY = "xilinx.com:interface:aximm:1.0", "REGISTER", "MEMORY"
VERSIONS = {"smartconnect": "1.0", "proc_sys_reset": "5.0"}
VERSIONS |= {"processing_system7": "5.5", "zynq_ultra_ps_e": "3.4"}
MASTER = {"xc7": "M_AXI_GP0", "xcup": "M_AXI_HPM0_FPD"}
HP_PORT = {"xc7": "S_AXI_HP0", "xcup": "S_AXI_HP0_FPD"}
MEMORIES = {
    "xc7": (("DDR_LOWOCM", 0, 0x1FFF_FFFF),),
    "xcup": (("DDR_LOW", 0, 0x7FFF_FFFF), ("DDR_HIGH", 0x8_0000_0000, 0xF_FFFF_FFFF)),
}
"""Segments behind an HP port: name, first and last byte."""
PLL_MHZ = {"xc7": 1000.0, "xcup": 33.333 * 60 / 2}
"""The frequency of the I/O PLL in MHz that Vivado reckons with, by family."""


def write(path: Path, hardware: Hardware, board: Board, pll_mhz: float | None = None) -> None:
    """Writes the file of a system. pll_mhz: what Vivado takes the I/O PLL to be, where not as the
    board's.
    """
    root = Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP="", VIVADOVERSION="2022.1")
    SubElement(root, "SYSTEMINFO", DEVICE=_device(hardware.part), NAME="overlay")
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    for cell in block_design.cells(hardware, board):
        module = _module(
            modules, cell.name, cell.ip, f"xilinx.com:ip:{cell.ip}:{VERSIONS[cell.ip]}"
        )
        if cell.name == PS:
            _processor(module, cell, hardware, board, pll_mhz or PLL_MHZ[board.family])
        else:
            _parameters(module, cell.config)
    name = f"{hardware.top}_board"
    module = _module(modules, SYSTEM, name, f"xilinx.com:module_ref:{name}:1.0")
    _interfaces(module, [("s_axi_control", "SLAVE"), ("m_axi", "MASTER")])
    ranges = SubElement(module, "MEMORYMAP")
    for segment, first, last in MEMORIES[board.family]:
        _range(ranges, f"HP0_{segment}", MEMORY, first, last, ("m_axi", PS, HP_PORT[board.family]))
    ElementTree.indent(root)
    with atomic_path(path) as part:
        ElementTree.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)


def divisors(pll_mhz: float, mhz: float) -> tuple[int, int]:
    """Finds the two divisors of 6 bits that make of the PLL the fastest clock that is not above
    `mhz`; both frequencies are in MHz.
    """
    whole = math.ceil(pll_mhz / mhz * (1 - 1e-6))
    second = next(n for n in range(1, 64) if whole % n == 0 and whole // n < 8 or n == 63)
    return whole // second, second


def _device(part: str) -> str:
    """As the file names it: xck26 of xck26-sfvc784-2LV-c, but 7z020 of xc7z020clg400-1."""
    return part[2:7] if part.startswith("xc7") else part.partition("-")[0]


def _module(parent: Element, name: str, kind: str, vlnv: str) -> Element:
    return SubElement(
        parent,
        "MODULE",
        FULLNAME=f"/{name}",
        HWVERSION=vlnv.rpartition(":")[2],
        INSTANCE=name,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODCLASS="PROCESSOR" if name == PS else "PERIPHERAL",
        MODTYPE=kind,
        VLNV=vlnv,
    )


def _parameters(module: Element, values: Mapping[str, object]) -> None:
    parent = SubElement(module, "PARAMETERS")
    for name, value in values.items():
        SubElement(parent, "PARAMETER", NAME=name, VALUE=str(value))


def _interfaces(module: Element, named: Iterable[tuple[str, str]]) -> None:
    """Memory-mapped interfaces, each with the one signal that the file's readers follow."""
    ports, busses = SubElement(module, "PORTS"), SubElement(module, "BUSINTERFACES")
    for name, role in named:
        pin = f"{name.lower()}_araddr"
        way = "O" if role == "MASTER" else "I"
        SubElement(SubElement(ports, "PORT", DIR=way, NAME=pin, SIGIS="undef"), "CONNECTIONS")
        bus = SubElement(busses, "BUSINTERFACE", NAME=name, TYPE=role, VLNV=AXI)
        SubElement(SubElement(bus, "PORTMAPS"), "PORTMAP", LOGICAL="ARADDR", PHYSICAL=pin)


def _range(
    parent: Element, block: str, kind: str, first: int, last: int, ends: tuple[str, str, str]
) -> None:
    """ends: master interface, cell and slave interface."""
    master, cell, slave = ends
    SubElement(
        parent,
        "MEMRANGE",
        ADDRESSBLOCK=block,
        BASENAME="C_BASEADDR",
        BASEVALUE=f"0x{first:08X}",
        HIGHNAME="C_HIGHADDR",
        HIGHVALUE=f"0x{last:08X}",
        INSTANCE=cell,
        MASTERBUSINTERFACE=master,
        MEMTYPE=kind,
        SLAVEBUSINTERFACE=slave,
    )


def _processor(
    module: Element, cell: Cell, hardware: Hardware, board: Board, pll_mhz: float
) -> None:
    """Beside what is set, what Vivado derives: the divisors of the clocks, the first one's real
    frequency, and the ports' widths under the names of the hardware.
    """
    first, second = divisors(pll_mhz, hardware.clock_mhz)
    real = f"{pll_mhz / first / second:.6f}"
    derived: dict[str, object] = {}
    for n in range(4):
        if board.family == "xc7":
            derived |= {
                f"PCW_FPGA_FCLK{n}_ENABLE": int(n == 0),
                f"PCW_FCLK{n}_PERIPHERAL_DIVISOR0": first,
                f"PCW_FCLK{n}_PERIPHERAL_DIVISOR1": second,
                f"PCW_ACT_FPGA{n}_PERIPHERAL_FREQMHZ": real,
            }
        else:
            clock = f"PSU__CRL_APB__PL{n}_REF_CTRL"
            derived |= {
                f"PSU__FPGA_PL{n}_ENABLE": int(n == 0),
                f"{clock}__DIVISOR0": first,
                f"{clock}__DIVISOR1": second,
                f"{clock}__ACT_FREQMHZ": real,
            }
    _parameters(module, {**cell.config, **derived})
    port = HP_PORT[board.family], "SLAVE"
    _interfaces(module, [(MASTER[board.family], "MASTER"), port])
    base = overlay.address(board)
    ends = (MASTER[board.family], SYSTEM, "s_axi_control")
    ranges = SubElement(module, "MEMORYMAP")
    _range(ranges, "reg0", REGISTER, base, base + overlay.RANGE - 1, ends)
