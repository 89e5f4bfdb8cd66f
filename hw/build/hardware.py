"""Builds a bundle's hardware: folds the graphs for a board, stitches them into a system, lints it,
and writes everything that a simulator, Vivado and a host need.

    python -m hw.build.hardware --config nano --board KV260 [--fps 115] [--fps-four 60]
                                [--fold FILE] [--search]

The result is bitstreams/<model>_<board>_<hash8>/ with manifest, integer programs, hardware.json,
rtl/ (sources and ROM contents), foldings.toml and the layer table of `hw.build.report`. Prints its
folder. Exit code 2 on an error.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hw import board as boards
from hw.board import Board
from hw.build.folded import FOLDINGS, Folded, fold
from hw.build.overlay import located
from hw.build.rates import add_rates, asked
from hw.library import COMMON
from hw.search import store
from hw.search.target import Target
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import BundleError, SamFabricError
from hw.spec.hardware import FILE, GraphHardware, Hardware, StreamEnd
from hw.spec.manifest import MANIFEST, Manifest, load_manifest, write_manifest
from hw.stitch.accelerator import SETUP
from hw.stitch.system import System, at_ends

OUT = Path("bitstreams")
TOP = "samfabric"
RTL = "rtl"
EMULATED = "emulated"


def newest_source(config: str, folder: Path = OUT) -> Path:
    """The newest bundle of a model that has no hardware. Raises BundleError."""
    found = [path.parent for path in folder.glob(f"{config.lower()}_{EMULATED}_*/{MANIFEST}")]
    if not found:
        raise BundleError(f"no bundle of {config} in {folder}", f"run make bundle CONFIG={config}")
    return max(found, key=lambda path: path.stat().st_mtime)


def describe(folded: Folded, identity: int, sources: Sequence[str] = ()) -> Hardware:
    """Returns what the host must know of the hardware, as hardware.json has it."""
    graphs = []
    for index, (name, made) in enumerate(folded.accelerators.items()):
        plan = folded.plans[name]
        graph = GraphHardware(name, index, made.inputs, made.outputs, plan.cycles)
        if made.setup:
            end = StreamEnd(SETUP, SETUP, len(made.inputs), len(made.setup))
            graph = replace(graph, setup=end, setup_file=f"{RTL}/{name}.weights.bin")
        graphs.append(graph)
    board = folded.board
    given = Hardware(
        board.name, board.part, board.target_mhz, identity, TOP, tuple(sources), tuple(graphs)
    )
    netlists = {graph: a.netlist for graph, a in folded.accelerators.items()}
    return located(at_ends(given, netlists, board.hp_bits // 8), board)


def write_rtl(folded: Folded, folder: Path) -> Hardware:
    """Sources and ROM contents of the system into `folder`/rtl, hardware.json beside it."""
    rtl = folder / RTL
    rtl.mkdir(parents=True, exist_ok=True)
    netlists = {graph: a.netlist for graph, a in folded.accelerators.items()}
    # The identity is of all that the system computes, so it cannot be of a text that holds it.
    with tempfile.TemporaryDirectory(prefix="samfabric-rtl-") as name:
        hardware = describe(folded, 0)
        identity = int(System(TOP, netlists, hardware).design(Path(name)).digest()[:8], 16)
        hardware = replace(hardware, identity=identity)
        design = System(TOP, netlists, hardware).design(Path(name))
        named = []
        for path in (*design.files, *sorted(COMMON.glob("*.svh"))):
            shutil.copyfile(path, rtl / path.name)
            named.append(f"{RTL}/{path.name}")
        memories = design.write_memories(rtl)
    named += [f"{RTL}/{Path(path).name}" for path in memories.values()]
    for graph in hardware.graphs:
        if graph.setup_file:
            (folder / graph.setup_file).write_bytes(folded.accelerators[graph.name].setup)
            named.append(graph.setup_file)
    hardware = replace(hardware, sources=tuple(named))
    hardware.save(folder)
    return hardware


def build(
    source: Path,
    board: Board,
    target: Target,
    out: Path = OUT,
    override: Path | None = None,
    search: bool = False,
    strict: bool = True,
    detector: bool = True,
) -> Path:
    """The bundle's folder; built aside, then renamed. strict: refuse what does not fit the board or
    cannot keep the rate. detector: build it where the model has one, else the tracker alone.

    Raises SamFabricError of the step that failed.
    """
    manifest = load_manifest(source)
    if not detector:
        manifest = manifest.without_detector()
    folded = fold(source, manifest, board, target, override, search)
    if strict:
        folded.check(target)
    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".hardware-", dir=out))
    try:
        for name in (*manifest.hashes, *manifest.files):
            if (source / name).is_file():
                shutil.copyfile(source / name, scratch / name)
        hardware = write_rtl(folded, scratch)
        store.save(scratch / FOLDINGS, folded.stored)
        extra = [n for n in manifest.hashes if n not in manifest.files]
        made: Manifest = write_manifest(
            scratch, manifest, extra=(*extra, FILE, FOLDINGS, *hardware.sources)
        )
        folder = out / f"{made.model}_{board.name}_{made.digest}"
        os.chmod(scratch, 0o755)
        if not (folder / MANIFEST).is_file():
            os.replace(scratch, folder)
        os.utime(folder / FILE)  # the newest of its kind now
        return folder
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.build.hardware", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--config", type=model_name, default="nano", help="model size (nano)")
    parser.add_argument("--board", default="KV260", help=f"{', '.join(boards.names())} (KV260)")
    parser.add_argument(
        "--source", type=given_path, help="emulated bundle (the newest of the config)"
    )
    add_rates(parser)
    parser.add_argument(
        "--fold", type=given_path, help="TOML file of foldings that go before the stored"
    )
    parser.add_argument("--search", action="store_true", help="search foldings again")
    parser.add_argument(
        "--no-detector", action="store_true", help="the tracker alone, of a model with a detector"
    )
    parser.add_argument("--any", action="store_true", help="build even what does not fit the board")
    parser.add_argument("--out", type=given_path, default=OUT, help=f"folder of bundles ({OUT})")
    given = parser.parse_args(arguments)
    try:
        board = boards.find(given.board)
        source = given.source or newest_source(given.config, given.out)
        manifest = load_manifest(source)
        if given.no_detector:
            manifest = manifest.without_detector()
        target = asked(board, manifest, given)
        folder = build(
            source,
            board,
            target,
            given.out,
            given.fold,
            given.search,
            strict=not given.any,
            detector=not given.no_detector,
        )
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
