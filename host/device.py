"""A device offers the host four stateless graphs on arrays of codes, a fifth where the bundle has a
concept detector, and their description.

`golden` is the integer model on this machine, `rtl` the hardware's own SystemVerilog in simulation,
`pynq` the hardware on a board (`host.devices`). Any object that follows the `Device` protocol can
drive a session; a float model does so too, with ports that have no integer type.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from host.spec import ModelSpec
from hw.spec.dtypes import Arrays as Arrays


class Device(Protocol):
    """A device runs a bundle's graphs.

    Arrays hold codes in the storage type of their port. The outputs of a graph stay valid until the
    same graph runs again: a device may reuse its buffers, so what must last is copied.

    A device whose attribute `queues` is not None, a `Queues`, takes frames for all graphs and works
    on them by itself. One whose attribute `concurrent` is true runs different graphs at once, each
    called from a thread of its own. `host.jobs` uses both, and runs any other device's graphs one
    by one.
    """

    name: str
    spec: ModelSpec

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in the memory that suits what the host hands to the device."""
        ...

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Runs one graph on inputs by port name and returns its outputs by port name."""
        ...

    def close(self) -> None:
        """Gives the device back; no graph can be run afterwards."""
        ...


class Running(Protocol):
    """A frame that a device was given for a graph. ms are the milliseconds that passed until it
    was done, once it is.
    """

    ms: float

    def ended(self) -> bool:
        """Tells whether it has come to its end, well or with an error."""
        ...

    def outputs(self) -> Arrays:
        """Returns the outputs by port name, valid until the frame is released. Raises what went
        wrong. Only for one that has ended.
        """
        ...


class Queues(Protocol):
    """The graphs of a device, each of which takes frames and works on them one after another,
    beside the other graphs. One thread calls. sets are the buffer sets of each graph: so many
    frames it takes before one is released.
    """

    sets: int

    def room(self, graph: str) -> bool:
        """Tells whether the graph takes a frame now. Raises DeviceError where there is no such
        graph.
        """
        ...

    def begin(self, graph: str, inputs: Arrays) -> Running:
        """Hands a frame over and returns at once; inputs may be changed afterwards. Raises
        DeviceError where there is no room.
        """
        ...

    def watch(self, frames: Collection[Running], seconds: float) -> None:
        """Waits until one of the frames has ended, at most so long."""
        ...

    def release(self, frame: Running) -> None:
        """Gives the buffers of a frame that has ended back."""
        ...

    def close(self) -> None:
        """Ends what the queues took up for themselves; the device stays open."""
        ...
