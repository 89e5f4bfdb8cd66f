"""The driver runs graphs on the accelerators of a system, in simulation and on a board alike:
registers, channels, and what to do when a run goes wrong.

A transport moves the bytes; everything that is said to the hardware is said here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.errors import BundleError, DeviceError, SpecError
from host.spec import GraphPorts
from hw.spec import registers
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.port import Port
from hw.spec.registers import Control, Register, Status

Bytes = NDArray[np.uint8]
Span = tuple[Bytes, int]
"""A span is a buffer of `allocate`, and how many of its bytes a transfer moves."""
MAX_LENGTH = (1 << 16) - 1
RESET_READS = 1000


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
        """Writes a register."""
        ...

    def read(self, offset: int) -> int:
        """Returns the value of a register."""
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
        """Ends the transfers under way."""
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


class Driver:
    """A driver runs the accelerators of a bundle, which it has checked and whose setup streams it
    has loaded.

    ports are those of each graph. folder is the bundle, for the setup files. Raises BundleError for
    hardware that does not fit the ports, DeviceError for a system that is not the bundle's.
    """

    def __init__(
        self,
        transport: Transport,
        hardware: Hardware,
        ports: Mapping[str, GraphPorts],
        folder: Path,
    ) -> None:
        self.transport, self.hardware, self._folder = transport, hardware, folder
        self._graphs = {
            name: _Graph(hardware.graph(name), ports[name], transport) for name in ports
        }
        self._check_identity()
        self._reset()
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
        length = one.fill(inputs)
        if one.entry.name not in self._loaded:
            self._load(one.entry)
        sent = {e.channel: (one.sources[e.port], e.total(length)) for e in one.entry.inputs}
        taken = {e.channel: (one.targets[e.port], e.beats) for e in one.entry.outputs}
        self._start(one.entry, Control.START, sent, taken, length, layer)
        low = self.transport.read(Register.CYCLES_LOW)
        return one.outputs, self.transport.read(Register.CYCLES_HIGH) << 32 | low

    def close(self) -> None:
        """Gives the transport back."""
        self.transport.close()

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
        if entry.setup is not None and entry.setup_file is not None:
            path = self._folder / entry.setup_file
            try:
                content = np.fromfile(path, np.uint8)
            except OSError as error:
                raise BundleError(f"{path}: {error.strerror}", "run make hardware again") from error
            if content.size != entry.setup.beats:
                raise BundleError(
                    f"{path} has {content.size} bytes, {entry.setup.beats} are needed",
                    "run make hardware again",
                )
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
    ) -> None:
        """One run or load, from the registers to DONE."""
        transport = self.transport
        cycles = max([entry.cycles, *(count for _, count in (*sent.values(), *taken.values()))])
        limit = int(cycles * transport.timeout) + transport.grace
        try:
            transport.write(Register.GRAPH, entry.index)
            transport.write(Register.LENGTH, length)
            transport.write(Register.LAYER, layer)
            transport.write(Register.CONTROL, control)
            transport.start(sent, taken)
            complete = False
            while True:
                complete = complete or transport.poll()
                status = transport.read(Register.STATUS)
                if status & Status.ERROR:
                    raise self._failed(entry, control, "the hardware reports an error")
                if complete and status & Status.DONE:
                    return
                if transport.elapsed() > limit:
                    raise self._failed(entry, control, f"no end within {limit} cycles")
        except TransportError as error:
            raise self._failed(entry, control, error.message) from error
        except KeyboardInterrupt:
            self._failed(entry, control, "interrupted")
            raise

    def _failed(self, entry: GraphHardware, control: Control, what: str) -> RunError:
        """The error to raise; the system is reset before it is."""
        load = control is Control.LOAD
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
        title = f"{entry.name}{' (setup)' if load else ''}"
        return RunError(f"{title}: {'; '.join(said)}", "the inputs of this run are lost")

    def _reset(self) -> None:
        """Ends transfers and run; the setup streams are then to be loaded anew."""
        self._loaded = set()
        self.transport.abandon()
        self.transport.write(Register.CONTROL, Control.RESET)
        for _ in range(RESET_READS):
            if not self.transport.read(Register.STATUS) & (Status.BUSY | Status.ERROR):
                return
        raise DeviceError("the hardware stays busy after a reset", "load its overlay again")


def _names(ends: tuple[StreamEnd, ...], bits: int) -> str:
    found = [f"{e.port} (channel {e.channel})" for e in ends if bits >> e.channel & 1]
    return ", ".join(found) or "a channel of no input"


class _Graph:
    """Buffers of one graph, in stream order; `outputs` are views of them in the ports' shapes."""

    def __init__(self, entry: GraphHardware, ports: GraphPorts, transport: Transport) -> None:
        self.entry, self._ports, self._transport = entry, ports, transport
        self._ragged = {end.port for end in entry.inputs if end.ragged}
        _check(entry.name, entry.inputs, ports.inputs)
        _check(entry.name, entry.outputs, ports.outputs)
        self.sources = {
            end.port: transport.allocate((end.beats,), np.uint8)
            for end in entry.inputs
            if not end.ragged
        }
        self.targets = {
            end.port: transport.allocate((end.beats,), np.uint8) for end in entry.outputs
        }
        self.outputs = {
            name: _as_port(buffer, ports.outputs[name].shape, ports.outputs[name])
            for name, buffer in self.targets.items()
        }

    def fill(self, inputs: Arrays) -> int:
        """Copies the inputs into the buffers; returns the rows of the ragged ones, 0 for none."""
        missing = self._ports.inputs.keys() - inputs.keys()
        if missing:
            raise DeviceError(f"{self.entry.name} lacks the input {', '.join(sorted(missing))}")
        length = 0
        for name, port in self._ports.inputs.items():
            port.check(inputs[name])
            if name in self._ragged:
                rows = inputs[name].shape[port.shape.index(None)]
                if length not in (0, rows) or not 1 <= rows <= MAX_LENGTH:
                    raise SpecError(
                        f"{self.entry.name}: {name} has {rows} rows",
                        f"1..{MAX_LENGTH} rows, as many in each ragged input",
                    )
                length = rows
        for end in self.entry.inputs:
            if end.ragged:
                self._reserve(end, length)
        for name, port in self._ports.inputs.items():
            codes = inputs[name]
            view = _as_port(self.sources[name][: codes.size], codes.shape, port)
            np.copyto(view, codes)
        return length

    def _reserve(self, end: StreamEnd, length: int) -> None:
        """Room for the rows of a ragged input; it at least doubles when it grows."""
        needed, have = end.total(length), self.sources.get(end.port)
        if have is None or have.size < needed:
            size = max(needed, 0 if have is None else 2 * have.size)
            self.sources[end.port] = self._transport.allocate((size,), np.uint8)


def _as_port(buffer: Bytes, shape: tuple[int | None, ...], port: Port) -> NDArray[Any]:
    """View of bytes in stream order, (B, H, W, C), as the port's (B, C, H, W)."""
    b, c, h, w = (int(n or 0) for n in shape)
    return buffer.view(port.storage).reshape(b, h, w, c).transpose(0, 3, 1, 2)


def _check(graph: str, ends: tuple[StreamEnd, ...], ports: Mapping[str, Port]) -> None:
    """Streams and ports fit: each port is carried, in bytes, by as many beats as it has codes."""
    carried = {end.port for end in ends}
    if carried != ports.keys():
        differ = ", ".join(sorted(carried ^ ports.keys()))
        raise BundleError(
            f"{graph}: hardware and model differ in {differ}", "run make hardware again"
        )
    for end in ends:
        port = ports[end.port]
        codes = math.prod(n for n in port.shape if n is not None)
        if len(port.shape) != 4 or port.storage.itemsize != 1 or (None in port.shape) != end.ragged:
            raise BundleError(
                f"{graph}: {end.port} is {port.storage} {port.shape}, channels carry bytes",
                "build the bundle again",
            )
        if end.beats != codes:
            raise BundleError(
                f"{graph}: {end.port} has {codes} codes, its stream {end.beats} beats",
                "run make hardware again",
            )
