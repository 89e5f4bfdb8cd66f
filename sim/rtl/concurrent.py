"""A compiled concurrent system: registers over AXI4-Lite, a memory that hesitates at its AXI4 port,
and its interrupt.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.errors import SpecError
from sim.rtl.simulator import DONE, HANDLE, PATTERNS, SEED, SIZE, Simulator

LATENCY = (20, 120)
"""The memory answers so many cycles after it was asked, drawn evenly: an assumption."""


class ConcurrentRtl(Simulator):
    """This is a concurrent system in simulation, reset and ready. There is no memory at its port
    until some is placed there. Arguments and errors as `Simulator`.
    """

    def __init__(self, library: Path, folder: Path | None = None, seed: int = SEED) -> None:
        super().__init__(library, folder, seed)
        self._regions: dict[int, NDArray[np.uint8]] = {}
        self.behave()

    def place(self, address: int, content: NDArray[np.uint8]) -> None:
        """Puts an array into memory from an address on; its bytes are those of the memory."""
        if content.dtype != np.uint8 or not content.flags.c_contiguous:
            raise SpecError(f"memory of {content.dtype}", "contiguous bytes are needed")
        self._regions[address] = content
        self._lib.rtl_memory(self._system, content.ctypes.data, address, content.size)

    def remove(self, address: int) -> None:
        """Takes the array that begins at an address out of the memory."""
        self._lib.rtl_memory(self._system, None, address, 0)
        self._regions.pop(address, None)

    def written(self, address: int) -> bool:
        """Tells whether the array that begins at an address was written since the last time."""
        return bool(self._lib.rtl_written(self._system, address))

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
            "rtl_written": (SIZE, [HANDLE, SIZE]),
            "rtl_behave": (
                None,
                [HANDLE, ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, SIZE],
            ),
            "rtl_sleep": (ctypes.c_int, [HANDLE, SIZE]),
        }
