"""Threads as the queues of a device that has none: they call its `run`, and copy inputs and outputs
into buffer sets that stay as they are until a frame is released.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.device import Arrays, Device, Running
from host.errors import DeviceError

SETS = 3
"""A graph has this many buffer sets: one is filled, one computed on, one read."""


class _Buffers:
    """One buffer set of a graph. Arrays keep the size of the largest that they have held."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._held: dict[str, NDArray[Any]] = {}

    def take(self, arrays: Arrays) -> Arrays:
        """Copies arrays in and returns the copies, which are overwritten by the next ones."""
        return {name: self._copy(name, array) for name, array in arrays.items()}

    def _copy(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        held = self._held.get(name)
        if held is None or held.size < array.size or held.dtype != array.dtype:
            held = self._held[name] = self._device.allocate((array.size,), array.dtype)
        copy = held[: array.size].reshape(array.shape)
        np.copyto(copy, array)
        return copy


@dataclass(eq=False)
class _Frame:
    """A frame that a thread runs, or will."""

    graph: str
    slot: tuple[_Buffers, _Buffers]
    future: Future[Arrays] = field(init=False)
    ms: float = 0.0

    def ended(self) -> bool:
        return self.future.done()

    def outputs(self) -> Arrays:
        return self.future.result()


class Threads:
    """The queues of one device: a thread a graph where the device says `concurrent`, else one for
    all. sets: buffer sets a graph.
    """

    def __init__(self, device: Device, sets: int) -> None:
        self._device = device
        self._free = {
            graph: [(_Buffers(device), _Buffers(device)) for _ in range(sets)]
            for graph in device.spec.ports
        }
        concurrent = getattr(device, "concurrent", False)
        lanes = self._free if concurrent else ("",)
        self._lanes = {lane: ThreadPoolExecutor(1, f"{device.name} {lane}") for lane in lanes}
        self._lane_of = {graph: graph if concurrent else "" for graph in self._free}

    def room(self, graph: str) -> bool:
        """Tells whether a buffer set of the graph is free. Raises DeviceError where there is no
        such graph.
        """
        if graph not in self._free:
            raise DeviceError(f"no graph {graph!r}", f"there is: {', '.join(self._free)}")
        return bool(self._free[graph])

    def begin(self, graph: str, inputs: Arrays) -> _Frame:
        """Hands a frame to the graph's thread, in a buffer set that `room` has found."""
        frame = _Frame(graph, self._free[graph].pop())
        copies = frame.slot[0].take(inputs)
        frame.future = self._lanes[self._lane_of[graph]].submit(self._run, frame, copies)
        return frame

    def watch(self, frames: Collection[Running], seconds: float) -> None:
        """Waits until one of the frames has ended, at most so long."""
        futures = [frame.future for frame in frames if isinstance(frame, _Frame)]
        wait_for(futures, seconds, FIRST_COMPLETED)

    def release(self, frame: Running) -> None:
        """Gives a frame's buffer set back."""
        assert isinstance(frame, _Frame)
        self._free[frame.graph].append(frame.slot)

    def close(self) -> None:
        """Ends the threads once the frames under way have ended."""
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)

    def _run(self, frame: _Frame, inputs: Arrays) -> Arrays:
        start = time.perf_counter()
        outputs = frame.slot[1].take(self._device.run(frame.graph, inputs))
        frame.ms = (time.perf_counter() - start) * 1e3
        return outputs
