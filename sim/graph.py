"""Executes the integer program of one graph on the golden functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hw.ops.join import join_add
from hw.ops.operators import bind
from hw.ops.program import Node, Program
from hw.spec.dtypes import Arrays
from hw.spec.port import Port
from sim.fast import fast_exp, fast_requant

Step = tuple[str, tuple[str, ...], str, Callable[..., Tensor], tuple[str, ...]]


class GraphExecutor:
    """One graph of a bundle, ready to run.

    Args:
        folder: the bundle (`<graph>.json`, `<graph>.npz`).
        graph: its name.
        fast: use proven faster evaluations (`sim.fast`); False calls the golden functions on
        integers and nothing else.

    Raises BundleError for a missing or malformed program.
    """

    def __init__(self, folder: str | Path, graph: str, *, fast: bool = True) -> None:
        self.program = Program.load(Path(folder), graph)
        self.fast = fast
        self._kind = torch.float32 if fast else torch.int64
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
                (node.name, node.inputs, node.output, self._function(node), tuple(spent))
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
        seen: dict[str, Tensor] = {}
        self._run(inputs, seen)
        return {name: t.to(torch.int64).numpy() for name, t in seen.items()}

    def _run(self, inputs: Arrays, seen: dict[str, Tensor] | None) -> Arrays:
        # NNPACK's 3 x 3 convolutions are Winograd's, whose sums are not exact.
        with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
            tensors = {p.name: self._load(p, inputs) for p in self.program.inputs}
            if seen is not None:
                seen.update({k: v.clone() for k, v in tensors.items()})
            for _, names, output, function, spent in self._steps:
                tensors[output] = function(*[tensors[n] for n in names])
                if seen is not None:
                    seen[output] = tensors[output].clone()
                for name in spent:
                    del tensors[name]
            results = zip(self.program.outputs, self.program.results, strict=True)
            return {port.name: _store(port, tensors[name]) for port, name in results}

    def _load(self, port: Port, inputs: Arrays) -> Tensor:
        codes = inputs[port.name]
        port.check(codes)
        tensor = torch.from_numpy(np.ascontiguousarray(codes))
        # Maps and tokens (B,C,H,W) run faster with channels last; memories (1,1,L,lanes) are rows
        # already.
        maps = port.shape[1] != 1
        layout = torch.channels_last if maps else torch.contiguous_format
        return tensor.to(self._kind, memory_format=layout)

    def _function(self, node: Node) -> Callable[..., Tensor]:
        if not self.fast:
            return bind(node)
        if node.op == "conv":
            return _conv(node)
        if node.op == "requant":
            return fast_requant(node)
        if node.op == "exp_rows":
            return fast_exp(node)
        if node.op == "join_add":
            low, high = node.attrs["low"], node.attrs["high"]
            return lambda a, b: join_add(a, b, low, high)
        return bind(node)


def _conv(node: Node) -> Callable[..., Tensor]:
    weight = torch.from_numpy(node.params["weight"]).float()
    weight = weight.contiguous(memory_format=torch.channels_last)
    stride, padding, groups = (node.attrs[k] for k in ("stride", "padding", "groups"))
    convolve = torch.nn.functional.conv2d
    return lambda x: convolve(x, weight, None, stride, padding, 1, groups)


def _store(port: Port, tensor: Tensor) -> NDArray[Any]:
    kind = torch.int8 if port.storage == np.int8 else torch.uint8
    codes = tensor.to(kind).contiguous().numpy()
    return codes.reshape([tensor.shape[i] for i in range(tensor.dim())])
