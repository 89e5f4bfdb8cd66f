"""A compiled system: registers over AXI4-Lite, and transfers on all stream channels at once, which
go on while registers are read.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.design import Design
from hw.spec.errors import SpecError
from hw.spec.registers import Register
from sim.errors import SimulatorError

PATTERNS = ("always", "coin", "bursts", "shy", "fickle", "sparse")
"""The patterns of gate.h, in the order of the numbers that it gives them."""
SOURCES = ("always", "coin", "bursts", "sparse")
SINKS = PATTERNS
STRIDE = 100_000
"""The clock cycles between two looks at time limits and at Ctrl-C."""
SEED = 20_261_121
RUNNING, DONE, LAST_WRONG, STOPPED, NO_ANSWER = range(5)


class TransferError(SimulatorError):
    """A transfer did not come to its end, or an output's tlast came early or late.

    progress: (beats moved, beats asked) by channel name; registers: value by name, empty when the
    system does not answer any more.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        progress: Mapping[str, tuple[int, int]] | None = None,
        registers: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.progress = dict(progress or {})
        self.registers = dict(registers or {})


@dataclass
class _Served:
    output: bool
    channel: int
    buffer: NDArray[np.uint8]

    @property
    def name(self) -> str:
        return f"{'m' if self.output else 's'}_axis_{self.channel}"


class RtlSystem:
    """This is a system in simulation, reset and ready.

    library: as `build` made it. folder: where the memory files lie that its parameters name
    (working folder where there are none). seed: of the random values that registers start from.
    Raises SimulatorError when the library cannot be opened.
    """

    def __init__(self, library: Path, folder: Path | None = None, seed: int = SEED) -> None:
        self._lib = _open(library)
        self._served: list[_Served] = []
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

    @classmethod
    def of(
        cls, design: Design, inputs: int, outputs: int, water: bool = False, seed: int = SEED
    ) -> RtlSystem:
        """Builds a design and opens it with its memories. Raises as `build` does."""
        from sim.rtl.build import build, hex_name  # Verilator, for a new design alone

        library = build(design, inputs, outputs, water)
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
        """The clock cycles of the current transfer since a beat last moved on any channel."""
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

    def begin(
        self,
        inputs: Mapping[int, NDArray[np.uint8]],
        outputs: Mapping[int, NDArray[np.uint8]],
        stalls: int | None = None,
    ) -> None:
        """Prepares a transfer: bytes to send and to fill, by channel. `advance` moves them.

        stalls: seed of the idle cycles and back-pressure of every channel; None for none.
        """
        self._lib.rtl_rest(self._system)
        self._served = [_Served(False, k, v) for k, v in inputs.items()]
        self._served += [_Served(True, k, v) for k, v in outputs.items()]
        draw = None if stalls is None else np.random.default_rng(stalls)
        for end in self._served:
            buffer = end.buffer
            if buffer.dtype != np.uint8 or not buffer.flags.c_contiguous:
                raise SpecError(f"{end.name}: {buffer.dtype}", "contiguous bytes are needed")
            kind, seed = "always", 1
            if draw is not None:
                kind = str(draw.choice(SINKS if end.output else SOURCES))
                seed = int(draw.integers(1, 1 << 32))
            self._lib.rtl_serve(
                self._system,
                end.output,
                end.channel,
                buffer.ctypes.data,
                buffer.size,
                PATTERNS.index(kind),
                seed,
            )

    def advance(self, cycles: int) -> bool:
        """Clocks the system until the transfer is complete, for `cycles` clock cycles at most, and
        tells whether it is complete.

        Raises TransferError for a wrong tlast, SimulatorError when the design asserts a fault.
        """
        outcome = self._lib.rtl_advance(self._system, cycles)
        if outcome == LAST_WRONG:
            raise self._failed(self._wrong_last())
        self._check(outcome, "transfer")
        return bool(outcome == DONE)

    def transfer(
        self,
        inputs: Mapping[int, bytes],
        outputs: Mapping[int, int],
        timeout_cycles: int,
        stalls: int | None = None,
        quiet_cycles: int | None = None,
    ) -> dict[int, bytes]:
        """Sends bytes on some channels and takes so many from others, all at once.

        timeout_cycles: for the whole; quiet_cycles: without any beat (None: no other limit).
        Raises TransferError, with the state of every channel and the registers.
        """
        taken = {k: np.zeros(count, np.uint8) for k, count in outputs.items()}
        sent = {k: np.frombuffer(v, np.uint8) for k, v in inputs.items()}
        self.begin(sent, taken, stalls)
        end = self.cycles + timeout_cycles
        still = timeout_cycles if quiet_cycles is None else quiet_cycles
        while not self.advance(max(1, min(STRIDE, end - self.cycles, still - self.quiet))):
            if self.quiet >= still:
                raise self._failed(f"no beat moved for {self.quiet} cycles")
            if self.cycles >= end:
                raise self._failed(f"no end within {timeout_cycles} cycles")
        self._served = []
        return {k: v.tobytes() for k, v in taken.items()}

    def stop(self, output: bool, channel: int) -> None:
        """Lets a channel of the transfer move nothing more, as where its DMA has stopped."""
        always = PATTERNS.index("always")
        self._lib.rtl_serve(self._system, output, channel, None, 0, always, 1)

    def abandon(self) -> None:
        """Ends the transfer under way; what its channels held back stays with the system."""
        self._lib.rtl_rest(self._system)
        self._served = []

    def progress(self) -> dict[str, tuple[int, int]]:
        """Returns (beats moved, beats asked) of every channel of the current transfer."""
        return {
            end.name: (self._lib.rtl_moved(self._system, end.output, end.channel), end.buffer.size)
            for end in self._served
        }

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

    def _wrong_last(self) -> str:
        channel = self._lib.rtl_wrong(self._system)
        end = next(e for e in self._served if e.output and e.channel == channel)
        moved = self._lib.rtl_moved(self._system, True, channel)
        where = "missing" if moved == end.buffer.size else "early"
        return f"{end.name}: tlast is {where} on beat {moved} of {end.buffer.size}"

    def _failed(self, message: str) -> TransferError:
        progress = self.progress()
        self._lib.rtl_rest(self._system)
        registers: dict[str, int] = {}
        try:
            for register in Register:
                if register is not Register.CONTROL:
                    registers[register.name] = self.read(register)
        except SimulatorError:
            pass  # the message says what matters
        moved = ", ".join(f"{k} {a} of {b}" for k, (a, b) in progress.items())
        values = " ".join(f"{k}={v:#x}" for k, v in registers.items())
        return TransferError(
            f"{message}; beats moved: {moved or 'none asked'}; {values or 'no registers'}",
            "",
            progress,
            registers,
        )


_VISIT = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_uint32)


def _open(path: Path) -> Any:
    try:
        lib = ctypes.CDLL(str(path))
    except OSError as error:
        raise SimulatorError(
            f"{path} does not open: {error}", "delete it, and build again"
        ) from error
    handle, size = ctypes.c_void_p, ctypes.c_uint64
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rtl_open": (handle, [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]),
        "rtl_close": (None, [handle]),
        "rtl_cycles": (size, [handle]),
        "rtl_quiet": (size, [handle]),
        "rtl_wrong": (ctypes.c_int, [handle]),
        "rtl_message": (ctypes.c_char_p, [handle]),
        "rtl_write": (ctypes.c_int, [handle, ctypes.c_uint32, ctypes.c_uint32]),
        "rtl_read": (ctypes.c_int, [handle, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32)]),
        "rtl_rest": (None, [handle]),
        "rtl_serve": (
            None,
            [handle, ctypes.c_int, ctypes.c_int, handle, size, ctypes.c_int, size],
        ),
        "rtl_advance": (ctypes.c_int, [handle, size]),
        "rtl_moved": (size, [handle, ctypes.c_int, ctypes.c_int]),
        "rtl_values": (None, [handle, ctypes.c_char_p, _VISIT]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib
