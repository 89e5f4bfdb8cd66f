"""Stands in for the package `pynq` on a board that has the small system: Overlay, MMIO, allocate.

The system is the simulated RTL; the AXI DMAs are modelled register by register (Xilinx PG021,
direct mode). Memory is not coherent: a DMA sees what was flushed, the processor what was
invalidated.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hw.spec.hardware import Hardware
from sim.rtl.bundle import open_bundle
from sim.rtl.system import RtlSystem, TransferError

BASE = 0x1_6000_0000
"""Of the buffers: above 4 GiB, where addresses need both registers."""

LAG = 5
"""Looks at a DMA that still find it at work when all its bytes have passed."""


class Buffer(np.ndarray):
    """What `pynq.allocate` returns: an array with an address, and another copy in memory."""

    def setup(self, board: Board, address: int) -> None:
        self.board, self.device_address = board, address
        board.memory[address] = np.full(self.nbytes, 0xEE, np.uint8)

    def flush(self) -> None:
        self.board.memory[self.device_address][:] = self.reshape(-1).view(np.uint8)

    def invalidate(self) -> None:
        self.reshape(-1).view(np.uint8)[:] = self.board.memory[self.device_address]

    def __del__(self) -> None:
        if "board" in self.__dict__:  # a view has none
            assert self.board.idle, "freed while a DMA may still write"
            del self.board.memory[self.device_address]


class Engine:
    """One direction of a DMA."""

    def __init__(self, board: Board, channel: int, output: bool) -> None:
        self.board, self.channel, self.output = board, channel, output
        self.reset()

    def reset(self) -> None:
        self.running, self.busy, self.error, self.address, self.count = False, False, 0, 0, 0
        self.late = 0
        self.bytes = np.zeros(0, np.uint8)

    def read(self, offset: int) -> int:
        if offset == 0x04:
            if self.busy:  # so all of a run's DMAs have started before the first of them moves
                self.board.serve()
            return int(not self.running) | (not self.busy) << 1 | self.error
        return {0x00: int(self.running), 0x28: self.count}[offset]

    def write(self, offset: int, value: int) -> None:
        if offset == 0x00:
            if value & 4:
                self.board.reset_dma(self.channel)
            self.running = bool(value & 1)
        elif offset in (0x18, 0x1C):
            low, high = self.address & 0xFFFFFFFF, self.address >> 32
            self.address = (high << 32 | value) if offset == 0x18 else (value << 32 | low)
        elif offset == 0x28:
            assert self.running and not self.busy, "started without RUN or while at work"
            self.count = value
            memory = self.board.memory.get(self.address)
            lost = self.board.unmapped and not self.output
            if lost or memory is None or memory.size < value:
                self.running, self.error = False, 1 << 6
                return
            self.busy = True
            self.bytes = memory[:value] if self.output else memory[:value].copy()
            self.board.pending = True
        else:
            raise AssertionError(f"write to DMA register {offset:#x}")


class Board:
    """The module: pass it as `pynq`.

    short: bytes that the DMA of an output channel claims to miss. stuck: no DMA moves. unmapped: no
    DMA finds what it is to send.
    """

    def __init__(self, folder: Path) -> None:
        self.hardware = Hardware.load(folder)
        self.memory: dict[int, np.ndarray] = {}
        self.allocated = 0
        self.loaded: list[str] = []
        self.pending = False
        self.short: dict[int, int] = {}
        self.stuck = False
        self.unmapped = False
        self.system: RtlSystem | None = None
        self._folder = folder
        self.engines = {
            name: (Engine(self, i, False), Engine(self, i, True))
            for i, name in enumerate(self.hardware.dmas)
        }

    def Overlay(self, path: str) -> None:  # noqa: N802
        self.loaded.append(path)
        self.system = open_bundle(self._folder, self.hardware, lambda done, count: None)

    def MMIO(self, address: int, length: int) -> SimpleNamespace:  # noqa: N802
        assert self.system is not None, "registers before the overlay"
        names = {value: name for name, value in self.hardware.addresses.items()}
        name = names[address]
        block = Control(self.system) if name == "control" else Dma(self.engines[name])
        return SimpleNamespace(array=Words(block))

    def allocate(self, shape, dtype) -> Buffer:
        buffer = np.full(shape, 0x55, dtype).view(Buffer)
        buffer.setup(self, BASE + 0x10_0000 * self.allocated)
        self.allocated += 1
        return buffer

    @property
    def idle(self) -> bool:
        return not any(e.busy for pair in self.engines.values() for e in pair)

    def reset_dma(self, channel: int) -> None:
        for pair in self.engines.values():
            if pair[0].channel == channel:
                self.system.abandon()
                for engine in pair:
                    engine.reset()

    def serve(self) -> None:
        """Lets the DMAs that are at work move on."""
        if self.stuck:
            return
        busy = [e for pair in self.engines.values() for e in pair if e.busy]
        if self.pending:
            self.pending = False
            self.system.begin(
                {e.channel: e.bytes for e in busy if not e.output},
                {e.channel: e.bytes for e in busy if e.output},
            )
        with suppress(TransferError):  # a DMA takes a frame that ends early: the count tells
            self.system.advance(20)
        moved = self.system.progress()
        for e in busy:
            done, count = moved[f"{'m' if e.output else 's'}_axis_{e.channel}"]
            # Bytes reach memory some time after the system has let go of them.
            e.late += done == count
            if e.late > LAG:
                e.busy, e.late = False, 0
                e.count -= self.short.get(e.channel, 0) if e.output else 0


class Words:
    """A register block as the array of an MMIO shows it."""

    def __init__(self, block: Control | Dma) -> None:
        self._block = block

    def __getitem__(self, index: int) -> np.uint32:
        return np.uint32(self._block.read(4 * index))

    def __setitem__(self, index: int, value: np.uint32) -> None:
        self._block.write(4 * index, int(value))


class Control:
    """The register block."""

    def __init__(self, system: RtlSystem) -> None:
        self.read, self.write = system.read, system.write


class Dma:
    """Registers of both directions."""

    def __init__(self, engines: tuple[Engine, Engine]) -> None:
        self._engines = engines

    def read(self, offset: int) -> int:
        return self._engines[offset >= 0x30].read(offset % 0x30)

    def write(self, offset: int, value: int) -> None:
        self._engines[offset >= 0x30].write(offset % 0x30, value)
