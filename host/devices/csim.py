"""The `csim` device runs the bundle's accelerators as the HLS C++ that they are synthesised from,
compiled for this machine: the bytes of the hardware's streams, without a clock and without torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.devices.graph_buffers import GraphBuffers, check_ports
from host.errors import BundleError, DeviceError
from host.names import ModuleNames
from host.spec import load_spec
from hw.spec.errors import SamFabricError
from hw.spec.hardware import FILE, GraphHardware, Hardware
from hw.spec.manifest import check_listed

LENGTH = "s_axis_length"


class CsimDevice(ModuleNames):
    """The device compiles a bundle's HLS sources, once, and runs its graphs on them.

    Raises BundleError for a bad bundle or one without HLS sources, DeviceError where the compiler
    or the headers of HLS types are missing.
    """

    name = "csim"
    concurrent = True  # each graph has a program of its own

    def __init__(self, bundle: str | Path) -> None:
        from sim.csim.bundle import REMEDY, open_graphs, sources

        folder = Path(bundle)
        manifest, self.spec = load_spec(folder)
        hardware = Hardware.load(folder)
        check_listed(folder, manifest, (FILE,))
        for entry in hardware.graphs:
            check_ports(entry, self.spec.ports[entry.name])
        if missing := [n for n in sources(hardware) if not (folder / n).is_file()]:
            raise BundleError(f"{folder} holds no HLS sources ({missing[0]})", REMEDY)
        check_listed(folder, manifest, sources(hardware))
        try:
            self._libraries = open_graphs(folder, hardware)
        except BundleError:
            raise
        except SamFabricError as error:
            raise DeviceError(error.message, error.remedy) from error
        self._graphs = {
            entry.name: GraphBuffers(entry, self.spec.ports[entry.name], self)
            for entry in hardware.graphs
        }
        self._setup = {entry.name: _setup(folder, entry) for entry in hardware.graphs}

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in ordinary memory."""
        return np.zeros(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Runs one graph and returns its outputs by port name, valid until the same graph runs
        again.

        Raises SpecError or DeviceError for inputs that do not fit.
        """
        if graph not in self._graphs:
            raise DeviceError(f"no graph {graph!r}", f"there is: {', '.join(self._graphs)}")
        one, library = self._graphs[graph], self._libraries[graph]
        length = one.length(inputs)
        one.fill(inputs, length)
        ends = {end.name: end for end in one.entry.inputs}
        (top,) = library.tops.values()
        given = {}
        for name, stream in top.inputs.items():
            if name in ends:
                end = ends[name]
                given[name] = one.sources[end.port][: end.total(length)].reshape(-1, 1)
            elif one.entry.setup is not None and name == one.entry.setup.name:
                given[name] = self._setup.pop(graph, np.zeros(0, np.uint8)).reshape(-1, 1)
            else:
                value = length if name == LENGTH else 0
                raw = value.to_bytes(stream.width // 8, "little")
                given[name] = np.frombuffer(raw, np.uint8).reshape(1, -1)
        made = library.run(top.name, 1, given)
        for end in one.entry.outputs:
            one.targets[end.port][:] = made[end.name].ravel()
        return one.outputs

    def close(self) -> None:
        """Drops the libraries; no graph can be run afterwards."""
        self._libraries.clear()
        self._graphs.clear()


def _setup(folder: Path, entry: GraphHardware) -> NDArray[np.uint8]:
    """Bytes that are loaded once, before a graph's first run."""
    if entry.setup_file is None:
        return np.zeros(0, np.uint8)
    return np.fromfile(folder / entry.setup_file, np.uint8)
