"""The `rtl` device runs the bundle's SystemVerilog, compiled by Verilator, cycle by cycle."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.hardware import HardwareDevice
from host.devices.transport import TransportError
from host.errors import BundleError, DeviceError
from hw.spec.hardware import Hardware

PAGE = 4096
BASE = 0x12_4000_0000
"""The memory begins at this address, which takes more than 32 bits."""
MEMORY_BYTES = 1 << 28
"""The memory has this many bytes; the machine gives those that are used."""
LONG = (1, 300)
"""A memory that hesitates answers after so many cycles."""


class RtlTransport:
    """This transport reaches the registers and the memory of a simulated system, a
    `sim.rtl.system.RtlSystem`.

    stalls is the seed of the memory's hesitation on every channel of its port, with which
    everything may take longer; None means a memory that answers after `sim.rtl.system.LATENCY`
    cycles and then goes on without a pause. Methods raise TransportError.
    """

    timeout = 6.0
    grace = 30_000

    def __init__(self, system: Any, stalls: int | None = None) -> None:
        from sim.errors import SimulatorError

        self._system, self._error, self._used = system, SimulatorError, 0
        self._memory = np.zeros(MEMORY_BYTES, np.uint8)
        system.place(BASE, self._memory)
        if stalls is not None:
            self.timeout, self.grace = 100.0, 200_000
            system.behave(LONG, None, stalls)

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the simulated system's register at a byte offset."""
        try:
            self._system.write(offset, value)
        except self._error as error:
            raise TransportError(str(error)) from error

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        try:
            return int(self._system.read(offset))
        except self._error as error:
            raise TransportError(str(error)) from error

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in the simulated memory, on a page of its own. The memory is
        never given back: what grows at least doubles.
        """
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        memory, start = self._memory, self._used
        if start + count > memory.size:
            raise DeviceError(
                f"{count} bytes beyond the {start} in use of the simulated memory's {memory.size}",
                "open the device again",
            )
        self._used = start + -(-count // PAGE) * PAGE
        array: NDArray[Any] = memory[start : start + count].view(dtype).reshape(shape)
        return array

    def address(self, array: NDArray[Any]) -> int:
        """Returns where an array of `allocate` begins for the mover."""
        start = self._memory.__array_interface__["data"][0]
        return int(BASE + array.__array_interface__["data"][0] - start)

    def give(self, array: NDArray[Any]) -> None:
        """Does nothing: both sides see one memory."""

    def take(self, array: NDArray[Any]) -> None:
        """Does nothing: both sides see one memory."""

    def sleep(self, cycles: int) -> None:
        """Clocks the system until its interrupt is up, for so many cycles at most."""
        try:
            self._system.sleep(cycles)
        except self._error as error:
            raise TransportError(str(error)) from error

    def clock(self) -> int:
        """Returns the clock cycles since the simulation began."""
        return int(self._system.cycles)

    def keep(self, arrays: object) -> None:
        """Does nothing: the simulated memory goes with the simulation."""

    def close(self) -> None:
        """Drops the simulation and the memory that it holds."""
        self._system.close()


class RtlDevice(HardwareDevice):
    """The device compiles a bundle's RTL, once, and runs its graphs on it; `cycles` are those of
    the board.

    stalls is as in `RtlTransport`. Raises BundleError for a bad bundle or one without hardware,
    DeviceError where Verilator or the compiler is missing or refuses the sources.
    """

    name = "rtl"

    def __init__(self, bundle: str | Path, stalls: int | None = None) -> None:
        super().__init__(bundle, lambda folder, hardware: _connect(folder, hardware, stalls))


def _connect(folder: Path, hardware: Hardware, stalls: int | None) -> RtlTransport:
    for name in hardware.sources:
        if not (folder / name).is_file():
            raise BundleError(f"bundle file {folder / name} is missing", "run make hardware again")
    try:
        from sim.errors import SimulatorError
        from sim.rtl.bundle import open_bundle
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"device rtl needs the Python package {error.name!r}",
            "install it (make setup; with pip: the extra samfabric[sim]), "
            "or use a device that needs none",
        ) from error
    progress = _Progress(hardware.top)
    try:
        return RtlTransport(open_bundle(folder, hardware, progress), stalls)
    except SimulatorError as error:
        raise DeviceError(error.message, error.remedy) from error
    finally:
        progress.end()


class _Progress:
    """Tells of a compilation on standard error: one line that counts, or two where it is a file."""

    def __init__(self, top: str) -> None:
        self._top, self._since, self._told = top, time.monotonic(), False

    def __call__(self, done: int, count: int) -> None:
        terminal = sys.stderr.isatty()
        if terminal or not self._told:
            files = f": {done} of {count} files" if terminal and count else ""
            text = f"compiling the simulator of {self._top}, once{files}"
            print(text, end="\r" if terminal else "\n", file=sys.stderr, flush=True)
        self._told = True

    def end(self) -> None:
        if self._told:
            seconds = time.monotonic() - self._since
            newline = "\n" if sys.stderr.isatty() else ""
            print(f"{newline}the simulator took {seconds:.0f} s", file=sys.stderr, flush=True)
