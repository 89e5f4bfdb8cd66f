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

from hw.spec.errors import BundleError
from hw.spec.port import Port

FORMAT = 2


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
        """Inverse of `save`. Raises BundleError naming the file that is missing or malformed."""
        path = folder / f"{graph}.json"
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["format"] != FORMAT:
                raise BundleError(
                    f"{path} has program format {plain['format']}, this version reads {FORMAT}",
                    "lower the model again",
                )
            with np.load(folder / f"{graph}.npz", allow_pickle=False) as stored:
                nodes = tuple(
                    Node(
                        n["name"],
                        n["op"],
                        tuple(n["inputs"]),
                        n["output"],
                        n["attrs"],
                        {k: stored[f"{n['name']}/{k}"] for k in n["params"]},
                        n.get("hardware", {}),
                    )
                    for n in plain["nodes"]
                )
            return cls(
                plain["graph"],
                tuple(Port.from_json(p) for p in plain["inputs"]),
                tuple(Port.from_json(p) for p in plain["outputs"]),
                tuple(plain["results"]),
                nodes,
                {k: TensorInfo(t, s, tuple(d)) for k, (t, s, d) in plain["tensors"].items()},
            )
        except (OSError, KeyError, TypeError, ValueError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise BundleError(f"{path} is no valid program ({detail})", "lower it again") from error
