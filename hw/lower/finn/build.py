"""FINN's own dataflow build of the same graphs for a board: what `BACKEND=finn` means.

    python -m hw.lower.finn.build --export build/export/nano --board kv260 --out build/finn/nano

A folder a graph: the hardware graph, the specialised graph with FINN's build configuration, the
folding, layers by FINN's names, and estimates. This project's layers are HLS layers like FINN's.
What is left to do with Vivado and Vitis HLS is in the README.md that it writes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.board import Board, find
from hw.lower.bundle import ports_of, read_description
from hw.lower.errors import LoweringError
from hw.lower.finn.cppsim import own_layers_in_hls
from hw.lower.finn.folding import Folding, fold
from hw.lower.finn.hardware import hardware_graph, layer_counts
from hw.lower.finn.options import command_line
from hw.lower.finn.readme import readme
from hw.lower.finn.runtime import declare_domains, prepare, quiet
from hw.lower.lower import lower
from hw.ops.program import Program
from hw.spec.command_line import given_path
from hw.spec.errors import SamFabricError
from hw.spec.manifest import graph_names
from hw.spec.plain import read_json

CONFIG, MODEL, FOLDING, LAYERS = (
    "dataflow_build_config.json",
    "model.onnx",
    "folding_config.json",
    "layers.json",
)
STEPS = (
    "hw.lower.finn.ops.step_know_layers",
    "step_create_dataflow_partition",
    "step_apply_folding_config",
    "step_generate_estimate_reports",
    "step_generate_hardware",
    "step_create_stitched_ip",
)
"""The steps of FINN's builder, in its order, after what is done here: conversion and
specialisation. The first makes this project's layers known to it.
"""
COUNTED = ("LUT", "DSP", "BRAM_18K", "URAM")


@dataclass(frozen=True)
class GraphBuild:
    """One graph of the build: layers by type in HLS or RTL; resources by FINN's estimate and, for
    this project's layers, their kernels'; cycles of the slowest layer a frame.
    """

    graph: str
    layers: dict[str, int]
    resources: dict[str, int]
    cycles: int
    slowest: str


def write_build(
    export: Path,
    out: Path,
    board: Board,
    *,
    graphs: Sequence[str] | None = None,
    folding: Mapping[str, Folding] | None = None,
    clock_mhz: float = 0,
) -> tuple[GraphBuild, ...]:
    """Write FINN's build of an export folder's graphs into `out`, built aside, then renamed.

    graphs: all by default. folding: {graph: {layer: {"PE": n, "SIMD": n}}}, 1 where nothing is
    said. clock_mhz: 0 is the board's. Raises LoweringError, see `hardware_graph` and `fold`, and
    where `out` exists but was not written by this function.
    """
    prepare()
    plain = read_description(export)
    known = graph_names(plain["graphs"])
    unknown = set(folding or {}) - set(known)
    if unknown:
        raise LoweringError(min(unknown), "folding", "no such graph", f"use {', '.join(known)}")
    if out.exists() and not (out / "README.md").is_file():
        raise LoweringError(str(out), "folder", "exists and is no earlier build", "name another")
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".finn-", dir=out.parent))
    clock = clock_mhz or board.target_mhz
    try:
        built = []
        for name in graphs or known:
            program = lower(export / f"{name}.onnx", name, *ports_of(plain, name)).program
            plan = (folding or {}).get(name, {})
            with quiet():
                built.append(_graph(program, scratch / name, board, clock, plan))
        text = readme(plain["model"], board, clock, built)
        (scratch / "README.md").write_text(text, encoding="utf-8")
        os.chmod(scratch, 0o755)  # mkdtemp's is private
        shutil.rmtree(out, ignore_errors=True)
        os.replace(scratch, out)
        return tuple(built)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _graph(program: Program, folder: Path, board: Board, clock: float, plan: Folding) -> GraphBuild:
    folder.mkdir(parents=True)
    model = hardware_graph(program)
    applied = fold(model, plan)
    model.save(str(folder / "hardware.onnx"))
    _json(folder / "folding.json", {k: v for k, v in applied.items() if v})
    special, names = specialize(model, board.part)
    special.save(str(folder / MODEL))
    _json(folder / LAYERS, names)
    numbers = {finn: applied[layer] for finn, layer in names.items() if applied[layer]}
    _json(folder / FOLDING, {"Defaults": {}, **numbers})
    _json(folder / CONFIG, build_config(board, clock))
    layers = {names[n.name]: _entry(n, board.part) for n in special.graph.node}
    total = {k: int(sum(v["resources"][k] for v in layers.values())) for k in COUNTED}
    slowest = max(layers, key=lambda k: layers[k]["cycles"])
    cycles = layers[slowest]["cycles"]
    _json(folder / "estimates.json", {"total": total, "cycles": cycles, "layers": layers})
    return GraphBuild(program.graph, layer_counts(special), total, cycles, slowest)


def specialize(model: Any, fpga: str) -> tuple[Any, dict[str, str]]:
    """FINN's choice of HLS or RTL for a device, this project's layers in HLS, named as FINN's
    builder names layers, and {that name: layer}. The builder renames every layer in the order of
    the graph, and its files and modules carry those names.
    """
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.general import GiveUniqueNodeNames

    layers = {n.output[0]: n.name for n in model.graph.node}
    special = own_layers_in_hls(model.transform(SpecializeLayers(fpga)))
    special = special.transform(GiveUniqueNodeNames())
    declare_domains(special)
    return special, {n.name: layers[n.output[0]] for n in special.graph.node}


def build_config(board: Board, clock: float) -> dict[str, Any]:
    """FINN's DataflowBuildConfig of a graph, as it reads it from JSON."""
    from finn.util.basic import part_map

    known = [name for name, fpga in part_map.items() if fpga == board.part]
    known.sort(key=lambda name: not name.lower().startswith(board.name.lower()))
    return {
        "model_path": MODEL,
        "output_dir": "build",
        "synth_clk_period_ns": round(1000 / clock, 3),
        "board": known[0] if known else None,  # same device, perhaps another board
        "fpga_part": board.part,
        "folding_config_file": FOLDING,
        "standalone_thresholds": True,
        "minimize_bit_width": False,
        "steps": list(STEPS),
        "generate_outputs": ["estimate_reports", "stitched_ip"],
        "save_intermediate_models": True,
    }


def _entry(node: Any, fpga: str) -> dict[str, Any]:
    from qonnx.custom_op.registry import getCustomOp

    op = getCustomOp(node)
    found = op.node_res_estimation(fpga)
    resources = {k: round(float(found[k])) for k in COUNTED}
    return {"type": node.op_type, "cycles": int(op.get_exp_cycles()), "resources": resources}


def _json(path: Path, plain: Any) -> None:
    path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code, 2 on bad input."""
    parser = command_line("hw.lower.finn.build", __doc__.split("\n")[0])
    parser.add_argument("--board", required=True, help="a board of hw/boards")
    parser.add_argument("--out", type=given_path, help="default: build/finn/<export>_<board>")
    parser.add_argument("--folding", type=given_path, help="JSON {graph: {layer: {PE, SIMD}}}")
    parser.add_argument("--clock-mhz", type=float, default=0, help="default: the board's")
    args = parser.parse_args(argv)
    try:
        board = find(args.board)
        plan = read_json(args.folding) if args.folding else None
        out = args.out or Path("build/finn") / f"{args.export.name}_{args.board}"
        built = write_build(
            args.export,
            out,
            board,
            graphs=args.graph,
            folding=plan,
            clock_mhz=args.clock_mhz,
        )
    except (SamFabricError, OSError, ValueError) as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    for b in built:
        kinds = ", ".join(f"{n} {k}" for k, n in b.layers.items())
        figures = ", ".join(f"{n} {k}" for k, n in b.resources.items())
        print(f"{b.graph}: {kinds}")
        print(f"  {figures}; {b.cycles} cycles a frame in {b.slowest}")
    print(f"written to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
