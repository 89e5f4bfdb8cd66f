"""Cells of a board's block design and how each is set: the one source of the Vivado script's
settings, of the check of that script, and of the `.hwh` of a simulated board.

Names and values are those of the vendor's guides: PG247 (smartconnect), PG164 (proc_sys_reset),
PG082 and PG201 (processors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hw.board import Board
from hw.spec.hardware import Hardware

PROCESSORS = {"xc7": "processing_system7", "xcup": "zynq_ultra_ps_e"}
PS, RESET = "ps", "reset"
NETS = ("control_net", "memory_net")
"""From the processor to the registers, and from the data mover to memory."""
CONTROL_BITS = 32


@dataclass(frozen=True)
class Cell:
    """One cell: its name, the IP's ("" for the system, a module), and parameters that are set."""

    name: str
    ip: str
    config: Mapping[str, str | int | float]


def cells(hardware: Hardware, board: Board) -> tuple[Cell, ...]:
    """Returns every cell of the block design but the system's own."""
    one_each = {"NUM_SI": 1, "NUM_MI": 1, "NUM_CLKS": 1}
    return (
        _processor(hardware, board),
        Cell(RESET, "proc_sys_reset", {}),
        *(Cell(net, "smartconnect", one_each) for net in NETS),
    )


def _processor(hardware: Hardware, board: Board) -> Cell:
    """With one clock at the target frequency, one reset, one master for the registers, one port to
    memory.

    The clock's PLL is named, since boot images differ in what they set up: it is the I/O PLL, whose
    1,000 MHz give 200, 166.7, 125 and 100 MHz. Vivado's own choice on UltraScale+, the RPLL, is one
    that no boot image sets for it.
    """
    mhz = hardware.clock_mhz
    config: dict[str, str | int | float]
    if board.family == "xc7":
        config = {
            "PCW_FCLK0_PERIPHERAL_CLKSRC": "IO PLL",
            "PCW_FPGA0_PERIPHERAL_FREQMHZ": mhz,
            "PCW_EN_CLK0_PORT": 1,
            "PCW_EN_RST0_PORT": 1,
            "PCW_USE_M_AXI_GP0": 1,
            "PCW_USE_S_AXI_HP0": 1,
            "PCW_S_AXI_HP0_DATA_WIDTH": board.hp_bits,
        }
    else:
        config = {
            "PSU__FPGA_PL0_ENABLE": 1,
            "PSU__CRL_APB__PL0_REF_CTRL__SRCSEL": "IOPLL",
            "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": mhz,
            "PSU__USE__FABRIC__RST": 1,
            "PSU__HIGH_ADDRESS__ENABLE": 1,
            "PSU__USE__M_AXI_GP0": 1,
            "PSU__USE__M_AXI_GP1": 0,
            "PSU__USE__M_AXI_GP2": 0,
            "PSU__MAXIGP0__DATA_WIDTH": CONTROL_BITS,
            "PSU__USE__S_AXI_GP2": 1,  # S_AXI_HP0_FPD
            "PSU__SAXIGP2__DATA_WIDTH": board.hp_bits,
        }
    return Cell(PS, PROCESSORS[board.family], config)
