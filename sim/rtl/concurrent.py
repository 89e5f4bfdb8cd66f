"""A compiled concurrent system: registers over AXI4-Lite, a memory that hesitates at its AXI4 port,
and its interrupt.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from sim.rtl.simulator import DONE, HANDLE, PATTERNS, SEED, SIZE, Simulator

BASE = 0x12_4000_0000
"""The memory begins at this address, which takes more than 32 bits."""
MEMORY_BYTES = 1 << 28
"""The memory has this many bytes; the machine gives those that are used."""
LATENCY = (20, 120)
"""The memory answers so many cycles after it was asked, drawn evenly: an assumption."""


class ConcurrentRtl(Simulator):
    """This is a concurrent system in simulation, reset and ready. `memory` are the bytes at its
    port, from BASE on. Arguments and errors as `Simulator`.
    """

    def __init__(self, library: Path, folder: Path | None = None, seed: int = SEED) -> None:
        super().__init__(library, folder, seed)
        self.memory = np.zeros(MEMORY_BYTES, np.uint8)
        self._lib.rtl_memory(self._system, self.memory.ctypes.data, BASE, self.memory.size)
        self.behave()

    def behave(
        self, latency: tuple[int, int] = LATENCY, pattern: str | None = "always", seed: int = SEED
    ) -> None:
        """Sets how the memory behaves from now on. latency: the least and greatest number of cycles
        to an answer. pattern: when its channels offer and accept; None: each draws one.
        """
        number = -1 if pattern is None else PATTERNS.index(pattern)
        self._lib.rtl_behave(self._system, number, *latency, seed)

    def sleep(self, cycles: int) -> bool:
        """Clocks the system until its interrupt is up, for `cycles` clock cycles at most, and tells
        whether it is up. Raises SimulatorError when the design or the memory asserts a fault.
        """
        outcome = self._lib.rtl_sleep(self._system, cycles)
        self._check(outcome, "sleep")
        return bool(outcome == DONE)

    @classmethod
    def _signatures(cls) -> dict[str, tuple[Any, list[Any]]]:
        return super()._signatures() | {
            "rtl_memory": (None, [HANDLE, HANDLE, SIZE, SIZE]),
            "rtl_behave": (
                None,
                [HANDLE, ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, SIZE],
            ),
            "rtl_sleep": (ctypes.c_int, [HANDLE, SIZE]),
        }
