"""The `rtl` device runs the bundle's SystemVerilog, compiled by Verilator, cycle by cycle."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.driver import Span, TransportError
from host.devices.hardware import HardwareDevice
from host.devices.rtl_mover import RtlMoverTransport
from host.devices.simulated import SimulatedRegisters
from host.errors import BundleError, DeviceError
from hw.spec.hardware import Hardware

STRIDE = 50_000
"""The system is clocked this many cycles between two looks at the registers."""


class RtlTransport(SimulatedRegisters):
    """This transport reaches the registers and channels of a simulated system, a
    `sim.rtl.system.RtlSystem`.

    stalls is the seed of idle cycles and back-pressure on every channel; None means that there are
    none.
    """

    def __init__(self, system: Any, stalls: int | None = None) -> None:
        super().__init__(system, stalls)
        self._stalls = None if stalls is None else np.random.default_rng(stalls)
        self._started = 0

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in ordinary memory."""
        return np.zeros(shape, dtype)

    def start(self, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> None:
        """Puts the bytes before the channels; `poll` lets the clock run."""
        self._started = self._system.cycles
        self._system.begin(
            {k: buffer[:count] for k, (buffer, count) in sent.items()},
            {k: buffer[:count] for k, (buffer, count) in taken.items()},
            None if self._stalls is None else int(self._stalls.integers(1 << 31)),
        )

    def poll(self) -> bool:
        """Clocks the system for a while, or until all transfers are complete."""
        try:
            return bool(self._system.advance(STRIDE))
        except self._error as error:
            raise TransportError(str(error)) from error

    def elapsed(self) -> int:
        """Returns the clock cycles since `start`."""
        return int(self._system.cycles - self._started)

    def progress(self) -> str:
        """Says how many beats have moved on each channel."""
        moved = self._system.progress().items()
        return ", ".join(f"{name} {done} of {count} beats" for name, (done, count) in moved)

    def abandon(self) -> None:
        """Takes the bytes away from the channels."""
        self._system.abandon()

    def close(self) -> None:
        """Drops the simulation and the memory that it holds."""
        self._system.close()


class RtlDevice(HardwareDevice):
    """The device compiles a bundle's RTL, once, and runs its graphs on it; `cycles` are those of
    the board.

    stalls is as in `RtlTransport`, or in `RtlMoverTransport` for a concurrent system. Raises
    BundleError for a bad bundle or one without hardware, DeviceError where Verilator or the
    compiler is missing or refuses the sources.
    """

    name = "rtl"

    def __init__(self, bundle: str | Path, stalls: int | None = None) -> None:
        super().__init__(bundle, lambda folder, hardware: _connect(folder, hardware, stalls))


def _connect(
    folder: Path, hardware: Hardware, stalls: int | None
) -> RtlTransport | RtlMoverTransport:
    for name in hardware.sources:
        if not (folder / name).is_file():
            raise BundleError(f"bundle file {folder / name} is missing", "run make hardware again")
    try:
        from sim.errors import SimulatorError
        from sim.rtl.bundle import open_bundle, open_concurrent
    except ModuleNotFoundError as error:
        raise DeviceError(
            f"device rtl needs the Python package {error.name!r}",
            "install it (make setup; with pip: the extra samfabric[sim]), "
            "or use a device that needs none",
        ) from error
    progress = _Progress(hardware.top)
    try:
        if hardware.word_bytes:
            return RtlMoverTransport(open_concurrent(folder, hardware, progress), stalls)
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
