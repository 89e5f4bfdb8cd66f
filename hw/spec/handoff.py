"""What a `.hwh` says of an overlay. Vivado leaves the file beside a bitstream: XML that names the
cells of the block design with their settings and addresses. A host reads it before it touches a
board, so that a register of one design is never taken for one of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from hw.spec.errors import BundleError
from hw.spec.hardware import Hardware

SYSTEM = "system"
"""Cell of the accelerators and their data mover in the block design."""
ADDRESS_BITS = 40
"""The mover's addresses have so many bits."""
CLOCK = {
    "processing_system7": "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ",
    "zynq_ultra_ps_e": "PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ",
}
"""Parameter that holds what the programmable logic's first clock really is, by processor."""
LARGEST = 1 << 26
"""A file that is read has at most this many bytes."""
REMEDY = "run make bitstream again, or fetch .bit and .hwh of one build"


@dataclass(frozen=True)
class Reach:
    """What the data mover reaches: (first, last) byte of each range of memory."""

    ranges: tuple[tuple[int, int], ...]

    def holds(self, address: int, size: int) -> bool:
        """Tells whether `size` bytes at `address` are within."""
        last = address + max(size, 1) - 1
        within = last >> ADDRESS_BITS == 0
        return within and any(a <= address and last <= b for a, b in self.ranges)


@dataclass(frozen=True)
class Handoff:
    """A bitstream, as its file tells of it. path: of the file. device: as Vivado names the chip
    there ("xck26", "7z020"). clock_mhz: that the design was timed with. addresses: base of each
    cell's registers. memory: what the system's port reaches.
    """

    path: Path
    device: str
    clock_mhz: float
    addresses: Mapping[str, int]
    memory: Reach

    @classmethod
    def read(cls, path: Path) -> Handoff:
        """Reads a file. Raises BundleError for one that is missing, torn, or of no such design."""
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"{path.stat().st_size:,} bytes")
            root = ElementTree.parse(path).getroot()
            modules = {m.attrib["INSTANCE"]: m for m in root.iter("MODULE")}
            processors = [m for m in modules.values() if m.get("MODTYPE") in CLOCK]
            if len(processors) != 1:
                raise ValueError(f"{len(processors)} processors")
            processor = processors[0]
            clock = _parameters(processor)[CLOCK[processor.attrib["MODTYPE"]].lower()]
            windows = {
                m.attrib["INSTANCE"]: int(m.attrib["BASEVALUE"], 16)
                for m in processor.iter("MEMRANGE")
                if m.get("MEMTYPE") == "REGISTER"
            }
            device = next(root.iter("SYSTEMINFO")).attrib["DEVICE"]
            if not 0 < float(clock) < 1e4:
                raise ValueError(f"a clock of {clock} MHz")
            return cls(path, device, float(clock), windows, Reach(_ranges(modules[SYSTEM])))
        except FileNotFoundError as error:
            raise BundleError(f"bundle file {path} is missing", REMEDY) from error
        except (OSError, ElementTree.ParseError, StopIteration, LookupError, ValueError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise BundleError(f"{path} is no whole hardware handoff ({detail})", REMEDY) from error

    def check(self, hardware: Hardware) -> None:
        """Raises BundleError where the overlay is not the one that hardware.json describes."""
        name = self.path.name
        if self.device not in hardware.part:
            raise BundleError(
                f"{name} is for the chip {self.device}, hardware.json for {hardware.part}", REMEDY
            )
        found, wanted = self.addresses.get(SYSTEM), hardware.address
        if found is None or found != wanted:
            where, there = ("nowhere" if n is None else f"at {n:#010x}" for n in (found, wanted))
            raise BundleError(
                f"the registers are {where} in {name}, {there} in hardware.json", REMEDY
            )
        if not self.memory.ranges:
            raise BundleError(f"{name} gives the data mover no memory", REMEDY)


def _parameters(module: ElementTree.Element) -> dict[str, str]:
    """Of a cell, by lower-case name: Vivado's own spelling differs between its versions."""
    found = module.find("PARAMETERS")
    return {} if found is None else {p.attrib["NAME"].lower(): p.attrib["VALUE"] for p in found}


def _ranges(module: ElementTree.Element) -> tuple[tuple[int, int], ...]:
    """(first, last) byte of each range of memory that a cell's masters reach."""
    ranges = {
        (int(m.attrib["BASEVALUE"], 16), int(m.attrib["HIGHVALUE"], 16))
        for m in module.iter("MEMRANGE")
        if m.get("MEMTYPE") == "MEMORY"
    }
    return tuple(sorted(ranges))
