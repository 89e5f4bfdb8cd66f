"""The buffers of one graph's streams, and the way from a port's codes into stream order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.errors import BundleError, DeviceError, SpecError
from host.spec import GraphPorts
from hw.spec.hardware import GraphHardware, StreamEnd
from hw.spec.port import Port


class Allocator(Protocol):
    """Who gives memory that the device reaches."""

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns a zeroed array in memory that the device reads directly."""
        ...


def check_ports(entry: GraphHardware, ports: GraphPorts) -> None:
    """Raises BundleError where the streams of a graph do not carry its ports."""
    _check(entry.name, entry.inputs, ports.inputs)
    _check(entry.name, entry.outputs, ports.outputs)


class GraphBuffers:
    """Buffers of one graph, in stream order; `outputs` are views of them in the ports' shapes.

    ports have passed `check_ports`. Memory is only taken, and given back, where no frame is
    under way in these buffers: as this is made, and in `fill`.
    """

    def __init__(self, entry: GraphHardware, ports: GraphPorts, transport: Allocator) -> None:
        self.entry, self._ports, self._transport = entry, ports, transport
        self._ragged = {end.port for end in entry.inputs if end.ragged}
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

    def length(self, inputs: Arrays) -> int:
        """Returns the rows of the ragged inputs, 0 where there are none. Raises SpecError or
        DeviceError for inputs that do not fit.
        """
        missing = self._ports.inputs.keys() - inputs.keys()
        if missing:
            raise DeviceError(f"{self.entry.name} lacks the input {', '.join(sorted(missing))}")
        length, most = 0, self.entry.longest
        for name, port in self._ports.inputs.items():
            port.check(inputs[name])
            if name in self._ragged:
                rows = inputs[name].shape[port.shape.index(None)]
                if length not in (0, rows) or not 1 <= rows <= most:
                    raise SpecError(
                        f"{self.entry.name}: {name} has {rows} rows",
                        f"1..{most} rows, as many in each ragged input",
                    )
                length = rows
        return length

    def fill(self, inputs: Arrays, length: int) -> None:
        """Copies the inputs, whose length `length` has told, into the buffers."""
        for end in self.entry.inputs:
            if end.ragged:
                self._reserve(end, length)
        for name, port in self._ports.inputs.items():
            codes = inputs[name]
            view = _as_port(self.sources[name][: codes.size], codes.shape, port)
            np.copyto(view, codes)

    def _reserve(self, end: StreamEnd, length: int) -> None:
        """Room for the rows of a ragged input; it at least doubles when it grows."""
        needed, have = end.total(length), self.sources.get(end.port)
        if have is None or have.size < needed:
            size = max(needed, 0 if have is None else 2 * have.size)
            self.sources[end.port] = self._transport.allocate((size,), np.uint8)


def _as_port(buffer: NDArray[np.uint8], shape: tuple[int | None, ...], port: Port) -> NDArray[Any]:
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
                f"{graph}: {end.port} is {port.storage} {port.shape}, streams carry bytes",
                "build the bundle again",
            )
        if end.beats != codes:
            raise BundleError(
                f"{graph}: {end.port} has {codes} codes, its stream {end.beats} beats",
                "run make hardware again",
            )
