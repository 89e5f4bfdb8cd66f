"""Registers of an AXI DMA without descriptors (Xilinx PG021, "Direct Register Mode")."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hw.spec.handoff import Dma
from sim.board.memory import Bytes, Memory

CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RUN, RESET = 1 << 0, 1 << 2
HALTED, IDLE = 1 << 0, 1 << 1
INTERNAL, SLAVE, DECODE = 1 << 4, 1 << 5, 1 << 6
ALWAYS = 1 << 16 | 1 << 1
"""Bits of CONTROL that read as one after a reset: the interrupt threshold, and a reserved bit."""
START_LOOKS = 2
"""Looks at STATUS that still find the engine halted after RUN was set."""
LATE_LOOKS = 5
"""Looks at STATUS that find the engine at work when all bytes have passed on the stream."""


class Streams(Protocol):
    """What a DMA engine asks of the machine that it belongs to."""

    memory: Memory

    def serve(self) -> None:
        """Lets the engines at work move on."""

    def began(self) -> None:
        """Hears that an engine has something to do."""

    def reset_channel(self, channel: int) -> None:
        """Resets both engines of a DMA."""


class Engine:
    """One direction. settings: what the `.hwh` says of the DMA. width: bytes of a memory word."""

    def __init__(
        self, board: Streams, channel: int, output: bool, settings: Dma, width: int
    ) -> None:
        self.board, self.channel, self.output = board, channel, output
        self.settings, self.width = settings, width
        self.high = 0
        self.reset()

    def reset(self) -> None:
        """Brings the engine into the state that a reset of the core leaves."""
        self.run = self.busy = self.idle = False
        self.error = self.low = self.high = self.length = self.late = self.starting = 0
        self.bytes: Bytes = np.zeros(0, np.uint8)

    def read(self, offset: int) -> int:
        """Returns the value of a register at an offset in bytes."""
        if offset == STATUS:
            if self.busy:  # so all of a run's DMAs have started before the first of them moves
                self.board.serve()
            self.starting = max(0, self.starting - 1)
            halted = not self.run or self.starting > 0
            return halted * HALTED | self.idle * IDLE | self.error
        wide = self.settings.address_bits > 32
        words = {CONTROL: ALWAYS | self.run, ADDRESS: self.low, LENGTH: self.length}
        return {**words, ADDRESS_HIGH: self.high if wide else 0}.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the DMA's register at a byte offset."""
        if offset == CONTROL:
            if value & RESET:
                self.board.reset_channel(self.channel)
            elif value & RUN and not self.run and not self.error:
                self.run, self.starting = True, START_LOOKS
            elif not value & RUN:
                self.run = False
        elif offset == ADDRESS:
            self.low = value
        elif offset == ADDRESS_HIGH and self.settings.address_bits > 32:
            self.high = value & (1 << self.settings.address_bits - 32) - 1
        elif offset == LENGTH:
            self._begin(value & (1 << self.settings.length_bits) - 1)

    def _begin(self, length: int) -> None:
        """A transfer: PG021 has it start with the write of LENGTH, if the engine runs and is not
        halted. A length of zero is an internal error. So is here, what PG021 leaves undefined, an
        address that is no whole word without the realignment engine.
        """
        if not self.run or self.starting or self.busy:
            return
        self.length, self.idle, self.late = length, False, 0
        address = self.high << 32 | self.low
        if not length or address % self.width:
            self._fail(INTERNAL)
            return
        there = None
        if self.settings.reaches(address, length):
            there = self.board.memory.reached(address, length)
        if there is None:
            self._fail(DECODE)
            return
        self.busy = True
        self.bytes = there if self.output else there.copy()
        self.board.began()

    def _fail(self, error: int) -> None:
        self.error, self.run = error, False

    def moved(self, done: bool) -> None:
        """Hears at each look whether all its bytes have passed."""
        self.late += done
        if self.late > LATE_LOOKS:
            self.busy, self.idle, self.late = False, True, 0
            if self.output:
                self.board.memory.write_back(self.bytes)
