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
"""Cell of the accelerators in the block design; in hardware.json its registers are "control"."""
MOVER = "the data mover"
"""What a concurrent system's way to memory is called in messages: it is the system's own port."""
MOVER_BITS, LENGTH_BITS = 40, 25
"""A mover's addresses and lengths have so many bits."""
CONTROL = "control"
DMA = "axi_dma"
CLOCK = {
    "processing_system7": "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ",
    "zynq_ultra_ps_e": "PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ",
}
"""Parameter that holds what the programmable logic's first clock really is, by processor."""
LARGEST = 1 << 26
"""A file that is read has at most this many bytes."""
REMEDY = "run make bitstream again, or fetch .bit and .hwh of one build"


@dataclass(frozen=True)
class Dma:
    """One AXI DMA: bits of its addresses and of its length register, and (first, last) byte of each
    range of memory that it reaches; none where the file does not list them.
    """

    address_bits: int
    length_bits: int
    reach: tuple[tuple[int, int], ...] = ()

    def reaches(self, address: int, size: int) -> bool:
        """Tells whether it can move `size` bytes at `address`."""
        ranges = self.reach or ((0, (1 << self.address_bits) - 1),)
        last = address + max(size, 1) - 1
        within = last >> self.address_bits == 0
        return within and any(a <= address and last <= b for a, b in ranges)


@dataclass(frozen=True)
class Handoff:
    """A bitstream, as its file tells of it. path: of the file. device: as Vivado names the chip
    there ("xck26", "7z020"). clock_mhz: that the design was timed with. addresses: base of each
    cell's registers; dmas: by cell; mover: what the system's own port to memory reaches, if it has
    one.
    """

    path: Path
    device: str
    clock_mhz: float
    addresses: Mapping[str, int]
    dmas: Mapping[str, Dma]
    mover: Dma | None = None

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
            engines = {k: _dma(m) for k, m in modules.items() if m.get("MODTYPE") == DMA}
            device = next(root.iter("SYSTEMINFO")).attrib["DEVICE"]
            if not 0 < float(clock) < 1e4:
                raise ValueError(f"a clock of {clock} MHz")
            own = _reach(modules[SYSTEM]) if SYSTEM in modules else ()
            mover = Dma(MOVER_BITS, LENGTH_BITS, own) if own else None
            return cls(path, device, float(clock), windows, engines, mover)
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
        for cell, wanted in hardware.addresses.items():
            found = self.addresses.get(SYSTEM if cell == CONTROL else cell)
            if found != wanted:
                where = "nowhere" if found is None else f"at {found:#010x}"
                raise BundleError(
                    f"{cell} is {where} in {name}, at {wanted:#010x} in hardware.json", REMEDY
                )
        largest = max(
            end.beats
            for graph in hardware.graphs
            for end in (*graph.inputs, *graph.outputs, *([graph.setup] if graph.setup else []))
        )
        if hardware.word_bytes and self.mover is None:
            raise BundleError(f"{name} gives {MOVER} no memory", REMEDY)
        for cell in hardware.dmas:
            if cell not in self.dmas:
                raise BundleError(f"{name} has no AXI DMA {cell}", REMEDY)
            bits = self.dmas[cell].length_bits
            if largest >> bits:
                raise BundleError(
                    f"{cell} counts {bits} bits of length, {largest} bytes are moved at once",
                    REMEDY,
                )


def _parameters(module: ElementTree.Element) -> dict[str, str]:
    """Of a cell, by lower-case name: Vivado's own spelling differs between its versions."""
    found = module.find("PARAMETERS")
    return {} if found is None else {p.attrib["NAME"].lower(): p.attrib["VALUE"] for p in found}


def _dma(module: ElementTree.Element) -> Dma:
    settings = _parameters(module)
    if settings.get("c_include_sg", "0") != "0":
        raise ValueError(f"{module.get('INSTANCE')} uses descriptors, the host registers")
    address, length = (int(settings[f"c_{k}_width"]) for k in ("addr", "sg_length"))
    if not (8 <= address <= 64 and 8 <= length <= 26):  # PG021
        raise ValueError(f"{module.get('INSTANCE')} has {address} and {length} bits")
    return Dma(address, length, _reach(module))


def _reach(module: ElementTree.Element) -> tuple[tuple[int, int], ...]:
    """(first, last) byte of each range of memory that a cell's masters reach."""
    ranges = {
        (int(m.attrib["BASEVALUE"], 16), int(m.attrib["HIGHVALUE"], 16))
        for m in module.iter("MEMRANGE")
        if m.get("MEMTYPE") == "MEMORY"
    }
    return tuple(sorted(ranges))
