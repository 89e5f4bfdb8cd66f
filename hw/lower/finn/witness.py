"""Cross-check by FINN: its streamlining of each exported file, executed beside the Brevitas model's
answers, then taken on to hardware layers and executed beside golden.

The integer programs of this project are lowered by `hw.lower.lower`, not by FINN; what FINN makes
of the same file by transformations of its own is an independent witness that the model consists
of integers, and of these.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw.lower.bundle import ports_of, read_description
from hw.lower.errors import LoweringError
from hw.lower.finn.check import compare
from hw.lower.finn.hardware import layer_counts, lower_integers
from hw.lower.finn.runtime import quiet
from hw.lower.finn.streamline import streamline, to_integers
from hw.lower.lower import lower
from hw.spec.plain import read_json

VERSION = 3  # of the recipe below: part of the cache's key
# What may stay in floats: the softmax around its exact integer products, and one scale an output.
SOFTMAX = frozenset({"Exp", "Div", "ReduceSum", "ReduceMax", "Sub", "Relu", "Softmax"})


@dataclass(frozen=True)
class CrossCheck:
    """A cross-check compares one graph under FINN's passes with the golden model.

    elements, differing, worst: over all outputs and examples, in codes. floats: float nodes
    outside the softmax, by operator, final scales left out. scales: final scales. nodes: nodes of
    the streamlined graph. layers, apart: hardware layers that it becomes, by type, and their codes
    that differ from golden.
    """

    graph: str
    elements: int
    differing: int
    worst: int
    nodes: int
    thresholds: int
    scales: int
    floats: dict[str, int]
    layers: dict[str, int]
    apart: int
    seconds: float


def cross_check(export: Path, graph: str, cache: Path = Path("build/finn")) -> CrossCheck:
    """Streamline one graph and compare it with the test vectors, take it on to hardware layers and
    compare those with golden; kept under `cache` by the hash of its inputs.

    Raises LoweringError when finn is not installed, and see `to_integers` and `lower_integers`.
    """
    source, vectors = export / f"{graph}.onnx", export / f"{graph}.vectors.npz"
    key = hashlib.sha256(str(VERSION).encode())
    for file in (source, vectors):
        if not file.is_file():
            raise LoweringError(
                graph, "graph", f"{file} is missing", "run quant.export.graphs first"
            )
        key.update(file.read_bytes())
    stored = cache / f"{graph}_{key.hexdigest()[:16]}.json"
    if stored.is_file():
        return CrossCheck(**read_json(stored))
    start = time.perf_counter()
    model = streamline(source)
    found = _compare(model, export, graph)
    apart, layers = _take_on(model, export, graph)
    seconds = round(time.perf_counter() - start, 1)
    result = CrossCheck(graph, **found, layers=layers, apart=apart, seconds=seconds)
    cache.mkdir(parents=True, exist_ok=True)
    scratch = stored.with_suffix(".partial")
    scratch.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    model.save(str(stored.with_suffix(".onnx")))
    os.replace(scratch, stored)
    return result


def _take_on(model: Any, export: Path, graph: str) -> tuple[int, dict[str, int]]:
    """Returns (codes of its hardware layers that differ from golden over all vectors, layers by
    type).
    """
    inputs, outputs = ports_of(read_description(export), graph)
    program = lower(export / f"{graph}.onnx", graph, inputs, outputs).program
    hardware = lower_integers(to_integers(model, inputs, outputs))
    apart = 0
    with np.load(export / f"{graph}.vectors.npz", allow_pickle=False) as vectors:
        for i in range(len(vectors[f"in.{inputs[0].name}"])):
            frame = {p.name: vectors[f"in.{p.name}"][i] for p in inputs}
            apart += compare(hardware, program, frame)[1]
    return apart, layer_counts(hardware)


def _compare(model: Any, export: Path, graph: str) -> dict[str, Any]:
    """Of CrossCheck, what concerns the streamlined graph."""
    from qonnx.core.onnx_exec import execute_onnx

    inputs, outputs = ports_of(read_description(export), graph)
    names = [v.name for v in model.graph.input]
    results = [v.name for v in model.graph.output]
    total, differing, worst = 0, 0, 0
    with np.load(export / f"{graph}.vectors.npz", allow_pickle=False) as vectors:
        examples = len(vectors[f"in.{inputs[0].name}"])
        for i in range(examples):
            feed = {
                n: p.decode(vectors[f"in.{p.name}"][i]) for n, p in zip(names, inputs, strict=True)
            }
            with quiet():
                found = execute_onnx(model, feed)
            for name, port in zip(results, outputs, strict=True):
                wanted = vectors[f"out.{port.name}"][i].astype(np.int64)
                gap = np.abs(port.encode(found[name]).astype(np.int64) - wanted)
                total, differing = total + gap.size, differing + int((gap > 0).sum())
                worst = max(worst, int(gap.max()))
    scales, floats = float_nodes(model)
    return {
        "elements": total,
        "differing": differing,
        "worst": worst,
        "nodes": len(model.graph.node),
        "thresholds": sum(n.op_type == "MultiThreshold" for n in model.graph.node),
        "scales": scales,
        "floats": floats,
    }


def float_nodes(model: Any) -> tuple[int, dict[str, int]]:
    """Returns (scales at outputs, float nodes elsewhere by operator): a node counts that reads or
    writes a non-integer datatype.
    """
    ends = {v.name for v in model.graph.output}
    starts = {v.name for v in model.graph.input}
    scales = 0
    floats: dict[str, int] = {}
    for node in model.graph.node:
        tensors = [t for t in (*node.input, *node.output) if t and t not in starts]
        kinds = {t: model.get_tensor_datatype(t) for t in tensors}
        if (
            node.op_type == "MultiThreshold"
        ):  # its thresholds and input may be float at a graph's edge or after the softmax
            kinds = {t: k for t, k in kinds.items() if t in node.output}
        if all(k.is_integer() for k in kinds.values()) or node.op_type in SOFTMAX:
            continue
        if node.op_type in ("Reshape", "Transpose", "Slice", "Resize"):  # carries what it is given
            continue
        if node.op_type == "Mul" and node.output[0] in ends:
            scales += 1
            continue
        readers = {n.op_type for n in model.find_consumers(node.output[0])}
        if node.op_type == "Mul" and readers and readers <= SOFTMAX:  # codes to values for the exp
            continue
        floats[node.op_type] = floats.get(node.op_type, 0) + 1
    return scales, dict(sorted(floats.items()))
