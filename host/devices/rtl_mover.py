"""The transport to a simulated concurrent system."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.driver import TransportError
from host.devices.simulated import SimulatedRegisters
from host.errors import DeviceError

PAGE = 4096
BASE = 0x12_4000_0000
"""The memory begins at this address, which takes more than 32 bits."""
MEMORY_BYTES = 1 << 28
"""The memory has this many bytes; the machine gives those that are used."""
LONG = (1, 300)
"""A memory that hesitates answers after so many cycles."""


class RtlMoverTransport(SimulatedRegisters):
    """This transport reaches the registers and the memory of a simulated concurrent system, a
    `sim.rtl.concurrent.ConcurrentRtl`.

    stalls is the seed of the memory's hesitation on every channel; None means a memory that answers
    after `sim.rtl.concurrent.LATENCY` cycles and then goes on without a pause.
    """

    timeout = 6.0
    grace = 30_000

    def __init__(self, system: Any, stalls: int | None = None) -> None:
        super().__init__(system, stalls)
        self._used = 0
        self._memory = np.zeros(MEMORY_BYTES, np.uint8)
        system.place(BASE, self._memory)
        if stalls is not None:
            system.behave(LONG, None, stalls)

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
