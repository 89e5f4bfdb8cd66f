"""A device offers the host four stateless graphs on arrays of codes, a fifth where the bundle has a
concept detector, and their description.

`golden` is the integer model on this machine, `rtl` the hardware's own SystemVerilog in simulation,
`pynq` the hardware on a board (`host.devices`). Any object that follows the `Device` protocol can
drive a session; a float model does so too, with ports that have no integer type.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from host.spec import ModelSpec
from hw.spec.dtypes import Arrays as Arrays


class Device(Protocol):
    """A device runs a bundle's graphs.

    Arrays hold codes in the storage type of their port. The outputs of a graph stay valid until the
    same graph runs again: a device may reuse its buffers, so what must last is copied.

    A device whose attribute `concurrent` is true runs different graphs at once, each called from a
    thread of its own; `host.jobs` runs them so, and those of any other device one by one.
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
