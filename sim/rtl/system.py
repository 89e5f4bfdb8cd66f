"""A compiled system: registers over AXI4-Lite, and transfers on all stream channels at once, which
go on while registers are read.
"""

from __future__ import annotations

import ctypes
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
from sim.rtl.simulator import DONE, HANDLE, LAST_WRONG, PATTERNS, SEED, SIZE, Simulator

SOURCES = ("always", "coin", "bursts", "sparse")
SINKS = PATTERNS
STRIDE = 100_000
"""The clock cycles between two looks at time limits and at Ctrl-C."""


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


class RtlSystem(Simulator):
    """This is a system with stream channels in simulation, reset and ready."""

    def __init__(self, library: Path, folder: Path | None = None, seed: int = SEED) -> None:
        super().__init__(library, folder, seed)
        self._served: list[_Served] = []

    @classmethod
    def of(
        cls, design: Design, inputs: int, outputs: int, water: bool = False, seed: int = SEED
    ) -> RtlSystem:
        """Builds a design and opens it with its memories. Raises as `build` does."""
        from sim.rtl.build import build, channels  # Verilator, for a new design alone

        return cls.with_memories(build(design, channels(inputs, outputs), water), design, seed)

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

    @classmethod
    def _signatures(cls) -> dict[str, tuple[Any, list[Any]]]:
        number = ctypes.c_int
        return super()._signatures() | {
            "rtl_wrong": (number, [HANDLE]),
            "rtl_rest": (None, [HANDLE]),
            "rtl_serve": (None, [HANDLE, number, number, HANDLE, SIZE, number, SIZE]),
            "rtl_advance": (number, [HANDLE, SIZE]),
            "rtl_moved": (SIZE, [HANDLE, number, number]),
        }
