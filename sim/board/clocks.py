"""Clock registers of the processors: PLLs as a board's boot image leaves them, and the divisors of
the programmable logic's first clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Clocks:
    """This is the clock generator of a simulated board.

    crystal_mhz: frequency in MHz of the crystal that really drives the PLLs. words: the registers'
    values by address.
    """

    crystal_mhz: float
    words: dict[int, int] = field(default_factory=dict)

    def mhz(self) -> float:
        """Returns the frequency in MHz of the programmable logic's first clock, as the registers
        set it.
        """
        raise NotImplementedError

    def load(self, address: int) -> int:
        """Returns the value of a register; addresses that belong to no clock read as zero."""
        return self.words.get(address, 0)

    def store(self, address: int, value: int) -> None:
        """Writes a value of 32 bits to the clock register at an address."""
        self.words[address] = value


class UltraScale(Clocks):
    """The clock registers of a Zynq UltraScale+ (UG1087) are those of CRL_APB and CRF_APB."""

    CRL, CRF = 0xFF5E_0000, 0xFD1A_0000
    IOPLL, RPLL, DPLL, PL0 = CRL + 0x20, CRL + 0x30, CRF + 0x2C, CRL + 0xC0

    def mhz(self) -> float:
        word = self.load(self.PL0)
        if not word >> 24 & 1:
            return 0.0
        pll = self.load({0: self.IOPLL, 2: self.RPLL, 3: self.DPLL}[word & 7])
        source = self.crystal_mhz * (pll >> 8 & 0x7F) / (1 + (pll >> 16 & 1))
        return source / max(1, word >> 8 & 0x3F) / max(1, word >> 16 & 0x3F)


class Zynq7(Clocks):
    """The clock registers of a Zynq-7000 in its SLCR (UG585, appendix B)."""

    SLCR = 0xF800_0000
    ARM, DDR, IO, FPGA0 = SLCR + 0x100, SLCR + 0x104, SLCR + 0x108, SLCR + 0x170

    def mhz(self) -> float:
        word = self.load(self.FPGA0)
        pll = self.load({2: self.ARM, 3: self.DDR}.get(word >> 4 & 3, self.IO))
        source = self.crystal_mhz * (pll >> 12 & 0x7F)
        return source / max(1, word >> 8 & 0x3F) / max(1, word >> 20 & 0x3F)


def kv260() -> UltraScale:
    """A KV260 as it boots: IOPLL 1,000 MHz, RPLL 1,500 / 2 MHz, PL0 at 100 MHz off the IOPLL."""
    clocks = UltraScale(100 / 3)
    pll = {clocks.IOPLL: 60, clocks.RPLL: 45, clocks.DPLL: 72}
    clocks.words = {address: 1 << 16 | fbdiv << 8 for address, fbdiv in pll.items()}
    clocks.words[clocks.PL0] = 1 << 24 | 1 << 16 | 10 << 8
    return clocks


def pynq_z2() -> Zynq7:
    """A PYNQ-Z2 as PYNQ's image boots it: IO PLL 1,000 MHz, FCLK0 at 100 MHz off it."""
    clocks = Zynq7(50.0)
    pll = {clocks.ARM: 26, clocks.DDR: 21, clocks.IO: 20}
    clocks.words = {address: fdiv << 12 for address, fdiv in pll.items()}
    clocks.words[clocks.FPGA0] = 2 << 20 | 5 << 8
    return clocks
