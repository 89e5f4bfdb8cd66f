"""Contiguous memory of a board, as the package `pynq` gives it: plain arrays on its buffers, which
the logic reaches and the processor caches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.transport import Bytes, TransportError
from host.errors import DeviceError
from hw.spec.handoff import Reach

WINDOW = 0x1000
"""A register block takes this many bytes on the bus."""
LEAST_BYTES = 8192
"""An allocation has at least this many bytes: XRT 2.17 puts buffers of 4 KB and less above 4 GB,
where a Zynq-7000 has none.
"""
WORD_BYTES = 128
"""Buffers are whole multiples of this many bytes, the widest word of memory that is moved."""


class Registers:
    """A block of 32-bit registers, by byte offset. Through the array of pynq's MMIO, since its own
    read and write differ between versions.
    """

    def __init__(self, pynq: Any, address: int) -> None:
        self._array = pynq.MMIO(address, WINDOW).array

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        return int(self._array[offset // 4])

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the register at a byte offset."""
        self._array[offset // 4] = np.uint32(value)


class PynqMemory:
    """Memory of a board. pynq is the package, reach what of it the data mover reaches."""

    def __init__(self, pynq: Any, reach: Reach) -> None:
        self._pynq, self._reach = pynq, reach

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in contiguous memory that the data mover reaches, freed with
        its last view.

        It is a plain array on the memory of a PynqBuffer, which would make every result and every
        slice one of its kind. The processor caches it; a transport keeps both sides the same.
        """
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        size = max(-(-count // WORD_BYTES) * WORD_BYTES, LEAST_BYTES)
        try:
            buffer = self._pynq.allocate(shape=(size,), dtype=np.dtype(np.uint8), cacheable=1)
        except (RuntimeError, OSError, MemoryError) as error:
            raise DeviceError(
                f"no contiguous memory for {shape}: {error}", "close other users of the board"
            ) from error
        address = int(buffer.device_address)
        if not self._reach.holds(address, size):
            raise DeviceError(
                f"a buffer of {size} bytes lies at {address:#x}, where the mover does not reach",
                "close other users of the board, or run make bitstream again",
            )
        buffer[:] = 0
        buffer.flush()
        whole: Bytes = buffer.view(np.ndarray)
        return whole[:count].view(dtype).reshape(shape)


def placed(array: NDArray[Any], what: str) -> tuple[Any, int]:
    """Returns the buffer of pynq that an array of `allocate` lies on, and the address of its first
    byte. Raises TransportError, with what it is for, where the array is none of them.
    """
    owner: Any = array
    while not hasattr(owner, "device_address"):
        owner = owner.base
        if owner is None:
            raise TransportError(f"{what}: the array is none of `allocate`")
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return owner, int(owner.device_address) + offset
