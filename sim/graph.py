"""Executes the integer program of one graph.

Three libraries do it, with the same bits (`tests/sim/test_graph.py`): `integers`, which are the
golden functions themselves; `torch`, fast; `numpy`, which needs nothing else installed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hw.ops.program import Program
from hw.spec.dtypes import Arrays
from hw.spec.errors import SpecError

Step = tuple[str, tuple[str, ...], str, Callable[..., Any], tuple[str, ...]]
LIBRARIES = ("numpy", "torch", "integers")


class GraphExecutor:
    """One graph of a bundle, ready to run.

    Args:
        folder: the bundle (`<graph>.json`, `<graph>.npz`).
        graph: its name.
        library: one of LIBRARIES; None takes torch where it is installed, else numpy. A frame of
            `nano` takes numpy 1.9 times torch's time.

    Raises BundleError for a missing or malformed program, SpecError for an unknown library.
    """

    def __init__(self, folder: str | Path, graph: str, *, library: str | None = None) -> None:
        self.program = Program.load(Path(folder), graph)
        self.library, self._in = _opened(library)
        nodes = self.program.nodes
        uses: dict[str, int] = {}
        for position, node in enumerate(nodes):
            for name in node.inputs:
                uses[name] = position
        kept = set(self.program.results)
        self._steps: list[Step] = []
        for position, node in enumerate(nodes):
            spent = {n for n in node.inputs if uses[n] == position and n not in kept}
            self._steps.append(
                (node.name, node.inputs, node.output, self._in.bind(node), tuple(spent))
            )

    def run(self, inputs: Arrays) -> Arrays:
        """Codes by input port -> codes by output port, in the ports' storage types. A ragged L
        needs no mention.

        Raises SpecError for an input whose shape or type does not fit its port.
        """
        return self._run(inputs, None)

    def trace(self, inputs: Arrays) -> Arrays:
        """Every tensor of the program by name, int64, ports included: for debugging and for
        proofs against RTL.
        """
        seen: Arrays = {}
        self._run(inputs, seen)
        return seen

    def _run(self, inputs: Arrays, seen: Arrays | None) -> Arrays:
        for port in self.program.inputs:
            port.check(inputs[port.name])
        whole = np.dtype(np.int64)
        with self._in.running():
            tensors = {p.name: self._in.load(inputs[p.name]) for p in self.program.inputs}
            if seen is not None:
                seen.update({name: self._in.store(t, whole) for name, t in tensors.items()})
            for _, names, output, function, spent in self._steps:
                tensors[output] = function(*[tensors[n] for n in names])
                if seen is not None:
                    seen[output] = self._in.store(tensors[output], whole)
                for name in spent:
                    del tensors[name]
            results = zip(self.program.outputs, self.program.results, strict=True)
            return {p.name: self._in.store(tensors[name], p.storage) for p, name in results}


def _opened(library: str | None) -> tuple[str, ModuleType]:
    """Name and module of a library, see `GraphExecutor`."""
    if library is None:
        try:
            return _opened("torch")
        except ImportError:  # not installed, or not fit for this machine
            return _opened("numpy")
    if library not in LIBRARIES:
        raise SpecError(f"library {library!r}", f"there is: {', '.join(LIBRARIES)}")
    return library, import_module(f"{__package__}.in_{library}")
