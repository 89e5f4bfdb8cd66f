"""The integer program of one graph: nodes in order, their parameters, the ports. `<graph>.json`
beside `<graph>.npz`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.ops.check import Shape, shape_after
from hw.spec.arrays import read_arrays
from hw.spec.dtypes import IntType
from hw.spec.errors import BundleError, SpecError
from hw.spec.plain import read_json, typed, whole
from hw.spec.port import Port

FORMAT = 2
MOST_HARDWARE = 1 << 16
"""No parameter of a kernel in a program is larger."""


LENGTHS = (1, 3)
"""Lengths of ragged inputs that a program is checked with. One of them is not the declared one, so
that a length that cannot change is found.
"""


@dataclass(frozen=True)
class Node:
    """One operator: a name from `hw.ops.operators.OPERATORS`, tensors by name, constants.

    attrs: plain numbers and lists; params: integer arrays (weights, m, b, n, thresholds, tables).
    hardware: parameters of the kernel that computes the node, by name, where the search that found
    its integers decided them; the arithmetic needs none of them.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    output: str
    attrs: dict[str, Any] = field(default_factory=dict)
    params: dict[str, NDArray[Any]] = field(default_factory=dict)
    hardware: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TensorInfo:
    """Integer type (QONNX's name), scale of a code (None for raw sums: it is per channel), shape
    as exported.
    """

    dtype: str
    scale: float | None
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A graph's nodes in execution order. `results` names the tensor behind each output port."""

    graph: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    results: tuple[str, ...]
    nodes: tuple[Node, ...]
    tensors: dict[str, TensorInfo]

    def save(self, folder: Path) -> None:
        """Write `<graph>.json` and `<graph>.npz` into an existing folder."""
        arrays: dict[str, Any] = {
            f"{n.name}/{k}": v for n in self.nodes for k, v in n.params.items()
        }
        plain = {
            "format": FORMAT,
            "graph": self.graph,
            "inputs": [p.to_json() for p in self.inputs],
            "outputs": [p.to_json() for p in self.outputs],
            "results": list(self.results),
            "nodes": [
                {
                    "name": n.name,
                    "op": n.op,
                    "inputs": list(n.inputs),
                    "output": n.output,
                    "attrs": n.attrs,
                    "params": sorted(n.params),
                    **({"hardware": n.hardware} if n.hardware else {}),
                }
                for n in self.nodes
            ],
            "tensors": {
                name: [t.dtype, t.scale, list(t.shape)] for name, t in self.tensors.items()
            },
        }
        text = json.dumps(plain, indent=1) + "\n"
        (folder / f"{self.graph}.json").write_text(text, encoding="utf-8")
        with open(folder / f"{self.graph}.npz", "wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, folder: Path, graph: str) -> Program:
        """Reads what `save` wrote. Raises BundleError naming the file that is missing or malformed,
        or holds what cannot be computed.
        """
        path = folder / f"{graph}.json"
        try:
            plain = read_json(path)
            if plain["format"] != FORMAT:
                raise BundleError(
                    f"{path} has program format {plain['format']}, this version reads {FORMAT}",
                    "lower the model again",
                )
            arrays = read_arrays(folder / f"{graph}.npz")
            program = cls(
                typed(str, plain["graph"]),
                tuple(Port.from_json(p) for p in plain["inputs"]),
                tuple(Port.from_json(p) for p in plain["outputs"]),
                tuple(typed(str, name) for name in plain["results"]),
                tuple(_node(n, arrays) for n in plain["nodes"]),
                {k: _tensor(*told) for k, told in plain["tensors"].items()},
            )
            program.check(graph)
            return program
        except (OSError, KeyError, TypeError, ValueError, AttributeError, SpecError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise BundleError(f"{path} is no valid program ({detail})", "lower it again") from error

    def check(self, graph: str) -> None:
        """Raises ValueError, TypeError, KeyError or SpecError unless it is the program of that
        graph, and every node can be computed, whatever the length of a ragged input.
        """
        if self.graph != graph:
            raise ValueError(f"it is of the graph {self.graph!r}")
        ragged = any(None in port.shape for port in self.inputs)
        for length in (None, *LENGTHS) if ragged else (None,):
            self._check_shapes(length)
        for port, result in zip(self.outputs, self.results, strict=True):
            made, said = self.tensors[result], None if port.dtype is None else port.dtype.name
            if made.dtype != said or made.shape != port.shape or port.storage.itemsize != 1:
                raise ValueError(f"{port.name} is {said} {port.shape}, {result} is {made}")

    def _check_shapes(self, length: int | None) -> None:
        """length: of the ragged inputs, None for the one that the tensors were declared with."""
        shapes: dict[str, Shape] = {}
        for port in self.inputs:
            told = self.tensors[port.name].shape
            fits = len(told) == len(port.shape) == 4 and all(
                want in (None, have) for have, want in zip(told, port.shape, strict=True)
            )
            if not fits or port.dtype is None or port.name in shapes:
                raise ValueError(f"input {port.name} is {port.shape}, its tensor {told}")
            given = (n if n is not None else length for n in port.shape)
            shapes[port.name] = told if length is None else tuple(n or 1 for n in given)
        steady = set()
        for node in self.nodes:
            inputs = [shapes[name] for name in node.inputs]
            try:
                shape = shape_after(node.op, inputs, node.attrs, node.params)
            except (ValueError, OverflowError, TypeError, KeyError, IndexError) as error:
                raise ValueError(f"node {node.name}, {node.op}: {error}") from error
            if node.output in shapes:
                raise ValueError(f"node {node.name}: {node.output} is there twice")
            declared = self.tensors[node.output]
            if length is None and declared.shape != shape:
                raise ValueError(f"node {node.name}: {shape} is declared as {declared.shape}")
            shapes[node.output] = shape
            # What a table is asked for must lie within it, whatever comes in.
            if {"low", "high"} <= node.attrs.keys():
                kind = IntType.parse(declared.dtype)
                if not kind.min <= node.attrs["low"] < node.attrs["high"] <= kind.max:
                    raise ValueError(f"node {node.name}: {node.attrs} in {declared.dtype}")
                steady.add(node.output)
            if node.op == "exp_rows":
                kind = IntType.parse(self.tensors[node.inputs[0]].dtype)
                if node.inputs[0] not in steady or node.params["table"].size <= kind.max - kind.min:
                    raise ValueError(f"node {node.name}: its table is too short")
        missing = set(self.results) - shapes.keys()
        if missing:
            raise ValueError(f"nothing computes {', '.join(sorted(missing))}")


def _node(plain: Any, arrays: dict[str, NDArray[Any]]) -> Node:
    name, op, output = (typed(str, plain[key]) for key in ("name", "op", "output"))
    inputs = tuple(typed(str, one) for one in plain["inputs"])
    params = {k: arrays[f"{name}/{k}"] for k in plain["params"]}
    given = plain.get("hardware", {}).items()
    hardware = {typed(str, k): whole(v, k, -MOST_HARDWARE, MOST_HARDWARE) for k, v in given}
    return Node(name, op, inputs, output, plain["attrs"], params, hardware)


def _tensor(dtype: Any, scale: Any, shape: Any) -> TensorInfo:
    sides = tuple(whole(side, "a side of a tensor", 1) for side in shape)
    kind = IntType.parse(typed(str, dtype)).name
    return TensorInfo(kind, None if scale is None else typed(float, scale), sides)
