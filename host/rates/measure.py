"""What the processor does for a frame, the device left aside: measured in processor time of one
thread while the device's graphs answer at once what they answered before.

    work = measure(open_device("golden"), frames, prompts)
    work.total_ms, work.serial_ms, work.beside_ms

With a bundle that has hardware, the copies into and out of the buffers of its streams count, which
the board's driver makes.
"""

from __future__ import annotations

import statistics
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays, Device
from host.devices.driver import Driver
from host.prompts import Prompt
from host.session import Session
from hw.spec import registers
from hw.spec.hardware import Hardware
from hw.spec.host_work import HostWork
from hw.spec.registers import END_BYTES, Bank, Control, EndWord, Register

GRAPH_CALLS = "device calls"
REST = "rest"


class Tape:
    """A device that runs another one, and later answers for it what it answered last."""

    def __init__(self, device: Device) -> None:
        self.name, self.spec = device.name, device.spec
        self._device, self._last, self._driver = device, dict[str, Arrays](), None
        self._filled: list[Arrays] = []
        self.playing, self.spent = False, 0.0

    _driver: Driver | None
    _instant: Instant | None = None

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Allocates arrays as the measured device does."""
        return self._device.allocate(shape, dtype)

    def play(self, hardware: Hardware | None, folder: Path) -> None:
        """From now on answers at once; through the driver of a hardware, where there is one."""
        self.playing = True
        if hardware is not None:
            ports = {graph: self.spec.ports[graph] for graph in self._last}
            self._instant = Instant(hardware)
            self._driver = Driver(self._instant, hardware, ports, folder)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Outputs of a graph; `spent` adds up the milliseconds of the processor."""
        if not self.playing:
            found = self._device.run(graph, inputs)
            self._last[graph] = {name: codes.copy() for name, codes in found.items()}
            return found
        began = time.thread_time()
        outputs = self._last[graph]
        if self._driver is not None and self._instant is not None:
            own = self._instant.own
            taken, _ = self._driver.run(graph, inputs)
            self.spent -= self._instant.own - own
            if not any(taken is one for one in self._filled):  # what stands there from now on
                for name, codes in outputs.items():
                    np.copyto(taken[name], codes)
                self._filled.append(taken)
            outputs = taken
        self.spent += (time.thread_time() - began) * 1e3
        return outputs

    def close(self) -> None:
        """The device is closed by whoever opened it."""


class Instant:
    """A transport whose data mover has always just finished. `own` adds up the milliseconds of the
    processor that it spends on what hardware would do: the CRCs of its streams.
    """

    timeout, grace = 1.0, 1

    def __init__(self, hardware: Hardware) -> None:
        settings = max(1, sum(len(g.settings) for g in hardware.graphs))
        counts = hardware.reads << 8 | hardware.writes << 16 | settings << 24
        self._words: dict[int, int] = {
            Register.IDENTITY: registers.IDENTITY,
            Register.VERSION: registers.VERSION | counts,
            Register.DESIGN: hardware.identity,
            Register.GRAPHS: len(hardware.graphs),
        }
        self._arrays: dict[int, NDArray[Any]] = {}
        self.own = 0.0

    def write(self, offset: int, value: int) -> None:
        """Keeps a value; a job ends at once, and a reset takes back what ends have counted."""
        words = self._words
        if offset == Register.PUSH_READ:
            self._move(Bank.READS, value)
        elif offset == Register.PUSH_WRITE:
            self._move(Bank.WRITES, value)
            words[Register.PENDING_WRITES] = words.get(Register.PENDING_WRITES, 0) | 1 << value
        elif offset == Register.PENDING_WRITES:
            words[offset] = words.get(offset, 0) & ~value
        elif offset == Register.CONTROL and value & Control.ABANDON:
            self._words = {k: v for k, v in words.items() if k < Bank.READS}
        else:
            words[offset] = value

    def _move(self, bank: Bank, end: int) -> None:
        """A job of an end; the CRC is that of what lies in memory."""
        began, words = time.thread_time(), self._words
        place = bank + END_BYTES * end
        array = self._arrays[words[Register.ADDRESS_HIGH] << 32 | words[Register.ADDRESS_LOW]]
        for word in (EndWord.DONE, EndWord.FRAMES):
            words[place + word] = words.get(place + word, 0) + 1
        words[place + EndWord.FRAMES] %= registers.FRAMES_MODULUS
        whole = np.ascontiguousarray(array[: words[Register.LENGTH]])
        words[place + EndWord.CRC] = zlib.crc32(whole.data)
        self.own += (time.thread_time() - began) * 1e3

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        return self._words.get(offset, 0)

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns a zeroed array in ordinary memory."""
        return np.zeros(shape, dtype)

    def address(self, array: NDArray[Any]) -> int:
        """Returns where an array lies in this process."""
        found = int(array.__array_interface__["data"][0])
        self._arrays[found] = array
        return found

    def give(self, array: NDArray[Any]) -> None:
        """Does nothing: there is one memory."""

    def take(self, array: NDArray[Any]) -> None:
        """Does nothing: there is one memory."""

    def sleep(self, cycles: int) -> None:
        """Does nothing, since nothing is ever under way."""

    def clock(self) -> int:
        """Returns 0, since no hardware counts cycles here."""
        return 0

    def keep(self, arrays: object) -> None:
        """Does nothing, since nothing is ever written to memory."""

    def close(self) -> None:
        """Does nothing, since the transport holds no hardware."""


def measure(
    device: Device,
    frames: Sequence[NDArray[np.uint8]],
    prompts: Mapping[int, Prompt],
    bundle: Path | None = None,
    repeats: int = 200,
    sizes: Sequence[tuple[int, int]] = (),
) -> list[HostWork]:
    """The work of a frame (H, W, 3) with a full memory bank, at each of `sizes` (height, width).

    frames: enough of them to fill the bank, the first with `prompts`. bundle: with hardware whose
    driver's copies count; None for none. Without sizes, that of the frames.
    """
    tape = Tape(device)
    session = Session(tape, now=time.thread_time)
    for index, frame in enumerate(frames):
        session.step(frame, prompts if index == 0 else None)
    hardware = None if bundle is None else Hardware.load(bundle)
    tape.play(hardware, bundle or Path())
    with _one_thread():
        return [
            _at_size(session, tape, frames, size, repeats) for size in sizes or [frames[0].shape]
        ]


def _at_size(
    session: Session,
    tape: Tape,
    frames: Sequence[NDArray[np.uint8]],
    size: Sequence[int],
    repeats: int,
) -> HostWork:
    height, width = size[0], size[1]
    scaled = [np.asarray(cv2.resize(f, (width, height)), np.uint8) for f in frames[-4:]]
    session.state.frame_size = (height, width)
    found: dict[str, list[float]] = {}
    for index in range(repeats + 5):
        tape.spent, began = 0.0, time.thread_time()
        result = session.step(scaled[index % len(scaled)])
        stepped = time.thread_time()
        for one in result.objects.values():
            one.mask()
        ended = time.thread_time()
        if index < 5:  # buffers are made and caches filled
            continue
        parts = dict(result.timings_ms)
        # Stages named as graphs hold their runs, which are told apart.
        parts[GRAPH_CALLS] = tape.spent
        inside = sum(parts.pop(name, 0.0) for name in tape.spec.ports)
        parts["answers"] = max(inside - tape.spent, 0.0)
        parts[REST] = max((stepped - began) * 1e3 - sum(parts.values()), 0.0)
        parts["masks"] = (ended - stepped) * 1e3
        for name, ms in parts.items():
            found.setdefault(name, []).append(ms)
    return HostWork(
        width, height, {name: round(statistics.median(ms), 4) for name, ms in found.items()}
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV's own threads would not count."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
