"""Executes the integer program of one graph: in numpy, or on the golden functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.ops.program import Node, Program
from hw.spec.port import Port
from sim.fast import bind_fast

Arrays = dict[str, NDArray[Any]]
Step = tuple[str, tuple[str, ...], str, Callable[..., NDArray[Any]], tuple[str, ...]]


class GraphExecutor:
    """One graph of a bundle, ready to run.

    Args:
        folder: the bundle (`<graph>.json`, `<graph>.npz`).
        graph: its name.
        fast: evaluate in numpy (`sim.fast`); False calls the golden functions of `hw.ops` on
        integers and nothing else, which needs PyTorch.

    Raises BundleError for a missing or malformed program.
    """

    def __init__(self, folder: str | Path, graph: str, *, fast: bool = True) -> None:
        self.program = Program.load(Path(folder), graph)
        self.fast = fast
        self._kind = np.float32 if fast else np.int64
        function = bind_fast if fast else _bind_golden
        nodes = self.program.nodes
        uses: dict[str, int] = {}
        for position, node in enumerate(nodes):
            for name in node.inputs:
                uses[name] = position
        kept = set(self.program.results)
        self._steps: list[Step] = []
        for position, node in enumerate(nodes):
            spent = {n for n in node.inputs if uses[n] == position and n not in kept}
            self._steps.append((node.name, node.inputs, node.output, function(node), tuple(spent)))

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
        return {name: codes.astype(np.int64) for name, codes in seen.items()}

    def _run(self, inputs: Arrays, seen: Arrays | None) -> Arrays:
        tensors = {p.name: self._load(p, inputs) for p in self.program.inputs}
        if seen is not None:
            seen.update(tensors)
        for _, names, output, function, spent in self._steps:
            tensors[output] = function(*[tensors[n] for n in names])
            if seen is not None:
                seen[output] = tensors[output]
            for name in spent:
                del tensors[name]
        results = zip(self.program.outputs, self.program.results, strict=True)
        return {
            port.name: np.ascontiguousarray(tensors[name], dtype=port.storage)
            for port, name in results
        }

    def _load(self, port: Port, inputs: Arrays) -> NDArray[Any]:
        codes = inputs[port.name]
        port.check(codes)
        return codes.astype(self._kind)


def _bind_golden(node: Node) -> Callable[..., NDArray[Any]]:
    import torch

    from hw.ops.operators import bind

    function = bind(node)
    return lambda *arrays: function(*(torch.from_numpy(a) for a in arrays)).numpy()
