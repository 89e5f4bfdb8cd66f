"""The registers of a data mover as the driver uses them: jobs, counts, faults, the reset."""

from __future__ import annotations

from typing import Protocol

from host.errors import DeviceError
from hw.spec import registers
from hw.spec.hardware import Hardware
from hw.spec.registers import END_BYTES, Bank, Control, EndWord, Fault, Register, Status

RESET_TRIES, RESET_READS = 3, 3000
PUSH = {Bank.READS: Register.PUSH_READ, Bank.WRITES: Register.PUSH_WRITE}


class Words(Protocol):
    """Who reaches the registers. Both raise TransportError."""

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the register at a byte offset."""
        ...

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        ...


class MoverRegisters:
    """The mover's registers, by what they mean. All methods raise TransportError."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._high: int | None = None

    def identify(self, hardware: Hardware, wanted: tuple[int, int, int]) -> None:
        """Raises DeviceError for a mover that is not that of the hardware, with so many ends that
        read, that write, and of settings.
        """
        found = self._words.read(Register.IDENTITY)
        if found != registers.IDENTITY:
            raise DeviceError(
                f"the hardware is {found:#010x}, a data mover {registers.IDENTITY:#010x}",
                "load the bundle's own overlay",
            )
        version = self._words.read(Register.VERSION)
        if version & 0xFF != registers.VERSION:
            raise DeviceError(
                f"the mover has register map {version & 0xFF}, the host {registers.VERSION}",
                "use hardware and a checkout of the same version",
            )
        design = self._words.read(Register.DESIGN)
        if design != hardware.identity:
            raise DeviceError(
                f"the hardware is {design:#010x}, the bundle describes {hardware.identity:#010x}",
                "load the bundle's own overlay, or run make hardware again",
            )
        ends = tuple(version >> shift & 0xFF for shift in (8, 16, 24))
        graphs = self._words.read(Register.GRAPHS)
        if ends != wanted or graphs != len(hardware.graphs):
            raise DeviceError(
                f"the hardware has {graphs} graphs at {ends} ends, the bundle describes "
                f"{len(hardware.graphs)} at {wanted}",
                "run make hardware again",
            )

    def push(self, bank: Bank, end: int, address: int, length: int) -> str:
        """Appends a job; returns "" or what speaks against the registers it was written to."""
        words, high = self._words, address >> 32
        if high != self._high:
            words.write(Register.ADDRESS_HIGH, high)
        words.write(Register.ADDRESS_LOW, address & 0xFFFF_FFFF)
        words.write(Register.LENGTH, length)
        if bank is Bank.WRITES or high != self._high:
            # What is written to a wrong place is lost to whoever owns that place.
            found = words.read(Register.ADDRESS_HIGH) << 32 | words.read(Register.ADDRESS_LOW)
            if found != address or words.read(Register.LENGTH) != length:
                return f"the mover holds another job than was written ({found:#x})"
        self._high = high
        words.write(PUSH[bank], end)
        return ""

    def setting(self, end: int, value: int) -> str:
        """Appends a value to the queue of a setting end; returns as `push`."""
        self._words.write(Register.SETTING, value)
        found = self._words.read(Register.SETTING)
        if found != value:
            return f"SETTING reads {found}, {value} was written"
        self._words.write(Register.PUSH_SETTING, end)
        return ""

    def word(self, bank: Bank, end: int, word: EndWord) -> int:
        """Returns a word of an end."""
        return self._words.read(bank + END_BYTES * end + word)

    def now(self) -> int:
        """Returns the clock cycles that the mover has counted, modulo 2^32."""
        return self._words.read(Register.NOW)

    def faulty(self) -> bool:
        """Tells whether some end has a fault."""
        return bool(self._words.read(Register.STATUS) & Status.FAULT)

    def faults(self, bank: Bank, end: int) -> str:
        """Returns the names of an end's faults."""
        found = Fault(self.word(bank, end, EndWord.FAULTS) & (Fault.LATE * 2 - 1))
        return ", ".join(fault.name or "" for fault in Fault if fault in found)

    def quiet(self) -> int:
        """Takes the interrupt back, until the next job is done; returns the write ends, a bit each,
        that have one done since the last time.
        """
        pending = self._words.read(Register.PENDING_WRITES)
        if pending:
            self._words.write(Register.PENDING_WRITES, pending)
        return pending

    def reset(self, writes: int) -> None:
        """Abandons all jobs, and resets the accelerators. So many write ends raise the interrupt
        then. Raises DeviceError where that does not end.
        """
        words, self._high = self._words, None
        for _ in range(RESET_TRIES):
            words.write(Register.CONTROL, Control.ABANDON)
            for _ in range(RESET_READS):
                if not words.read(Register.STATUS):
                    words.write(Register.ENABLE_READS, 0)
                    words.write(Register.ENABLE_WRITES, (1 << writes) - 1)
                    return
        raise DeviceError("the mover stays busy after a reset", "load its overlay again")
