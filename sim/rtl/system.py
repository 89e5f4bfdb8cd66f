"""A compiled system that is clocked by what is asked of it: registers over AXI4-Lite, a memory that
hesitates at its AXI4 port, its interrupt, its cycles and the levels of its FIFOs.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.design import Design
from hw.spec.errors import SpecError
from sim.errors import SimulatorError

PATTERNS = ("always", "coin", "bursts", "shy", "fickle", "sparse")
"""The patterns of gate.h, in the order of the numbers that it gives them."""
SEED = 20_261_121
LATENCY = (20, 120)
"""The memory answers so many cycles after it was asked, drawn evenly: an assumption."""
RUNNING, DONE, STOPPED, NO_ANSWER = range(4)
HANDLE, SIZE = ctypes.c_void_p, ctypes.c_uint64


class RtlSystem:
    """This is a system in simulation, reset and ready. There is no memory at its port until some is
    placed there.

    library: as `build` made it. folder: where the memory files lie that its parameters name
    (working folder where there are none). seed: of the random values that registers start from.
    Raises SimulatorError when the library cannot be opened.
    """

    def __init__(self, library: Path, folder: Path | None = None, seed: int = SEED) -> None:
        self._lib = _open(library)
        text = ctypes.create_string_buffer(4096)
        before = os.getcwd()
        # The design names its memory files; it reads them here and never again.
        os.chdir(folder or before)
        try:
            self._system = self._lib.rtl_open(seed & 0x7FFFFFFF, text, len(text))
        finally:
            os.chdir(before)
        if not self._system:
            raise SimulatorError(f"{library.parent.name}: no start", text.value.decode().strip())
        self._regions: dict[int, NDArray[np.uint8]] = {}
        self.behave()

    @classmethod
    def of(
        cls, design: Design, word_bytes: int = 8, water: bool = False, seed: int = SEED
    ) -> RtlSystem:
        """Builds a design and opens it with its memories' contents. Raises as `build` does."""
        from sim.rtl.build import build, hex_name  # Verilator, for a new design alone

        library = build(design, word_bytes, water)
        with tempfile.TemporaryDirectory(prefix="samfabric-roms-") as name:
            for parameter, memory in design.memories.items():
                (Path(name) / hex_name(parameter)).write_text(memory.hex(), encoding="utf-8")
            return cls(library, Path(name), seed)

    @property
    def cycles(self) -> int:
        """There were this many clock cycles since the reset."""
        return int(self._lib.rtl_cycles(self._system))

    @property
    def quiet(self) -> int:
        """The clock cycles since a word last moved at the memory port."""
        return int(self._lib.rtl_quiet(self._system))

    def write(self, offset: int, value: int) -> None:
        """Writes a register. Raises SimulatorError when the system does not answer."""
        self._check(self._lib.rtl_write(self._system, offset, value), f"write to {offset:#04x}")

    def read(self, offset: int) -> int:
        """Value of a register. Raises SimulatorError when the system does not answer."""
        value = ctypes.c_uint32()
        outcome = self._lib.rtl_read(self._system, offset, ctypes.byref(value))
        self._check(outcome, f"read of {offset:#04x}")
        return value.value

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

    def high_water(self) -> dict[str, int]:
        """Greatest number of beats that each FIFO has held, by instance path below the top.

        Raises SpecError for a library built without `water`.
        """
        found: dict[str, int] = {}

        @_VISIT
        def visit(path: bytes, value: int) -> None:
            found[path.decode().split(".", 2)[-1]] = value

        self._lib.rtl_values(self._system, b"water_q", visit)
        if not found:
            raise SpecError("no FIFO of this library keeps its level", "build it with water=True")
        return found

    def close(self) -> None:
        """Drops the simulation and frees its memory."""
        if self._system:
            self._lib.rtl_close(self._system)
            self._system = None

    def __enter__(self) -> RtlSystem:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self, outcome: int, what: str) -> None:
        if outcome == STOPPED:
            said = self._lib.rtl_message(self._system).decode(errors="replace").strip()
            raise SimulatorError(f"{what}: the design objects in cycle {self.cycles}: {said}")
        if outcome == NO_ANSWER:
            raise SimulatorError(f"{what}: the system does not answer")


_VISIT = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_uint32)


SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "rtl_open": (HANDLE, [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]),
    "rtl_close": (None, [HANDLE]),
    "rtl_cycles": (SIZE, [HANDLE]),
    "rtl_quiet": (SIZE, [HANDLE]),
    "rtl_message": (ctypes.c_char_p, [HANDLE]),
    "rtl_write": (ctypes.c_int, [HANDLE, ctypes.c_uint32, ctypes.c_uint32]),
    "rtl_read": (ctypes.c_int, [HANDLE, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32)]),
    "rtl_values": (None, [HANDLE, ctypes.c_char_p, _VISIT]),
    "rtl_memory": (None, [HANDLE, HANDLE, SIZE, SIZE]),
    "rtl_written": (SIZE, [HANDLE, SIZE]),
    "rtl_behave": (None, [HANDLE, ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32, SIZE]),
    "rtl_sleep": (ctypes.c_int, [HANDLE, SIZE]),
}
"""Result and arguments of each function of the library, by name."""


def _open(path: Path) -> Any:
    try:
        lib = ctypes.CDLL(str(path))
    except OSError as error:
        raise SimulatorError(
            f"{path} does not open: {error}", "delete it, and build again"
        ) from error
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib
