"""The hardware graph executed by FINN beside golden, code by code."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hw.lower.bundle import ports_of, read_description
from hw.lower.errors import LoweringError
from hw.lower.finn.cppsim import simulate
from hw.lower.finn.hardware import hardware_graph, layer_counts
from hw.lower.finn.runtime import quiet
from hw.lower.lower import lower
from hw.ops.operators import bind
from hw.ops.program import Program
from hw.spec.dtypes import Arrays
from hw.spec.files import atomic_path


@dataclass(frozen=True)
class HardwareCheck:
    """One graph: layers by type; codes compared and differing, over all outputs and examples;
    seconds to lower it and to execute it.
    """

    graph: str
    layers: dict[str, int]
    elements: int
    differing: int
    lowering: float
    execution: float


def golden(program: Program, codes: Arrays) -> Arrays:
    """The program on the golden functions, integers throughout: codes by output port."""
    tensors = {k: torch.from_numpy(v.astype(np.int64)) for k, v in codes.items()}
    for node in program.nodes:
        tensors[node.output] = bind(node)(*[tensors[n] for n in node.inputs])
    pairs = zip(program.outputs, program.results, strict=True)
    return {p.name: tensors[name].numpy().astype(p.storage) for p, name in pairs}


def execute(model: Any, program: Program, codes: Arrays) -> Arrays:
    """The hardware graph by qonnx, FINN's layers in Python: codes by port, in the ports' shapes."""
    from qonnx.core.onnx_exec import execute_onnx

    feed = {}
    for port in program.inputs:
        shape = model.get_tensor_shape(port.name)
        turned = codes[port.name].transpose(0, 2, 3, 1)  # rows (1,1,L,C) keep their order
        feed[port.name] = turned.reshape(shape).astype(np.float32)
    with quiet():
        found = execute_onnx(model, feed)
    results = {}
    for port, name in zip(program.outputs, program.results, strict=True):
        values, shape = found[name], tuple(int(n or 0) for n in port.shape)
        map_like = values.shape == tuple(shape[i] for i in (0, 2, 3, 1))
        ordered = values.transpose(0, 3, 1, 2) if map_like else values
        results[port.name] = ordered.reshape(shape).astype(port.storage)
    return results


def compare(model: Any, program: Program, codes: Arrays) -> tuple[int, int]:
    """Returns the numbers of codes and of differing codes of one example."""
    found, wanted = execute(model, program, codes), golden(program, codes)
    count = sum(v.size for v in wanted.values())
    return count, sum(int((found[k] != v).sum()) for k, v in wanted.items())


def check_hardware(
    export: Path,
    graph: str,
    out: Path = Path("build/finn"),
    examples: int = 1,
    *,
    cppsim: bool = False,
) -> HardwareCheck:
    """Lower a graph of an export folder to hardware layers, save it as
    `out/<export>/<graph>.onnx` and compare it with golden on the first test vectors. cppsim: this
    project's layers compiled from their HLS headers, see `simulate`.

    Raises LoweringError, see `hw.lower.lower`, `hardware_graph` and `simulate`.
    """
    source, vectors = export / f"{graph}.onnx", export / f"{graph}.vectors.npz"
    for file in (source, vectors):
        if not file.is_file():
            raise LoweringError(
                graph, "graph", f"{file} is missing", "run quant.export.graphs first"
            )
    program = lower(source, graph, *ports_of(read_description(export), graph)).program
    start = time.perf_counter()
    with np.load(vectors, allow_pickle=False) as arrays:
        frames = [
            {p.name: arrays[f"in.{p.name}"][i] for p in program.inputs} for i in range(examples)
        ]
    ragged = [frames[0][p.name].shape[2] for p in program.inputs if None in p.shape]
    model = hardware_graph(program, ragged[0] if ragged else 0)
    if cppsim:
        model = simulate(model, out / export.name / f"{graph}_cppsim")
    lowering, start = time.perf_counter() - start, time.perf_counter()
    counts = [compare(model, program, frame) for frame in frames]
    elements, differing = (sum(c) for c in zip(*counts, strict=True))
    execution = time.perf_counter() - start
    if not cppsim:  # a simulated graph names programs of this machine
        with atomic_path(out / export.name / f"{graph}.onnx") as part:
            model.save(str(part))
    seconds = (round(lowering, 1), round(execution, 1))
    return HardwareCheck(graph, layer_counts(model), elements, differing, *seconds)
