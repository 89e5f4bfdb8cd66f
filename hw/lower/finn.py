"""Cross-check by FINN: its conversion and streamlining of each exported graph, executed beside
the Brevitas model's answers.

The integer programs of this project are lowered by `hw.lower.lower`, not by FINN; what FINN makes
of the same file by transformations of its own is an independent witness that the model consists
of integers. Only this file imports finn.

    python -m hw.lower.finn --export DIR [--graph image_encoder]
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import logging
import os
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hw.lower.bundle import ports_of, read_description
from hw.lower.errors import LoweringError
from hw.spec.errors import SamFabricError
from hw.spec.manifest import GRAPHS

VERSION = 2  # of the recipe below: part of the cache's key
# What may stay in floats: the softmax around its exact integer products, and one scale an output.
SOFTMAX = frozenset({"Exp", "Div", "ReduceSum", "ReduceMax", "Sub", "Relu", "Softmax"})


@dataclass(frozen=True)
class CrossCheck:
    """One graph under FINN.

    elements, differing, worst: over all outputs and examples, in codes. floats: float nodes
    outside the softmax, by operator, final scales left out. scales: final scales. nodes: nodes of
    the streamlined graph.
    """

    graph: str
    elements: int
    differing: int
    worst: int
    nodes: int
    thresholds: int
    scales: int
    floats: dict[str, int]
    seconds: float


def streamline(path: Path):
    """The streamlined graph of a QONNX file, as a qonnx ModelWrapper."""
    with _quiet():
        from finn.util.settings import initialize_dummy_settings

        initialize_dummy_settings()
        from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
        from finn.transformation.streamline.streamline_plus import StreamlinePlus
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.fold_constants import FoldConstants
        from qonnx.transformation.general import (
            GiveReadableTensorNames,
            GiveUniqueNodeNames,
            GiveUniqueParameterTensors,
        )
        from qonnx.transformation.infer_datatypes import InferDataTypes
        from qonnx.transformation.infer_shapes import InferShapes

        model = ModelWrapper(str(path))
        for step in (
            InferShapes(),
            # The exporter shares equal constants, and FINN's passes rewrite constants in place.
            GiveUniqueParameterTensors(),
            FoldConstants(),
            GiveUniqueNodeNames(),
            GiveReadableTensorNames(),
            InferDataTypes(),
            ConvertQONNXtoFINN(),
        ):
            model = model.transform(step)
        _name_layouts(model)
        return model.transform(_without_transposes(StreamlinePlus()))


def _name_layouts(model) -> None:
    """Layout inference guesses NHWC from the attention's transposes; channels are axis 1 in every
    map of these graphs.
    """
    from qonnx.custom_op.registry import getCustomOp

    for node in model.get_nodes_by_op_type("MultiThreshold"):
        if len(model.get_tensor_shape(node.input[0])) == 4:
            getCustomOp(node).set_nodeattr("data_layout", "NCHW")


def _without_transposes(composed):
    """StreamlinePlus without MoveTransposePastEltwise.

    A graph that ends in Transpose -> Mul never settles with it: it moves the transpose past the
    scale and MoveScalarLinearPastInvariants moves the scale back past the transpose. It serves
    lowered convolutions, of which there are none yet.
    """
    kept = []
    for step in composed.transformations:
        if hasattr(step, "transformations"):
            step = _without_transposes(step)
        if type(step).__name__ != "MoveTransposePastEltwise":
            kept.append(step)
    composed.transformations = kept
    return composed


def cross_check(export: Path, graph: str, cache: Path = Path("build/finn")) -> CrossCheck:
    """Streamline one graph and compare it with the test vectors; kept under `cache` by the hash
    of its inputs.

    Raises LoweringError when finn is not installed or its passes fail on the graph.
    """
    source, vectors = export / f"{graph}.onnx", export / f"{graph}.vectors.npz"
    key = hashlib.sha256(str(VERSION).encode())
    for file in (source, vectors):
        if not file.is_file():
            raise LoweringError(graph, "graph", f"{file} is missing", "run quant.export first")
        key.update(file.read_bytes())
    stored = cache / f"{graph}_{key.hexdigest()[:16]}.json"
    if stored.is_file():
        return CrossCheck(**json.loads(stored.read_text(encoding="utf-8")))
    start = time.perf_counter()
    try:
        model = streamline(source)
        result = _compare(model, export, graph, start)
    except ImportError as error:
        raise LoweringError(graph, "finn", f"cannot be imported: {error}", "make setup") from error
    cache.mkdir(parents=True, exist_ok=True)
    scratch = stored.with_suffix(".partial")
    scratch.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    model.save(str(stored.with_suffix(".onnx")))
    os.replace(scratch, stored)
    return result


def _compare(model, export: Path, graph: str, start: float) -> CrossCheck:
    from qonnx.core.onnx_exec import execute_onnx

    inputs, outputs = ports_of(read_description(export), graph)
    names = [v.name for v in model.graph.input]
    results = [v.name for v in model.graph.output]
    total, differing, worst = 0, 0, 0
    with np.load(export / f"{graph}.vectors.npz") as vectors:
        examples = len(vectors[f"in.{inputs[0].name}"])
        for i in range(examples):
            feed = {
                n: p.decode(vectors[f"in.{p.name}"][i]) for n, p in zip(names, inputs, strict=True)
            }
            with _quiet():
                found = execute_onnx(model, feed)
            for name, port in zip(results, outputs, strict=True):
                wanted = vectors[f"out.{port.name}"][i].astype(np.int64)
                gap = np.abs(port.encode(found[name]).astype(np.int64) - wanted)
                total, differing = total + gap.size, differing + int((gap > 0).sum())
                worst = max(worst, int(gap.max()))
    scales, floats = float_nodes(model)
    thresholds = sum(n.op_type == "MultiThreshold" for n in model.graph.node)
    seconds = round(time.perf_counter() - start, 1)
    nodes = len(model.graph.node)
    return CrossCheck(graph, total, differing, worst, nodes, thresholds, scales, floats, seconds)


def float_nodes(model) -> tuple[int, dict[str, int]]:
    """(scales at outputs, float nodes elsewhere by operator): a node counts that reads or writes
    a non-integer datatype.
    """
    ends = {v.name for v in model.graph.output}
    starts = {v.name for v in model.graph.input}
    scales, floats = 0, {}
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


@contextlib.contextmanager
def _quiet():
    """finn and qonnx print and warn at every pass."""
    logging.getLogger().setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def main(argv: list[str] | None = None) -> int:
    """Command line; exit code 1 when an element differs, 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.lower.finn", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--graph", choices=GRAPHS, action="append", help="default: all four")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    args = parser.parse_args(argv)
    exact = True
    try:
        for graph in args.graph or GRAPHS:
            r = cross_check(args.export, graph)
            exact &= r.differing == 0
            print(
                f"{r.graph}: {r.differing} of {r.elements} codes differ (at most by {r.worst}); "
                f"{r.thresholds} threshold nodes of {r.nodes}, {r.scales} final scales, "
                f"float elsewhere: {r.floats or 'none'}; {r.seconds} s"
            )
    except SamFabricError as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
