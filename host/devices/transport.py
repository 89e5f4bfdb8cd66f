"""The way of a driver to a system: its registers, the memory at its port, sleeping and time, in
simulation and on a board alike; and what goes wrong on it.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.errors import DeviceError

Bytes = NDArray[np.uint8]
LOST = "the hardware is looked for again at the next frame; if it stays away, load its overlay anew"


class TransportError(DeviceError):
    """A transfer failed, or the registers do not answer."""


class RunError(DeviceError):
    """A frame did not come to its end. The system has been reset and takes further frames."""


class Transport(Protocol):
    """A transport reaches a mover's registers and the memory at its port.

    A frame may take `timeout` times the cycles that its hardware is said to need, and `grace`
    cycles on top. All methods raise TransportError.
    """

    timeout: float
    grace: int

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the register at a byte offset."""
        ...

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        ...

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros that the mover reaches, from a whole word of memory on."""
        ...

    def address(self, array: NDArray[Any]) -> int:
        """Returns where an array of `allocate` begins for the mover."""
        ...

    def give(self, array: NDArray[Any]) -> None:
        """Makes what the processor has written to an array visible to the mover."""
        ...

    def take(self, array: NDArray[Any]) -> None:
        """Makes what the mover writes, or has written, to an array visible to the processor."""
        ...

    def sleep(self, cycles: int) -> None:
        """Returns when the interrupt is up, or after so many clock cycles."""
        ...

    def clock(self) -> int:
        """Returns clock cycles since some time, counted or estimated from the host's clock."""
        ...

    def keep(self, arrays: object) -> None:
        """Keeps memory that something may still write to, until the process ends."""
        ...

    def close(self) -> None:
        """Gives memory and system back; the transport is of no use afterwards."""
        ...
