"""The `pynq` device: the bundle's overlay on a board, registers and DMAs through /dev/mem, with the
buffers of the `pynq` package.

One AXI DMA in direct register mode (Xilinx PG021) a channel: it feeds the input channel and drains
the output channel of the same number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.driver import Span, TransportError
from host.devices.hardware import HardwareDevice
from host.errors import BundleError, DeviceError
from hw.spec.hardware import Hardware

WINDOW = 0x1000
"""Bytes of a register block on the bus."""
SEND, TAKE = 0x00, 0x30
"""Where the registers of a DMA's two directions begin; below, offsets from there."""
CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RUN, RESET = 1 << 0, 1 << 2  # of CONTROL
HALTED, IDLE = 1 << 0, 1 << 1  # of STATUS
ERRORS = {1 << 4: "internal error", 1 << 5: "bus error", 1 << 6: "address error"}
ANSWER_S = 0.1
"""What a DMA may take to start or to reset."""
SPIN_S = 2e-3
"""How long a transfer is watched without pause; most are over by then."""
PAUSE_S = 2e-4


class _Registers:
    """A block of 32-bit registers, by byte offset. Through the array of pynq's MMIO, since its own
    read and write differ between versions.
    """

    def __init__(self, pynq: Any, address: int) -> None:
        self._array = pynq.MMIO(address, WINDOW).array

    def read(self, offset: int) -> int:
        return int(self._array[offset // 4])

    def write(self, offset: int, value: int) -> None:
        self._array[offset // 4] = np.uint32(value)


@dataclass
class _Transfer:
    """One direction of one DMA at work."""

    name: str
    registers: _Registers
    base: int
    buffer: Any
    count: int
    done: bool = False


class PynqTransport:
    """Registers and DMAs of an overlay that has been loaded.

    pynq: the package, or what stands in for it.
    Raises BundleError where the hardware's description lacks addresses.
    """

    patience = 4.0

    def __init__(self, pynq: Any, hardware: Hardware) -> None:
        self._pynq, self._hz = pynq, hardware.clock_mhz * 1e6
        # The board's other work may keep the host from looking: seconds, not cycles.
        self.grace = int(2 * self._hz)
        self._transfers: list[_Transfer] = []
        self._in_channels = hardware.in_channels
        self._since = time.monotonic()
        needed = max(hardware.in_channels, hardware.out_channels)
        if len(hardware.dmas) < needed:
            raise BundleError(
                f"the hardware has {len(hardware.dmas)} DMAs for {needed} channels",
                "run make bitstream again",
            )
        missing = {"control", *hardware.dmas} - hardware.addresses.keys()
        if missing:
            raise BundleError(
                f"the hardware has no address of {', '.join(sorted(missing))}",
                "run make bitstream again",
            )
        self._control = _Registers(pynq, hardware.addresses["control"])
        self._dmas = [_Registers(pynq, hardware.addresses[name]) for name in hardware.dmas]

    def write(self, offset: int, value: int) -> None:
        """Writes a register."""
        self._control.write(offset, value)

    def read(self, offset: int) -> int:
        """Value of a register."""
        return self._control.read(offset)

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Zeroed array in contiguous memory that the DMAs reach, freed with its last view."""
        try:
            buffer: NDArray[Any] = self._pynq.allocate(shape=shape, dtype=np.dtype(dtype))
        except (RuntimeError, OSError, MemoryError) as error:
            raise DeviceError(
                f"no contiguous memory for {shape}: {error}", "close other users of the board"
            ) from error
        buffer[:] = 0
        buffer.flush()  # type: ignore[attr-defined]
        return buffer

    def start(self, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> None:
        """Starts the DMAs, receivers first."""
        self._transfers = [
            _Transfer(f"m_axis_{k}", self._dmas[k], TAKE, buffer, count)
            for k, (buffer, count) in taken.items()
        ]
        self._transfers += [
            _Transfer(f"s_axis_{k}", self._dmas[k], SEND, buffer, count)
            for k, (buffer, count) in sent.items()
        ]
        self._since = time.monotonic()
        for one in self._transfers:
            if one.base == SEND:
                one.buffer.flush()
            registers, base = one.registers, one.base
            registers.write(base + CONTROL, RUN)
            self._await(registers, base + STATUS, HALTED, f"the DMA of {one.name} does not start")
            address = int(one.buffer.device_address)
            registers.write(base + ADDRESS, address & 0xFFFFFFFF)
            if address >> 32:
                registers.write(base + ADDRESS_HIGH, address >> 32)
            registers.write(base + LENGTH, one.count)  # starts it

    def poll(self) -> bool:
        """Looks at every DMA that is at work."""
        waiting = [one for one in self._transfers if not one.done]
        if waiting and time.monotonic() - self._since > SPIN_S:
            time.sleep(PAUSE_S)
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
        return all(one.done for one in self._transfers)

    def elapsed(self) -> int:
        """Clock cycles since `start`, by the host's clock."""
        return int((time.monotonic() - self._since) * self._hz)

    def progress(self) -> str:
        """Which channels are done; how far the others are, a DMA does not say."""
        return ", ".join(
            f"{one.name} {'done' if one.done else 'waits'} ({one.count} bytes)"
            for one in self._transfers
        )

    def abandon(self) -> None:
        """Resets every DMA."""
        self._transfers = []
        for number, registers in enumerate(self._dmas):
            # Either direction resets both; the sending one is absent beyond the input channels.
            control = CONTROL + (SEND if number < self._in_channels else TAKE)
            registers.write(control, RESET)
            self._await(registers, control, RESET, f"DMA {number} does not reset")

    def close(self) -> None:
        """Stops the DMAs, so that no buffer is written any more."""
        self.abandon()

    def _await(self, registers: _Registers, offset: int, bits: int, what: str) -> None:
        """Until the bits are clear."""
        end = time.monotonic() + ANSWER_S
        while registers.read(offset) & bits:
            if time.monotonic() > end:
                raise TransportError(what)


class PynqDevice(HardwareDevice):
    """Loads a bundle's overlay and runs its graphs on it. All buffers are contiguous memory.

    Raises BundleError for a bad bundle or one without a bitstream, DeviceError away from a board.
    """

    name = "pynq"

    def __init__(self, bundle: str | Path) -> None:
        super().__init__(bundle, _connect)


def _connect(folder: Path, hardware: Hardware) -> PynqTransport:
    if hardware.overlay is None:
        raise BundleError(
            f"{folder} holds no bitstream", "run make bitstream where Vivado is, or DEVICE=rtl"
        )
    path = folder / hardware.overlay
    for needed in (path, path.with_suffix(".hwh")):
        if not needed.is_file():
            raise BundleError(f"bundle file {needed} is missing", "run make bitstream again")
    try:
        import pynq
    except ImportError as error:
        raise DeviceError(
            f"device pynq needs a board and its Python package pynq ({error})",
            "run it there, or use DEVICE=golden or rtl",
        ) from error
    try:
        pynq.Overlay(str(path.resolve()))
    except (OSError, RuntimeError, ValueError) as error:
        raise DeviceError(
            f"{path} cannot be loaded: {error}", "run as root, on a board of the bundle's kind"
        ) from error
    return PynqTransport(pynq, hardware)
