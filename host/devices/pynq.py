"""The `pynq` device reaches the bundle's overlay on a board, registers and DMAs through /dev/mem,
with the buffers of the `pynq` package.

One AXI DMA in direct register mode (Xilinx PG021) serves a channel: it feeds the input channel and
drains the output channel of the same number. A concurrent system has a data mover instead
(`host.devices.pynq_mover`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from host.devices import overlay
from host.devices.driver import Span, TransportError
from host.devices.hardware import HardwareDevice
from host.devices.pynq_memory import PynqMemory, Registers, placed
from host.devices.pynq_mover import PynqMoverTransport
from host.errors import DeviceError
from hw.spec.handoff import Handoff
from hw.spec.hardware import Hardware

SEND, TAKE = 0x00, 0x30
"""The registers of a DMA's two directions begin here; those below are offsets from there."""
CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RUN, RESET = 1 << 0, 1 << 2  # of CONTROL
HALTED, IDLE = 1 << 0, 1 << 1  # of STATUS
ERRORS = {1 << 4: "internal error", 1 << 5: "bus error", 1 << 6: "address error"}
ANSWER_S = 0.1
"""A DMA may take this many seconds to start or to reset."""
PAUSE_S = 2e-4
"""Sleep between two looks at a transfer that is not done. Looking without pause would keep the
processor, and Python's other threads, from capturing and drawing meanwhile.
"""
GRACE_S = 2.0
"""Beyond its cycles a run may take so long: the board's other work may keep the host from looking.
"""
EARLY = 0.9
"""This share of a transfer's usual time is slept through before the first look."""


@dataclass
class _Transfer:
    """One direction of one DMA at work."""

    name: str
    registers: Registers
    base: int
    buffer: Any
    address: int
    count: int
    done: bool = False


_UNSTOPPED: list[_Transfer] = []
"""Transfers of DMAs that were left at work: their buffers may still be written."""


class PynqTransport(PynqMemory):
    """This transport reaches the registers and DMAs of an overlay that has been loaded.

    pynq is the package. hardware has the clock that the board really has. handoff is what the
    `.hwh` says of the DMAs. loaded is the overlay, kept as long as its registers are used.
    """

    timeout = 4.0

    def __init__(self, pynq: Any, hardware: Hardware, handoff: Handoff, loaded: Any = None) -> None:
        super().__init__(pynq, {name: handoff.dmas[name] for name in hardware.dmas})
        self.clock_mhz, self._loaded = hardware.clock_mhz, loaded
        self._hz = hardware.clock_mhz * 1e6
        self.grace = int(GRACE_S * self._hz)
        self._transfers: list[_Transfer] = []
        self._in_channels = hardware.in_channels
        self._since = time.monotonic()
        self._control = Registers(pynq, hardware.addresses["control"])
        self._dmas = [Registers(pynq, hardware.addresses[name]) for name in hardware.dmas]
        self._usual: dict[tuple[tuple[str, int], ...], float] = {}

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the system's register at a byte offset."""
        self._control.write(offset, value)

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        return self._control.read(offset)

    def start(self, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> None:
        """Starts the DMAs, receivers first, so that no result finds its channel shut."""
        self._transfers = [
            self._transfer(f"m_axis_{k}", k, TAKE, span) for k, span in taken.items()
        ]
        self._transfers += [
            self._transfer(f"s_axis_{k}", k, SEND, span) for k, span in sent.items()
        ]
        self._since = time.monotonic()
        for one in self._transfers:
            # What is taken is dropped from the cache too: a line that is written back later would
            # overwrite what the DMA has brought.
            (one.buffer.flush if one.base == SEND else one.buffer.invalidate)()
            registers, base = one.registers, one.base
            registers.write(base + CONTROL, RUN)
            self._await(registers, base + STATUS, HALTED, f"the DMA of {one.name} does not start")
            registers.write(base + ADDRESS, one.address & 0xFFFFFFFF)
            # Always, since the word keeps what another user of the DMA has left there.
            registers.write(base + ADDRESS_HIGH, one.address >> 32)
            registers.write(base + LENGTH, one.count)  # starts it

    def _transfer(self, name: str, channel: int, base: int, span: Span) -> _Transfer:
        array, count = span
        owner, address = placed(array, name)
        return _Transfer(name, self._dmas[channel], base, owner, address, count)

    def poll(self) -> bool:
        """Looks at every DMA that is at work, after a sleep that is most of its usual time."""
        waiting = [one for one in self._transfers if not one.done]
        if not waiting:
            return True
        key = tuple((one.name, one.count) for one in self._transfers)
        early = self._since + EARLY * self._usual.get(key, 0.0) - time.monotonic()
        time.sleep(max(PAUSE_S, early))
        for one in waiting:
            status = one.registers.read(one.base + STATUS)
            for bit, what in ERRORS.items():
                if status & bit:
                    raise TransportError(f"DMA of {one.name}: {what}, status {status:#x}")
            one.done = bool(status & IDLE)
            if one.done and one.base == TAKE:
                moved = one.registers.read(one.base + LENGTH)
                if moved != one.count:
                    raise TransportError(f"{one.name}: {moved} of {one.count} bytes came")
                one.buffer.invalidate()
        complete = all(one.done for one in self._transfers)
        if complete:
            self._usual[key] = time.monotonic() - self._since
        return complete

    def elapsed(self) -> int:
        """Returns the clock cycles since `start`, by the host's clock."""
        return int((time.monotonic() - self._since) * self._hz)

    def progress(self) -> str:
        """Says which channels are done; how far the others are, a DMA does not say."""
        return ", ".join(
            f"{one.name} {'done' if one.done else 'waits'} ({one.count} bytes)"
            for one in self._transfers
        )

    def abandon(self) -> None:
        """Resets every DMA. Until that is done the transfers hold their buffers."""
        for number, registers in enumerate(self._dmas):
            # Either direction resets both; the sending one is absent beyond the input channels.
            control = CONTROL + (SEND if number < self._in_channels else TAKE)
            registers.write(control, RESET)
            self._await(registers, control, RESET, f"DMA {number} does not reset")
        self._transfers = []

    def close(self) -> None:
        """Stops the DMAs, so that no buffer is written any more. Buffers of one that does not stop
        stay taken until the process ends.
        """
        try:
            self.abandon()
        except TransportError:
            _UNSTOPPED.extend(self._transfers)
            raise

    def _await(self, registers: Registers, offset: int, bits: int, what: str) -> None:
        """Until the bits are clear."""
        end = time.monotonic() + ANSWER_S
        while registers.read(offset) & bits:
            if time.monotonic() > end:
                raise TransportError(what)


class PynqDevice(HardwareDevice):
    """The device loads a bundle's overlay and runs its graphs on it; `hardware.clock_mhz` is then
    the clock that the board really has.

    loaded is the bundle's overlay where it is on the board already. Raises BundleError for a bad
    bundle or one without its overlay, DeviceError away from a board.
    """

    name = "pynq"

    def __init__(self, bundle: str | Path, loaded: Any = None) -> None:
        super().__init__(bundle, lambda folder, hardware: _connect(folder, hardware, loaded))
        transport = self.transport
        assert isinstance(transport, PynqTransport | PynqMoverTransport)
        self.hardware = replace(self.hardware, clock_mhz=transport.clock_mhz)


def _connect(folder: Path, hardware: Hardware, loaded: Any) -> PynqTransport | PynqMoverTransport:
    path, handoff = overlay.find(folder, hardware)
    try:
        import pynq
    except ImportError as error:
        raise DeviceError(
            f"device pynq needs a board and its Python package pynq ({error})",
            "run it there, or use DEVICE=golden or rtl",
        ) from error
    if loaded is None:
        loaded = overlay.load(pynq, path)
    clock_mhz = overlay.settle_clock(pynq.Clocks, handoff.clock_mhz)
    kind = PynqMoverTransport if hardware.word_bytes else PynqTransport
    return kind(pynq, replace(hardware, clock_mhz=clock_mhz), handoff, loaded)
