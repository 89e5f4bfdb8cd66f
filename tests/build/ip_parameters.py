"""Parameters of the vendor's cells and the values that they may have: what Vivado would refuse, a
test refuses too. From PG247 (smartconnect), PG164 (proc_sys_reset), PG082 (processing_system7),
PG201 (zynq_ultra_ps_e), each the table of user parameters.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

BOOL = ("0", "1")


@dataclass(frozen=True)
class Span:
    """Numbers from first to last, whole ones unless `real`."""

    first: float
    last: float
    real: bool = False

    def __contains__(self, text: object) -> bool:
        try:
            value = float(str(text))
        except ValueError:
            return False
        return self.first <= value <= self.last and (self.real or value.is_integer())


PLL_ULTRASCALE = ("IOPLL", "RPLL", "DPLL")
MHZ = Span(0.1, 667, real=True)
ALLOWED: dict[str, dict[str, Container[str]]] = {
    "smartconnect": {
        "NUM_SI": Span(1, 16),
        "NUM_MI": Span(1, 16),
        "NUM_CLKS": Span(1, 32),
        "HAS_ARESETN": BOOL,
    },
    "proc_sys_reset": {
        "C_EXT_RST_WIDTH": Span(1, 16),
        "C_EXT_RESET_HIGH": BOOL,
        "C_AUX_RESET_HIGH": BOOL,
        "C_NUM_PERP_ARESETN": Span(1, 16),
    },
    "processing_system7": {
        "PCW_CRYSTAL_PERIPHERAL_FREQMHZ": Span(30, 60, real=True),
        "PCW_UIPARAM_DDR_BUS_WIDTH": ("16 Bit", "32 Bit"),
        "PCW_UIPARAM_DDR_PARTNO": ("MT41K256M16 RE-125", "MT41J256M16 RE-125"),
        "PCW_UIPARAM_DDR_FREQ_MHZ": Span(200, 533.4, real=True),
        "PCW_FCLK0_PERIPHERAL_CLKSRC": ("IO PLL", "ARM PLL", "DDR PLL"),
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": MHZ,
        "PCW_EN_CLK0_PORT": BOOL,
        "PCW_EN_RST0_PORT": BOOL,
        "PCW_USE_M_AXI_GP0": BOOL,
        **{f"PCW_USE_S_AXI_HP{n}": BOOL for n in range(4)},
        **{f"PCW_S_AXI_HP{n}_DATA_WIDTH": ("32", "64") for n in range(4)},
    },
    "zynq_ultra_ps_e": {
        "PSU__PSS_REF_CLK__FREQMHZ": Span(27, 60, real=True),
        "PSU__CRL_APB__IOPLL_CTRL__FBDIV": Span(25, 125),
        "PSU__CRL_APB__IOPLL_CTRL__DIV2": BOOL,
        "PSU__DDRC__MEMORY_TYPE": ("DDR 3", "DDR 4", "LPDDR 3", "LPDDR 4"),
        "PSU__DDRC__BUS_WIDTH": ("32 Bit", "64 Bit"),
        "PSU__DDRC__DRAM_WIDTH": ("8 Bits", "16 Bits", "32 Bits"),
        "PSU__DDRC__DEVICE_CAPACITY": ("4096 MBits", "8192 MBits", "16384 MBits"),
        "PSU__DDRC__SPEED_BIN": ("DDR4_2133P", "DDR4_2400P", "DDR4_2400R", "DDR4_2400T"),
        "PSU__DDRC__BG_ADDR_COUNT": Span(1, 2),
        "PSU__DDRC__ROW_ADDR_COUNT": Span(14, 18),
        "PSU__FPGA_PL0_ENABLE": BOOL,
        "PSU__CRL_APB__PL0_REF_CTRL__SRCSEL": PLL_ULTRASCALE,
        "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": MHZ,
        "PSU__USE__FABRIC__RST": BOOL,
        "PSU__HIGH_ADDRESS__ENABLE": BOOL,
        **{f"PSU__USE__M_AXI_GP{n}": BOOL for n in range(3)},
        "PSU__MAXIGP0__DATA_WIDTH": ("32", "64", "128"),
        **{f"PSU__USE__S_AXI_GP{n}": BOOL for n in range(2, 6)},
        **{f"PSU__SAXIGP{n}__DATA_WIDTH": ("32", "64", "128") for n in range(2, 6)},
    },
}
SOURCES = {
    "processing_system7": "PCW_FCLK0_PERIPHERAL_CLKSRC",
    "zynq_ultra_ps_e": "PSU__CRL_APB__PL0_REF_CTRL__SRCSEL",
}
"""Parameter that names the PLL of the first clock: without it Vivado takes one of its choice."""


def faults(name: str, ip: str, config: dict[str, str]) -> list[str]:
    """What is wrong with a cell's parameters, one line each."""
    if ip not in ALLOWED:
        return [f"{name}: nothing is known of {ip}"]
    said = []
    for key, value in config.items():
        allowed = ALLOWED[ip].get(key)
        if allowed is None:
            said.append(f"{name}: {ip} has no parameter {key}")
        elif value not in allowed:
            said.append(f"{name}: {key} is not to be {value!r}")
    source = SOURCES.get(ip)
    if source is not None and source not in config:
        said.append(f"{name}: the clock has no source ({source})")
    return said
