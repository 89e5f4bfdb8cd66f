"""A board without its software: what its buses reach, before and after an overlay is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hw.spec.files import atomic_path
from hw.spec.handoff import SYSTEM, Handoff
from hw.spec.registers import ADDRESS_BITS
from sim.board.clocks import Clocks, kv260, pynq_z2
from sim.board.memory import Memory
from sim.board.port import MoverPort
from sim.rtl.system import RtlSystem

STRIDE = 20
"""The clock cycles between two looks at the status of the data mover."""
WINDOW = 0xFFFF
SAME = 1e-3
"""A clock that is faster than another by no more than this share counts as the same."""


@dataclass(frozen=True)
class Kind:
    """What tells one kind of board from another.

    name: the board, as its files call it. machine: the processor, as Python's `platform` calls it.
    image: the name that PYNQ's image gives the board. low: address at which contiguous buffers
    begin.
    """

    name: str
    machine: str
    image: str
    ranges: tuple[tuple[int, int], ...]
    low: int


KV260 = Kind(
    "KV260",
    "aarch64",
    "KV260",
    ((0, 0x7FF0_0000 - 1), (0x8_0000_0000, 0x8_7FFF_FFFF)),
    0x6000_0000,
)
PYNQ_Z2 = Kind("PYNQ-Z2", "armv7l", "Pynq-Z2", ((0, 0x1FFF_FFFF),), 0x1600_0000)
KINDS = {kind.name: kind for kind in (KV260, PYNQ_Z2)}


class Bitstream:
    """A simulated bitstream: a text that names the compiled system and the folder of its ROMs."""

    @staticmethod
    def write(path: Path, library: Path, roms: Path) -> None:
        """Writes a simulated bitstream to a file."""
        with atomic_path(path) as part:
            named = {"library": str(library.resolve()), "roms": str(roms.resolve())}
            part.write_text(json.dumps(named), encoding="utf-8")

    @staticmethod
    def open(path: Path) -> RtlSystem:
        """The system. Raises ValueError for a torn file, as pynq does for one of Vivado's."""
        named = json.loads(path.read_text(encoding="utf-8"))
        return RtlSystem(Path(named["library"]), Path(named["roms"]))


class Machine:
    """A simulated board: processor memory, clocks, and the overlay that `configure` loads. Until
    then it is in the state that a boot leaves.

    kind: the kind of board. timed_mhz: what the loaded overlay is timed for. stride: the clock
    cycles between two looks at the status of the data mover.
    """

    def __init__(self, kind: Kind, stride: int = STRIDE) -> None:
        self.kind, self.stride = kind, stride
        self.clocks: Clocks = kv260() if kind is KV260 else pynq_z2()
        self.memory = Memory(kind.ranges, kind.low)
        self.system: RtlSystem | None = None
        self.port: MoverPort | None = None
        self.loaded: list[Path] = []
        self._windows: dict[int, str] = {}
        self.timed_mhz = 0.0

    def configure(self, bitstream: Path) -> None:
        """Loads an overlay: the bitstream, and the `.hwh` beside it for what Vivado has built."""
        handoff = Handoff.read(bitstream.with_suffix(".hwh"))
        if self.system is not None:
            self.system.close()
        self.system = Bitstream.open(bitstream)
        self.port = MoverPort(self.system, self.memory, self.stride)
        self.timed_mhz = handoff.clock_mhz
        self._windows = {base: cell for cell, base in handoff.addresses.items()}
        self.loaded.append(bitstream)

    # -- registers

    def load(self, address: int) -> int:
        """Reads the word of 32 bits that lies at a physical address."""
        offset = self._place(address)
        if offset is None:
            return self.clocks.load(address)
        port = self._live
        port.fast = self._too_fast
        return port.load(offset % (1 << ADDRESS_BITS))

    def store(self, address: int, value: int) -> None:
        """Writes a word of 32 bits to a physical address."""
        offset = self._place(address)
        if offset is None:
            self.clocks.store(address, value)
        else:
            self._live.store(offset % (1 << ADDRESS_BITS), value)

    def _place(self, address: int) -> int | None:
        """Returns the offset in the system's window; None for the processor's own registers."""
        if address >= 0xF000_0000:
            return None
        cell = self._windows.get(address & ~WINDOW)
        assert cell == SYSTEM, f"nothing answers at {address:#x}: a real board hangs here"
        return address & WINDOW

    @property
    def _live(self) -> MoverPort:
        assert self.port is not None, "registers before the overlay: a real board hangs here"
        return self.port

    @property
    def _too_fast(self) -> bool:
        """Tells whether the logic is clocked faster than its paths allow, and computes wrongly."""
        return self.clocks.mhz() > self.timed_mhz * (1 + SAME)

    def at_work(self, address: int, size: int) -> bool:
        """Tells whether a job that is not done moves bytes of a buffer."""
        return self.port is not None and self.port.at_work(address, size)
