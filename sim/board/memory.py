"""A board's memory as the mover and a processor with a cache see it: two contents of each buffer,
alike only after a flush or an invalidation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
LINE = 64
"""The bytes of a cache line of a Cortex-A53; those of a Cortex-A9 are half as long."""
PAGE = 4096
FRESH, FOREIGN = 0x55, 0xEE
"""What the processor and the mover find in memory that nobody has written."""


@dataclass
class _Buffer:
    """cached: what the processor sees. dram: what the mover sees; the same array where the
    processor does not cache it. synced: `cached` when both sides were last made the same.
    """

    cached: Bytes
    dram: Bytes
    synced: Bytes


class Memory:
    """Memory of a simulated board, as the processor sees it through its cache and as the mover
    sees it. Buffers are placed from `low` on, or from the start of the last range where `high` is
    set.

    ranges: (first, last) byte of each range of addresses that has memory.
    """

    def __init__(self, ranges: tuple[tuple[int, int], ...], low: int) -> None:
        self.ranges, self._low, self._high = ranges, low, ranges[-1][0]
        self.high = False
        self.buffers: dict[int, _Buffer] = {}
        self.allocated: list[tuple[int, int, bool]] = []
        self.strayed: list[tuple[int, int]] = []

    def place(self, cached: Bytes, cacheable: bool) -> int:
        """Address of a new buffer, whose bytes for the processor are `cached`."""
        pages = -(-cached.size // PAGE) * PAGE
        address = self._high if self.high else self._low
        if self.high:
            self._high += pages
        else:
            self._low += pages
        cached[:] = FRESH
        dram = np.full(cached.size, FOREIGN, np.uint8) if cacheable else cached
        self.buffers[address] = _Buffer(cached, dram, cached.copy())
        self.allocated.append((address, cached.size, cacheable))
        return address

    def free(self, address: int) -> None:
        """Frees the buffer that begins at an address."""
        del self.buffers[address]

    def flush(self, address: int, size: int) -> None:
        """Writes the processor's bytes to memory."""
        buffer, part = self._part(address, size)
        buffer.dram[part] = buffer.synced[part] = buffer.cached[part]

    def invalidate(self, address: int, size: int) -> None:
        """Drops the processor's bytes for those in memory."""
        buffer, part = self._part(address, size)
        buffer.cached[part] = buffer.synced[part] = buffer.dram[part]

    def reached(self, address: int, size: int) -> Bytes | None:
        """Returns the bytes that the mover moves at an address, or None where there is no memory,
        which is a decode error. Memory outside all buffers is somebody else's, and nothing keeps
        the mover from it: `strayed` lists such accesses.
        """
        if not any(a <= address and address + size - 1 <= b for a, b in self.ranges):
            return None
        for start, buffer in self.buffers.items():
            if start <= address and address + size <= start + buffer.dram.size:
                return buffer.dram[address - start : address - start + size]
        self.strayed.append((address, size))
        return np.full(size, FOREIGN, np.uint8)

    def write_back(self, dram: Bytes) -> None:
        """Lines that the processor has changed since the last synchronisation go to memory over
        what the mover has brought meanwhile, as a cache may do at any time.
        """
        for buffer in self.buffers.values():
            if np.shares_memory(buffer.dram, dram) and buffer.dram is not buffer.cached:
                changed = np.flatnonzero(buffer.cached != buffer.synced) // LINE
                for line in np.unique(changed):
                    part = slice(int(line) * LINE, (int(line) + 1) * LINE)
                    buffer.dram[part] = buffer.cached[part]

    def _part(self, address: int, size: int) -> tuple[_Buffer, slice]:
        for start, buffer in self.buffers.items():
            if start <= address and address + size <= start + buffer.dram.size:
                return buffer, slice(address - start, address - start + size)
        raise AssertionError(f"{size} bytes at {address:#x} belong to no buffer")
