"""`python -m tests.hls.beside_rtl`: the HLS top functions and the RTL accelerators of one bundle,
on the same recorded frame, byte by byte.

    python -m tests.hls.beside_rtl --config nano --board KV260 [--graph memory_encoder]

A graph's call is what a session with a full memory bank asked of the golden device. Verilator
compiles the system first, of the named graphs alone, which takes minutes for the greater models.
Exit code 0 when no byte differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from host.devices.csim import CsimDevice
from host.devices.driver import Driver
from host.devices.rtl import RtlTransport
from hw import board as boards
from hw.build.folded import refold
from hw.build.hardware import build, newest_source, write_rtl
from hw.hls import project
from hw.search.target import Target
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.hardware import FILE, Hardware
from hw.spec.manifest import load_manifest, rehash
from sim.rtl.bundle import open_bundle
from tests.board.prepare import golden_calls

ANY_RATE = Target(1e12, 1e12, 1e12)
FULL = 12
"""Frames that fill a memory bank."""


@dataclass(frozen=True)
class Beside:
    """One call of a graph: bytes of all outputs, those that differ between HLS and RTL and between
    RTL and golden, the RTL's clock cycles.
    """

    graph: str
    bytes: int
    differing: int
    from_golden: int
    cycles: int


def bundle_of(config: str, board: str, folder: Path, graphs: Collection[str] = ()) -> Path:
    """A bundle with both back ends' sources of a shipped model, of some of its graphs."""
    found = boards.find(board)
    bundle = build(newest_source(config), found, ANY_RATE, folder, strict=False)
    folded = refold(bundle, load_manifest(bundle), found)
    if unknown := set(graphs) - set(folded.accelerators):
        known = ", ".join(folded.accelerators)
        raise SpecError(f"{config} has no graph {min(unknown)}", f"choose among {known}")
    chosen = {k: v for k, v in folded.accelerators.items() if not graphs or k in graphs}
    hardware = write_rtl(replace(folded, accelerators=chosen), bundle)
    project.write(bundle, hardware, {graph: made.netlist for graph, made in chosen.items()})
    sources = [f"{project.FOLDER}/{graph}/{graph}_hls.cpp" for graph in chosen]
    rehash(bundle, FILE, *hardware.files, *sources)
    return bundle


def beside(bundle: Path, frames: int = FULL) -> Iterator[Beside]:
    """Runs the last recorded call of each graph of the hardware in both forms."""
    last = {call.graph: call for call in golden_calls(bundle, frames, 1)}
    hls = CsimDevice(bundle)
    hardware = Hardware.load(bundle)
    ports = {graph.name: hls.spec.ports[graph.name] for graph in hardware.graphs}
    system = open_bundle(bundle, hardware, lambda done, count: None)
    rtl = Driver(RtlTransport(system), hardware, ports, bundle)
    try:
        for graph in ports:
            call = last[graph]
            ours = {k: v.tobytes() for k, v in hls.run(graph, call.inputs).items()}
            outputs, cycles = rtl.run(graph, call.inputs)
            theirs = {k: v.tobytes() for k, v in outputs.items()}
            golden = {k: v.tobytes() for k, v in call.outputs.items()}
            assert ours.keys() == theirs.keys() == golden.keys()
            yield Beside(
                graph,
                sum(map(len, theirs.values())),
                sum(_differing(ours[k], v) for k, v in theirs.items()),
                sum(_differing(golden[k], v) for k, v in theirs.items()),
                cycles,
            )
    finally:
        rtl.shut()


def _differing(a: bytes, b: bytes) -> int:
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hls.beside_rtl",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default="tiny", help="a shipped model (%(default)s)")
    parser.add_argument("--board", default="KV260", help="whose folding (%(default)s)")
    parser.add_argument("--graph", action="append", default=[], help="default: all")
    given = parser.parse_args(arguments)
    table = Table("graph", "bytes", "HLS from RTL", "RTL from golden", "cycles in RTL")
    table.title = f"HLS beside RTL: {given.config} on {given.board}"
    same = True
    try:
        with tempfile.TemporaryDirectory(prefix="samfabric-beside-") as folder:
            bundle = bundle_of(given.config, given.board, Path(folder), given.graph)
            for done in beside(bundle):
                counts = (done.bytes, done.differing, done.from_golden, done.cycles)
                table.add_row(done.graph, *(f"{n:,}" for n in counts))
                same &= done.differing == 0
    except SamFabricError as error:
        print(error, file=sys.stderr)
        return 2
    Console().print(table)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
