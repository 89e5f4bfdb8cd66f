"""The `golden` device executes the integer model, bit-exact, on this machine's processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.device import Arrays
from host.errors import BundleError, DeviceError
from host.names import ModuleNames
from host.spec import load_spec
from hw.spec.manifest import REBUILD


class GoldenDevice(ModuleNames):
    """The device runs a bundle's integer programs, bit for bit as the golden functions define them.

    PyTorch executes them where it is installed, else numpy.

    Raises BundleError for a bad bundle.
    """

    name = "golden"
    concurrent = True  # each graph has a program of its own

    def __init__(self, bundle: str | Path) -> None:
        from sim.graph import GraphExecutor  # the host's one door to it: a board needs none

        folder = Path(bundle)
        manifest, self.spec = load_spec(folder)
        self._graphs = {entry.name: GraphExecutor(folder, entry.name) for entry in manifest.graphs}
        for entry in manifest.graphs:
            program = self._graphs[entry.name].program
            if (program.inputs, program.outputs) != (entry.inputs, entry.outputs):
                raise BundleError(
                    f"{folder}: manifest and program of {entry.name} differ in their ports", REBUILD
                )

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns an array of zeros in ordinary memory."""
        return np.zeros(shape, dtype)

    def run(self, graph: str, inputs: Arrays) -> Arrays:
        """Runs one graph and returns its outputs by port name. Raises SpecError for inputs that do
        not fit.
        """
        ports = self.spec.ports[graph].inputs
        missing = ports.keys() - inputs.keys()
        if missing:
            raise DeviceError(f"{graph} lacks the input {', '.join(sorted(missing))}")
        for name, port in ports.items():
            port.check(inputs[name])
        return self._graphs[graph].run(inputs)

    def close(self) -> None:
        """Drops the programs; no graph can be run afterwards."""
        self._graphs.clear()
