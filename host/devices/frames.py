"""What the driver keeps of each graph: its buffer sets, its frames under way, and
how far its ends have come.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from host.device import Arrays
from host.devices.graph_buffers import Allocator, GraphBuffers
from host.devices.transport import Bytes
from host.errors import DeviceError
from host.spec import GraphPorts
from hw.spec.hardware import GraphHardware
from hw.spec.registers import Bank

SETS = 3
"""A graph has this many buffer sets, so many frames at most are given to it before one is released.
None is refused for want of room: an end queues more jobs."""
Span = tuple[Bank, int, Bytes, int]
"""A span is one job: bank, end, buffer, and how many of its bytes are moved."""
COUNT = 1 << 16
"""An end counts the jobs done modulo this number."""
CLOCK = 1 << 32
"""The mover's clock counts cycles modulo this number."""


def passed(count: int, number: int) -> bool:
    """Tells whether a count modulo COUNT has reached a number, from not farther than half away."""
    return (count - number) % COUNT < COUNT // 2


@dataclass(eq=False)
class Frame:
    """A frame that was given to an accelerator. number: since the reset, from 1. began: the mover's
    clock. limit: the transport's clock at which it is given up. cycles: from its beginning, or the
    end of the frame before where that came later, to its end; 0 where the mover did not keep it.
    """

    graph: str
    buffers: GraphBuffers
    length: int
    number: int
    began: int
    limit: int
    error: DeviceError | None = None
    done: bool = False
    cycles: int = 0
    ms: float = 0.0
    since: float = field(default_factory=time.perf_counter)

    def ended(self) -> bool:
        """Tells whether it has come to its end, well or with an error."""
        return self.done

    def outputs(self) -> Arrays:
        """Returns the outputs, valid until the frame is released. Raises what went wrong."""
        if self.error is not None:
            raise self.error
        return self.buffers.outputs

    def end(self, error: DeviceError | None = None) -> None:
        """Notes that it has ended."""
        self.done, self.error = True, error
        self.ms = (time.perf_counter() - self.since) * 1e3


class Lane:
    """A graph's accelerator as the host sees it. given: frames since the reset. waiting: those that
    have not ended, in order. mask: bits of its write ends. ended_at: the mover's clock at the end
    of the last one.
    """

    def __init__(self, entry: GraphHardware, ports: GraphPorts, memory: Allocator) -> None:
        self.entry = entry
        self.free = deque(GraphBuffers(entry, ports, memory) for _ in range(SETS))
        self.mask = sum(1 << end.number for end in entry.outputs)
        self.given = 0
        self.waiting: deque[Frame] = deque()
        self.ended_at: int | None = None

    def forget(self) -> list[Frame]:
        """Forgets all frames, as a reset does; returns those that had not ended."""
        left = list(self.waiting)
        self.waiting.clear()
        self.given, self.ended_at = 0, None
        return left


def ends(entry: GraphHardware) -> Iterator[tuple[Bank, int]]:
    """Yields the bank and the number of every end of a graph, outputs first."""
    yield from ((Bank.WRITES, end.number) for end in entry.outputs)
    yield from ((Bank.READS, end.number) for end in entry.inputs)


def spans(entry: GraphHardware, buffers: GraphBuffers, length: int) -> Iterator[Span]:
    """Yields the jobs of a frame, what is written first."""
    for end in entry.outputs:
        yield Bank.WRITES, end.number, buffers.targets[end.port], end.beats
    for end in entry.inputs:
        yield Bank.READS, end.number, buffers.sources[end.port], end.total(length)
