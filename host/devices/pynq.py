"""The `pynq` device reaches the bundle's overlay on a board: the data mover's registers through
/dev/mem, and memory that the `pynq` package gives.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from host.devices import overlay
from host.devices.hardware import HardwareDevice
from host.devices.pynq_memory import PynqMemory, Registers, placed
from host.errors import DeviceError
from hw.spec.handoff import SYSTEM, Handoff
from hw.spec.hardware import Hardware

PAUSE_S = 1e-4
"""Sleep between two looks. The mover's interrupt is not used: pynq hears of one through an
interrupt controller in the logic alone. Without a pause other threads would hardly run.
"""
GRACE_S = 2.0
"""Beyond its cycles a frame may take so long: the board's other work may keep the host from
looking.
"""
_KEPT: list[object] = []
"""Memory of movers that were left at work: it may still be written."""


class PynqTransport(PynqMemory):
    """This transport reaches the data mover of an overlay that has been loaded.

    pynq is the package. hardware has the clock that the board really has. handoff is what the
    `.hwh` says of the memory that the mover reaches. loaded is the overlay, kept as long as its
    registers are used.
    """

    timeout = 4.0

    def __init__(self, pynq: Any, hardware: Hardware, handoff: Handoff, loaded: Any = None) -> None:
        super().__init__(pynq, handoff.memory)
        self.clock_mhz, self._loaded = hardware.clock_mhz, loaded
        self._hz = hardware.clock_mhz * 1e6
        self.grace = int(GRACE_S * self._hz)
        self._registers = Registers(pynq, handoff.addresses[SYSTEM])

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the mover's register at a byte offset."""
        self._registers.write(offset, value)

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        return self._registers.read(offset)

    def address(self, array: NDArray[Any]) -> int:
        """Returns where an array of `allocate` begins for the mover."""
        return placed(array, "a stream")[1]

    def give(self, array: NDArray[Any]) -> None:
        """Writes what the processor's cache holds of an array to memory."""
        placed(array, "a stream")[0].flush()

    def take(self, array: NDArray[Any]) -> None:
        """Drops what the processor's cache holds of an array: a line that is written back later
        would overwrite what the mover has brought.
        """
        placed(array, "a stream")[0].invalidate()

    def sleep(self, cycles: int) -> None:
        """Sleeps for so many clock cycles, for PAUSE_S at most."""
        time.sleep(min(PAUSE_S, cycles / self._hz))

    def clock(self) -> int:
        """Returns the clock cycles since some time, by the host's clock."""
        return int(time.monotonic() * self._hz)

    def keep(self, arrays: object) -> None:
        """Keeps memory until the process ends, since something may still write to it."""
        _KEPT.append(arrays)

    def close(self) -> None:
        """Does nothing: the mover has been reset, so that no memory is written any more."""


class PynqDevice(HardwareDevice):
    """The device loads a bundle's overlay and runs its graphs on it; `hardware.clock_mhz` is then
    the clock that the board really has.

    loaded is the bundle's overlay where it is on the board already. Raises BundleError for a bad
    bundle or one without its overlay, DeviceError away from a board.
    """

    name = "pynq"

    def __init__(self, bundle: str | Path, loaded: Any = None) -> None:
        super().__init__(bundle, lambda folder, hardware: _connect(folder, hardware, loaded))
        transport = self.transport
        assert isinstance(transport, PynqTransport)
        self.hardware = replace(self.hardware, clock_mhz=transport.clock_mhz)


def _connect(folder: Path, hardware: Hardware, loaded: Any) -> PynqTransport:
    path, handoff = overlay.find(folder, hardware)
    try:
        import pynq
    except ImportError as error:
        raise DeviceError(
            f"device pynq needs a board and its Python package pynq ({error})",
            "run it there, or use DEVICE=golden or rtl",
        ) from error
    if loaded is None:
        loaded = overlay.load(pynq, path)
    clock_mhz = overlay.settle_clock(pynq.Clocks, handoff.clock_mhz)
    return PynqTransport(pynq, replace(hardware, clock_mhz=clock_mhz), handoff, loaded)
