"""What the `pynq` device uses of the package `pynq`, on a simulated board: for a Python that has no
pynq. Where there is one, the same tests run on the real package (`sim.board.device`).
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sim.board.clocks import UltraScale, Zynq7
from sim.board.machine import Machine


class Buffer(np.ndarray):
    """An array with an address, and another content in memory."""

    def setup(self, machine: Machine, held: memoryview, cacheable: bool) -> None:
        self.machine = machine
        self.device_address = machine.memory.place(np.frombuffer(held, np.uint8), cacheable)

    def flush(self) -> None:
        self.machine.memory.flush(self.device_address, self.nbytes)

    def invalidate(self) -> None:
        self.machine.memory.invalidate(self.device_address, self.nbytes)

    def __array_finalize__(self, source) -> None:
        """A view is no buffer of its own."""

    def __del__(self) -> None:
        if "machine" in self.__dict__:
            at_work = self.machine.at_work(self.device_address, self.nbytes)
            assert not at_work, "freed while the mover may still write"
            self.machine.memory.free(self.device_address)


class Package:
    """The module: pass it as `pynq`."""

    __version__ = "stand-in"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.Device = SimpleNamespace(active_device=machine)
        self.Clocks = Clocks(machine)

    def Overlay(self, path: str) -> SimpleNamespace:  # noqa: N802
        self.machine.configure(Path(path))
        return SimpleNamespace(bitfile_name=path)

    def MMIO(self, address: int, length: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(array=Words(self.machine, address))

    def allocate(self, shape, dtype, cacheable=0) -> Buffer:
        # Memory that is foreign to numpy, as that of pynq's buffers is.
        held = (ctypes.c_char * (int(np.prod(shape)) * np.dtype(dtype).itemsize))()
        buffer = Buffer(shape, dtype, buffer=held)
        buffer.setup(self.machine, memoryview(held), bool(cacheable))
        return buffer


class Clocks:
    """The first clock's frequency; setting it takes the nearest divisor, as pynq does."""

    def __init__(self, machine: Machine) -> None:
        self._clocks = machine.clocks

    @property
    def fclk0_mhz(self) -> float:
        return self._clocks.mhz()

    @fclk0_mhz.setter
    def fclk0_mhz(self, mhz: float) -> None:
        clocks = self._clocks
        assert isinstance(clocks, (UltraScale, Zynq7))
        address = clocks.PL0 if isinstance(clocks, UltraScale) else clocks.FPGA0
        shift = 16 if isinstance(clocks, UltraScale) else 20
        word = clocks.load(address)
        undivided = clocks.mhz() * max(1, word >> 8 & 0x3F) * max(1, word >> shift & 0x3F)
        divisor = max(1, min(63, round(undivided / mhz)))
        keep = word & ~(0x3F << 8 | 0x3F << shift)
        clocks.store(address, keep | divisor << 8 | 1 << shift)


class Words:
    """A register block as the array of an MMIO shows it."""

    def __init__(self, machine: Machine, base: int) -> None:
        self._machine, self._base = machine, base

    def __getitem__(self, index: int) -> np.uint32:
        return np.uint32(self._machine.load(self._base + 4 * index))

    def __setitem__(self, index: int, value: np.uint32) -> None:
        self._machine.store(self._base + 4 * index, int(value))
