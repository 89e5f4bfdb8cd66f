"""The driver runs graphs on the accelerators of a system, in simulation and on a board alike:
registers, channels, and what to do when a run goes wrong.

A transport moves the bytes; everything that is said to the hardware is said here. Nothing that the
hardware answers is believed unseen: settings are read back before a start, a run that is neither
busy nor done has been reset by somebody else, the count of frames goes up by one a run, and the
CRC of every stream is that of the bytes in the host's memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.devices.graph_buffers import GraphBuffers, check_ports
from host.devices.setup_file import setup_bytes
from host.errors import DeviceError
from host.spec import GraphPorts
from hw.spec import registers
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.registers import WORD, Control, Register, Status

Bytes = NDArray[np.uint8]
Span = tuple[Bytes, int]
"""A span is a buffer of `allocate`, and how many of its bytes a transfer moves."""
RESET_TRIES, RESET_READS = 3, 300
KNOWN = Status.BUSY | Status.DONE | Status.ERROR
LOST = "the hardware is looked for again at the next run; if it stays away, load its overlay anew"


class TransportError(DeviceError):
    """A transfer failed, or the registers do not answer."""


class RunError(DeviceError):
    """A run did not come to its end. The system has been reset and takes further runs."""


class Transport(Protocol):
    """A transport reaches the registers and stream channels of a system.

    A run may take `timeout` times the cycles that its hardware is said to need, and `grace` cycles
    on top. All methods raise TransportError.
    """

    timeout: float
    grace: int

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the system's register at a byte offset."""
        ...

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        ...

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros that channels can send from and receive into."""
        ...

    def start(self, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> None:
        """Starts a transfer on every channel named, and returns at once."""
        ...

    def poll(self) -> bool:
        """Tells whether all transfers are complete. It may wait a little for that."""
        ...

    def elapsed(self) -> int:
        """Returns the clock cycles since `start`, counted or estimated from the time."""
        ...

    def progress(self) -> str:
        """Says how far each channel of the transfer is, for a message."""
        ...

    def abandon(self) -> None:
        """Ends the transfers that are under way, whatever they still wait for."""
        ...

    def close(self) -> None:
        """Gives memory, channels and system back; the transport is of no use afterwards."""
        ...


class Driver:
    """A driver runs the accelerators of a bundle, which it has checked and whose setup streams it
    has loaded.

    ports are those of each graph. folder is the bundle, for the setup files. With crc the CRC of
    every stream is compared, which takes the processor a millisecond for some hundred kilobytes to
    two megabytes. A buffer is held until its transfer is done or its engine has been reset, so none
    is given back while something may write into it. Raises BundleError for hardware that does not
    fit the ports, DeviceError for a system that is not the bundle's.
    """

    def __init__(
        self,
        transport: Transport,
        hardware: Hardware,
        ports: Mapping[str, GraphPorts],
        folder: Path,
        crc: bool = True,
    ) -> None:
        self.transport, self.hardware, self._folder = transport, hardware, folder
        self._crc, self._frames, self._lost = crc, 0, False
        self._held: list[Bytes] = []
        for name in ports:
            check_ports(hardware.graph(name), ports[name])
        self._check_identity()
        self._reset()  # first: an engine that is still at work would write into the new buffers
        self._graphs = {
            name: GraphBuffers(hardware.graph(name), ports[name], transport) for name in ports
        }
        self._loaded: set[str] = set()
        for entry in hardware.graphs:
            self._load(entry)

    def run(self, graph: str, inputs: Arrays, layer: int = 0) -> tuple[Arrays, int]:
        """Runs a graph and returns its outputs by port, and the clock cycles that it took.

        The outputs are views of buffers that the next run of the same graph overwrites. Raises
        SpecError or DeviceError for inputs that do not fit, RunError for a run that fails.
        """
        if graph not in self._graphs:
            raise DeviceError(f"no graph {graph!r}", f"there is: {', '.join(self._graphs)}")
        one = self._graphs[graph]
        length = one.length(inputs)
        self._ready(one.entry)  # before a buffer grows: an engine may be at work on the old one
        one.fill(inputs, length)
        sent = {e.channel: (one.sources[e.port], e.total(length)) for e in one.entry.inputs}
        taken = {e.channel: (one.targets[e.port], e.beats) for e in one.entry.outputs}
        return one.outputs, self._start(one.entry, Control.START, sent, taken, length, layer)

    def close(self) -> None:
        """Gives the transport back, and the system with it."""
        self.transport.close()

    def _ready(self, entry: GraphHardware) -> None:
        """The system as it was left, and what the graph needs loaded. Raises RunError."""
        try:
            if self._lost:
                self._check_identity()
                self._reset()
            found = self.transport.read(Register.FRAMES)
        except DeviceError as error:
            self._lost = True
            raise RunError(f"{entry.name}: {error.message}", LOST) from error
        if found != self._frames:
            raise self._failed(entry, Control.START, f"{found} frames since reset{self._since()}")
        if entry.name not in self._loaded:
            self._load(entry)

    def _since(self) -> str:
        return f" where there were {self._frames}: somebody else has used or reset the hardware"

    def _check_identity(self) -> None:
        found, wanted = self.transport.read(Register.IDENTITY), self.hardware.identity
        version = self.transport.read(Register.VERSION)
        if version & 0xFF != registers.VERSION:
            raise DeviceError(
                f"the hardware has register map {version & 0xFF}, the host {registers.VERSION}",
                "use hardware and a checkout of the same version",
            )
        if found != wanted:
            raise DeviceError(
                f"the hardware is {found:#010x}, the bundle describes {wanted:#010x}",
                "load the bundle's own overlay, or run make hardware again",
            )
        if version >> 8 & 0xFF != len(self.hardware.graphs):
            raise DeviceError(
                f"the hardware has {version >> 8 & 0xFF} graphs, "
                f"the bundle describes {len(self.hardware.graphs)}",
                "run make hardware again",
            )

    def _load(self, entry: GraphHardware) -> None:
        """Sends a graph's setup stream, if it has one."""
        content = setup_bytes(self._folder, entry)
        if entry.setup is not None and content.size:
            buffer = self.transport.allocate((content.size,), np.uint8)
            buffer[:] = content
            sent = {entry.setup.channel: (buffer, content.size)}
            self._start(entry, Control.LOAD, sent, {}, 0, 0)
        self._loaded.add(entry.name)

    def _start(
        self,
        entry: GraphHardware,
        control: Control,
        sent: Mapping[int, Span],
        taken: Mapping[int, Span],
        length: int,
        layer: int,
    ) -> int:
        """One run or load, from the registers to DONE; returns its cycles."""
        transport = self.transport
        counts = [count for _, count in (*sent.values(), *taken.values())]
        limit = int(max([entry.cycles, *counts]) * transport.timeout) + transport.grace
        self._held = [buffer for buffer, _ in (*sent.values(), *taken.values())]
        try:
            settings = {
                Register.GRAPH: entry.index,
                Register.LENGTH: length,
                Register.LAYER: layer,
            }
            for register, value in settings.items():
                transport.write(register, value)
            self._check_settings(settings)
            transport.write(Register.CONTROL, control)
            transport.start(sent, taken)
            complete = False
            while True:
                complete = complete or transport.poll()
                status = transport.read(Register.STATUS)
                if status & Status.ERROR or status & ~KNOWN:
                    raise self._failed(
                        entry, control, f"the hardware reports an error ({status:#x})"
                    )
                if complete and status & Status.DONE:
                    break
                if not status & (Status.BUSY | Status.DONE):
                    raise self._failed(entry, control, "the run was reset, or never began")
                if transport.elapsed() > limit:
                    raise self._failed(entry, control, f"no end within {limit} cycles")
            self._check_settings(settings)
            wrong = self._wrong(control, sent, taken)
            if wrong:
                raise self._failed(entry, control, wrong)
            cycles = self._cycles(max(counts), limit)
            self._held = []
            return cycles
        except TransportError as error:
            raise self._failed(entry, control, error.message) from error
        except KeyboardInterrupt:
            self._failed(entry, control, "interrupted")
            raise

    def _check_settings(self, settings: Mapping[Register, int]) -> None:
        """Raises TransportError where a register does not hold what was written."""
        for register, value in settings.items():
            found = self.transport.read(register)
            if found != value:
                raise TransportError(f"{register.name} reads {found}, {value} was written")

    def _wrong(self, control: Control, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> str:
        """What speaks against a run that is done: the count of frames, a CRC; "" where nothing."""
        frames = self._frames + (control is Control.START)
        found = self.transport.read(Register.FRAMES)
        if found != frames:
            return f"{found} frames since reset{self._since()}"
        self._frames = frames
        said = []
        for spans, base, name in ((sent, Register.CRC_IN, "s"), (taken, Register.CRC_OUT, "m")):
            for channel, (buffer, count) in spans.items() if self._crc else ():
                ours = zlib.crc32(np.ascontiguousarray(buffer[:count]).data)
                theirs = self.transport.read(base + WORD * channel)
                if ours != theirs:
                    said.append(
                        f"{name}_axis_{channel} has CRC {theirs:#010x}, memory {ours:#010x}"
                    )
        return "; ".join(said)

    def _cycles(self, least: int, most: int) -> int:
        """Cycles of the run that is done, read twice. Raises TransportError for what cannot be."""
        found = [
            self.transport.read(Register.CYCLES_HIGH) << 32
            | self.transport.read(Register.CYCLES_LOW)
            for _ in range(2)
        ]
        if found[0] != found[1] or not least <= found[0] <= most:
            raise TransportError(
                f"CYCLES reads {found[0]}, then {found[1]}, of a run of {least} to {most} cycles"
            )
        return found[0]

    def _failed(self, entry: GraphHardware, control: Control, what: str) -> RunError:
        """The error to raise; the system is reset before it is."""
        load = control is Control.LOAD
        remedy = "the inputs of this run are lost"
        ends = (entry.setup,) if load and entry.setup else entry.inputs
        said = [what]
        try:
            faults = self.transport.read(Register.FAULTS)
            said += [f"{_names(ends, faults)} ended early"] if faults & 0xFF else []
            said += [f"{_names(ends, faults >> 8)} ended late"] if faults >> 8 else []
            moved = self.transport.progress()
            said += [moved] if moved else []
            self._reset()
        except DeviceError as error:
            said.append(f"and it cannot be reset: {error.message}")
            self._lost, remedy = True, LOST
        title = f"{entry.name}{' (setup)' if load else ''}"
        return RunError(f"{title}: {'; '.join(said)}", remedy)

    def _reset(self) -> None:
        """Ends transfers and run; the setup streams are then to be loaded anew."""
        self._loaded, self._frames, self._lost = set(), 0, True
        self.transport.abandon()
        self._held = []
        for _ in range(RESET_TRIES):
            self.transport.write(Register.CONTROL, Control.RESET)
            for _ in range(RESET_READS):
                idle = not self.transport.read(Register.STATUS)
                if idle and not self.transport.read(Register.FRAMES):
                    self._lost = False
                    return
        raise DeviceError("the hardware stays busy after a reset", "load its overlay again")


def _names(ends: tuple[StreamEnd, ...], bits: int) -> str:
    found = [f"{e.port} (channel {e.channel})" for e in ends if bits >> e.channel & 1]
    return ", ".join(found) or "a channel of no input"
