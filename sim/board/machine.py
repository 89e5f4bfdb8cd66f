"""A board without its software: what its buses reach, before and after an overlay is loaded."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hw.spec.files import atomic_path
from hw.spec.handoff import SYSTEM, Handoff
from hw.spec.mover_map import ADDRESS_BITS
from sim.board.clocks import Clocks, kv260, pynq_z2
from sim.board.dma import Engine
from sim.board.memory import Memory
from sim.board.mover import MoverPort
from sim.rtl.concurrent import ConcurrentRtl
from sim.rtl.system import RtlSystem, TransferError

STRIDE = 20
"""The clock cycles between two looks at a DMA."""
S2MM = 0x30
"""The offset in bytes at which the registers of a DMA's receiving direction begin."""
WINDOW = 0xFFFF
SAME = 1e-3
"""A clock that is faster than another by no more than this share counts as the same."""


@dataclass(frozen=True)
class Kind:
    """What tells one kind of board from another.

    name: the board, as its files call it. machine: the processor, as Python's `platform` calls it.
    image: the name that PYNQ's image gives the board. hp_bits: width of the ports to memory in
    bits. low: address at which contiguous buffers begin.
    """

    name: str
    machine: str
    image: str
    hp_bits: int
    ranges: tuple[tuple[int, int], ...]
    low: int


KV260 = Kind(
    "KV260",
    "aarch64",
    "KV260",
    128,
    ((0, 0x7FF0_0000 - 1), (0x8_0000_0000, 0x8_7FFF_FFFF)),
    0x6000_0000,
)
PYNQ_Z2 = Kind("PYNQ-Z2", "armv7l", "Pynq-Z2", 64, ((0, 0x1FFF_FFFF),), 0x1600_0000)
KINDS = {kind.name: kind for kind in (KV260, PYNQ_Z2)}


class Bitstream:
    """A simulated bitstream: a text that names the compiled system and the folder of its ROMs."""

    @staticmethod
    def write(path: Path, library: Path, roms: Path, concurrent: bool = False) -> None:
        """Writes a simulated bitstream to a file. concurrent: of such a system."""
        with atomic_path(path) as part:
            named = {"library": str(library.resolve()), "roms": str(roms.resolve())}
            named |= {"kind": "concurrent"} if concurrent else {}
            part.write_text(json.dumps(named), encoding="utf-8")

    @staticmethod
    def open(path: Path) -> RtlSystem | ConcurrentRtl:
        """The system. Raises ValueError for a torn file, as pynq does for one of Vivado's."""
        named = json.loads(path.read_text(encoding="utf-8"))
        kind = ConcurrentRtl if "kind" in named else RtlSystem
        return kind(Path(named["library"]), Path(named["roms"]))


class Machine:
    """A simulated board: processor memory, clocks, DMAs and the overlay that `configure` loads.
    Until then it is in the state that a boot leaves.

    kind: the kind of board. timed_mhz: what the loaded overlay is timed for. stride: the clock
    cycles between two looks at a DMA. stuck: whether all DMAs stand still, to plant that fault.
    short: bytes by which the receiving engine of a channel falls short, to plant that one.
    """

    def __init__(self, kind: Kind, stride: int = STRIDE) -> None:
        self.kind, self.stride = kind, stride
        self.clocks: Clocks = kv260() if kind is KV260 else pynq_z2()
        self.memory = Memory(kind.ranges, kind.low)
        self.system: RtlSystem | ConcurrentRtl | None = None
        self.port: MoverPort | None = None
        self.engines: dict[str, tuple[Engine, Engine]] = {}
        self.loaded: list[Path] = []
        self.stuck = False
        self.short: dict[int, int] = {}
        self._windows: dict[int, str] = {}
        self.timed_mhz = 0.0
        self._pending = False

    def configure(self, bitstream: Path) -> None:
        """Loads an overlay: the bitstream, and the `.hwh` beside it for what Vivado has built."""
        handoff = Handoff.read(bitstream.with_suffix(".hwh"))
        if self.system is not None:
            self.system.close()
        self.system, self.port = Bitstream.open(bitstream), None
        if isinstance(self.system, ConcurrentRtl):
            self.port = MoverPort(self.system, self.memory, self.stride)
        self.timed_mhz = handoff.clock_mhz
        self._windows = {base: cell for cell, base in handoff.addresses.items()}
        width = self.kind.hp_bits // 8
        self.engines = {}
        for cell, dma in handoff.dmas.items():
            channel = int(cell.rpartition("_")[2])
            sending, taking = (Engine(self, channel, way, dma, width) for way in (False, True))
            self.engines[cell] = (sending, taking)
        self.loaded.append(bitstream)

    # -- registers

    def load(self, address: int) -> int:
        """Reads the word of 32 bits that lies at a physical address."""
        cell, offset = self._place(address)
        if cell is None:
            return self.clocks.load(address)
        if cell == SYSTEM and self.port is not None:
            self.port.fast = self._too_fast
            return self.port.load(offset % (1 << ADDRESS_BITS))
        if cell == SYSTEM:
            return self._live.read(offset)
        return self.engines[cell][offset >= S2MM].read(offset % S2MM)

    def store(self, address: int, value: int) -> None:
        """Writes a word of 32 bits to a physical address."""
        cell, offset = self._place(address)
        if cell is None:
            self.clocks.store(address, value)
        elif cell == SYSTEM and self.port is not None:
            self.port.store(offset % (1 << ADDRESS_BITS), value)
        elif cell == SYSTEM:
            self._live.write(offset, value)
        else:
            self.engines[cell][offset >= S2MM].write(offset % S2MM, value)

    def _place(self, address: int) -> tuple[str | None, int]:
        """Returns (cell, offset); no cell for the processor's own registers."""
        if address >= 0xF000_0000:
            return None, address
        cell = self._windows.get(address & ~WINDOW)
        assert cell is not None, f"nothing answers at {address:#x}: a real board hangs here"
        return cell, address & WINDOW

    @property
    def _live(self) -> RtlSystem:
        assert self.system is not None, "registers before the overlay: a real board hangs here"
        assert isinstance(self.system, RtlSystem)
        return self.system

    @property
    def _too_fast(self) -> bool:
        """Tells whether the logic is clocked faster than its paths allow, and computes wrongly."""
        return self.clocks.mhz() > self.timed_mhz * (1 + SAME)

    # -- streams

    @property
    def idle(self) -> bool:
        """Tells whether no DMA is at work."""
        return not any(e.busy for pair in self.engines.values() for e in pair)

    def at_work(self, address: int, size: int) -> bool:
        """Tells whether a DMA at work moves bytes of a buffer."""
        if self.port is not None:
            return self.port.at_work(address, size)
        engines = (e for pair in self.engines.values() for e in pair if e.busy)
        return any(address <= (e.high << 32 | e.low) < address + size for e in engines)

    def began(self) -> None:
        """Hears that an engine has something to do."""
        self._pending = True

    def reset_channel(self, channel: int) -> None:
        """Resets both engines of a DMA."""
        for pair in self.engines.values():
            if pair[0].channel == channel:
                self._live.abandon()
                for engine in pair:
                    engine.reset()

    def serve(self) -> None:
        """Lets the engines at work move on."""
        if self.stuck:
            return
        busy = [e for pair in self.engines.values() for e in pair if e.busy]
        if self._pending:
            self._pending = False
            self._live.begin(
                {e.channel: e.bytes for e in busy if not e.output},
                {e.channel: e.bytes for e in busy if e.output},
            )
        with suppress(TransferError):  # a DMA takes a frame that ends early: the count tells
            self._live.advance(self.stride)
        moved = self._live.progress()
        for engine in busy:
            done, count = moved[f"{'m' if engine.output else 's'}_axis_{engine.channel}"]
            engine.moved(done == count)
            if engine.idle and engine.output:
                engine.length -= self.short.get(engine.channel, 0)
                if self._too_fast:
                    engine.bytes[0] ^= 1
