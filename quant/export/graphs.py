"""Export of a quantized tracker: its QONNX graphs, test vectors, host tables and a description,
all that lowering reads.

    <folder>/model.json              sizes, bank, ports of every graph
    <folder>/tables.npz              host tables, as codes
    <folder>/<graph>.onnx            QONNX, batch 1, memory attention at its greatest L
    <folder>/detector.npz            tables of the concept detector, and
    <folder>/vocabulary.npz          the phrases that it knows without an encoder, where it has one
    <folder>/<graph>.vectors.npz     in.<port>, out.<port>: codes (N, ...), by the Brevitas model
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import shutil
import tempfile
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from host.concepts.phrases import Phrases
from host.prompts import PROMPT_TOKENS
from host.spec import ModelSpec
from hw.spec.command_line import given_path, model_name
from hw.spec.dtypes import Arrays
from hw.spec.errors import SpecError
from hw.spec.manifest import VOCABULARY, graph_names
from quant.commands import exit_code
from quant.data.concepts.vocabulary import shipped_vocabulary
from quant.export.vectors import random_inputs
from quant.model.device import TorchDevice
from quant.model.provenance import encoder_hash
from quant.model.tracker import Tracker, load_checkpoint


def export_graphs(
    model: Tracker,
    folder: Path,
    inputs: dict[str, list[Arrays]] | None = None,
    *,
    examples: int = 2,
    seed: int = 0,
) -> Path:
    """Write the export folder of a calibrated, quantized model; replaces an older export of the
    same path.

    Args:
        inputs: examples to make test vectors from, by graph: codes by input port. Missing graphs
            get `examples`
            random plausible ones: rendered shapes carried through the model itself, seeded.

    Raises:
        SpecError: a float model.
    """
    if model.precision.is_float:
        raise SpecError(
            "a float model has no integer codes", "export the quantized checkpoint (w4a4)"
        )
    device = TorchDevice(model)
    spec = device.spec
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        cases = random_inputs(device, examples, seed) | (inputs or {})
        for graph in graph_names(spec.ports):
            _write_graph(model, graph, spec, scratch / f"{graph}.onnx")
            vectors: dict[str, Any] = _vectors(device, graph, cases[graph])
            np.savez_compressed(scratch / f"{graph}.vectors.npz", **vectors)
        np.savez_compressed(scratch / "tables.npz", **vars(spec.tables))
        if spec.detector is not None:
            np.savez_compressed(scratch / "detector.npz", **vars(spec.detector.tables))
            Phrases.build(shipped_vocabulary().phrases()).save(scratch / VOCABULARY)
        text = json.dumps(_description(spec) | {"trained": described(model)}, indent=1) + "\n"
        (scratch / "model.json").write_text(text, encoding="utf-8")
        os.chmod(scratch, 0o755)  # mkdtemp's is private
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def longest_memory(spec: ModelSpec) -> int:
    """L of a full bank: spatial memories of G*G tokens each, then pointers."""
    bank = spec.policy
    return (bank.recent + bank.prompted) * spec.coarse**2 + bank.obj_ptrs


def _vectors(device: TorchDevice, graph: str, cases: list[Arrays]) -> Arrays:
    ports = device.spec.ports[graph]
    answers = [device.run(graph, case) for case in cases]
    stacked = {f"in.{n}": np.stack([case[n] for case in cases]) for n in ports.inputs}
    return stacked | {f"out.{n}": np.stack([a[n] for a in answers]) for n in ports.outputs}


def _write_graph(model: Tracker, graph: str, spec: ModelSpec, path: Path) -> None:
    from brevitas.export import export_qonnx

    module = getattr(model, graph)
    length = longest_memory(spec)
    ports = spec.ports[graph].inputs
    sample = tuple(
        torch.zeros([length if n is None else n for n in ports[name].shape])
        for name in module.inputs
    )
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    # it warns that torchvision is missing, which nothing here uses
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            export_qonnx(
                module,
                args=sample,
                export_path=str(path),
                input_names=list(module.inputs),
                output_names=list(module.outputs),
            )
    finally:
        exporter.setLevel(level)
    _strip(path)


def _strip(path: Path) -> None:
    """Keep each node's module path; drop stack traces, which hold paths of this machine and are
    most of the file.
    """
    graph = onnx.load(path)
    for node in graph.graph.node:
        kept = [p for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        del value.metadata_props[:]
    for tensor in graph.graph.initializer:
        del tensor.metadata_props[:]
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    onnx.save(graph, path)


def described(model: Tracker) -> dict[str, dict[str, str]]:
    """What each part was trained on, by name; the tracker's encoder is known from its weights."""
    encoder = encoder_hash(model.image_encoder)
    parts = {"tracker": replace(model.trained, encoder=encoder).known()}
    if model.detector is not None:
        parts["detector"] = model.detector_trained.known()
    return parts


def _description(spec: ModelSpec) -> dict:
    concepts = {} if spec.detector is None else {"detector": asdict(spec.detector.sizes)}
    return {
        **concepts,
        "model": spec.name,
        "precision": spec.precision,
        "image_size": spec.image_size,
        "widths": {
            "C": spec.width,
            "Ck": spec.key_width,
            "Cv": spec.value_width,
            "P": PROMPT_TOKENS,
        },
        "bank": asdict(spec.policy),
        "graphs": {
            name: {
                "inputs": [p.to_json() for p in ports.inputs.values()],
                "outputs": [p.to_json() for p in ports.outputs.values()],
            }
            for name, ports in spec.ports.items()
        },
    }


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code, 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m quant.export", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--config", type=model_name, help="model size; checked against the checkpoint's"
    )
    parser.add_argument(
        "--checkpoint", type=given_path, help="default: quant/checkpoints/<config>_w4a4.safetensors"
    )
    parser.add_argument(
        "--detector", type=given_path, help="default: beside the checkpoint, where there is one"
    )
    parser.add_argument(
        "--no-detector", action="store_true", help="the tracker alone, whatever lies beside it"
    )
    parser.add_argument(
        "--out", type=given_path, help="export folder; default: build/export/<config>"
    )
    parser.add_argument("--examples", type=int, default=2, help="test vectors a graph")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    args = parser.parse_args(argv)

    def export() -> None:
        config = args.config or (None if args.checkpoint else "nano")
        checkpoint = args.checkpoint or Path("quant/checkpoints") / f"{config}_w4a4.safetensors"
        beside = checkpoint.with_name(checkpoint.name.replace("_", "_detector_"))
        detector = args.detector or (beside if beside.is_file() else None)
        model = load_checkpoint(checkpoint, config, None if args.no_detector else detector)
        out = args.out or Path("build/export") / model.config.name
        print(f"exported to {export_graphs(model, out, examples=args.examples)}")

    return exit_code(export, args.debug)
