"""Cells of a board's block design and how each is set: the one source of the Vivado script's
settings, of the check of that script, and of the `.hwh` of a simulated board.

Names and values are those of the vendor's guides: PG021 (axi_dma), PG247 (smartconnect), PG164
(proc_sys_reset), PG082 and PG201 (processors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hw.board import Board
from hw.build.overlay import Dma, dmas, memory_ports
from hw.spec.handoff import SYSTEM
from hw.spec.hardware import Hardware

PROCESSORS = {"xc7": "processing_system7", "xcup": "zynq_ultra_ps_e"}
PS, RESET, CONTROL_NET = "ps", "reset", "control_net"
ADDRESS_BITS = {"xc7": 32, "xcup": 40}
"""A DMA's addresses have this many bits, all that the processor's memory may lie at. An UltraScale+
has the memory beyond 2 GB above 32 GB.
"""
LENGTH_BITS = 26
"""A DMA's length register has this many bits: 64 MB at once, the most that PG021 has."""
BURST = 16
STREAM_BITS = 8
CONTROL_BITS = 32


@dataclass(frozen=True)
class Cell:
    """One cell: its name, the IP's ("" for the system, a module), and parameters that are set."""

    name: str
    ip: str
    config: Mapping[str, str | int | float]


def cells(hardware: Hardware, board: Board) -> tuple[Cell, ...]:
    """Every cell but the system's. Raises SpecError for more streams than the ports take."""
    nets = memory_ports(hardware, board)
    engines = dmas(hardware)
    one_clock = {"NUM_CLKS": 1}
    return (
        _processor(hardware, board, len(nets)),
        Cell(RESET, "proc_sys_reset", {}),
        *(_engine(dma, board) for dma in engines),
        Cell(CONTROL_NET, "smartconnect", {"NUM_SI": 1, "NUM_MI": 1 + len(engines), **one_clock}),
        *(
            Cell(f"memory_net_{n}", "smartconnect", {"NUM_SI": len(net), "NUM_MI": 1, **one_clock})
            for n, net in enumerate(nets)
        ),
    )


def slaves(hardware: Hardware) -> tuple[str, ...]:
    """Register interfaces in the order of the control net's ports."""
    return (f"{SYSTEM}/s_axi_control", *(f"{dma.cell}/S_AXI_LITE" for dma in dmas(hardware)))


def _processor(hardware: Hardware, board: Board, ports: int) -> Cell:
    """With one clock at the target frequency, one reset, one master for the registers.

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
        }
        for n in range(ports):
            config |= {f"PCW_USE_S_AXI_HP{n}": 1, f"PCW_S_AXI_HP{n}_DATA_WIDTH": board.hp_bits}
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
        }
        for n in range(2, ports + 2):
            config |= {f"PSU__USE__S_AXI_GP{n}": 1, f"PSU__SAXIGP{n}__DATA_WIDTH": board.hp_bits}
    return Cell(PS, PROCESSORS[board.family], config)


def _engine(dma: Dma, board: Board) -> Cell:
    """Simple transfers, whole words of memory, a byte a beat."""
    config: dict[str, str | int | float] = {
        "c_include_sg": 0,
        "c_sg_length_width": LENGTH_BITS,
        "c_addr_width": ADDRESS_BITS[board.family],
        "c_include_mm2s": int(dma.reads),
        "c_include_s2mm": int(dma.writes),
    }
    if dma.reads:
        config |= {
            "c_m_axi_mm2s_data_width": board.hp_bits,
            "c_m_axis_mm2s_tdata_width": STREAM_BITS,
            "c_mm2s_burst_size": BURST,
            "c_include_mm2s_dre": 0,
        }
    if dma.writes:
        config |= {
            "c_m_axi_s2mm_data_width": board.hp_bits,
            "c_s_axis_s2mm_tdata_width": STREAM_BITS,
            "c_s2mm_burst_size": BURST,
            "c_include_s2mm_dre": 0,
        }
    return Cell(dma.cell, "axi_dma", config)
