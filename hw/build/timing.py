"""Static timing of a bundle's hardware: which clock it supports, and what binds, accelerator by
accelerator and as one system with its data mover.

    python -m hw.build.timing --config nano --board KV260 [--graph memory_attention] [--jobs 2]

Kernels are mapped by Yosys one by one, equal ones once, and kept; their timing models are wired as
the kernels are. Prints the worst paths, slack by kernel, nets of many loads and control sets, and
writes timing.json into the bundle. Exit code 3 where slack at the board's clock is negative.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from hw import board as boards
from hw.build.folded import Folded, refold
from hw.build.hardware import TOP, describe
from hw.build.progress import counted
from hw.build.resources import normal
from hw.design import Design
from hw.mover.mover import Mover
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import SamFabricError, SpecError
from hw.spec.files import atomic_path
from hw.spec.hardware import Hardware, newest
from hw.spec.manifest import load_manifest
from hw.stitch.system import System
from hw.stitch.system_text import board_ports
from hw.timing import accelerators, delays
from hw.timing.accelerators import SHELL
from hw.timing.alike import alike
from hw.timing.compose import Composed, compose
from hw.timing.delays import Delays
from hw.timing.graph import Path as TimingPath
from hw.timing.model import Model, of_netlist
from hw.timing.netlists import netlists

FILE = "timing.json"
PATHS = 10
SYSTEM = "system"
"""The whole system is called so where graphs are named."""
NEGATIVE = 3
"""The command's exit code where slack is negative."""


@dataclass(frozen=True)
class Timing:
    """The timing of one accelerator is that of its netlist, composed of its kernels' models; that
    of the whole system (graph SYSTEM) of all kernels' and its shell's.
    """

    graph: str
    composed: Composed
    kernels: Mapping[str, str]
    """Kernel by instance."""

    def worst_by_kernel(self) -> dict[str, TimingPath]:
        """Returns the longest path through any instance of each kernel."""
        best: dict[str, TimingPath] = {}
        for name, path in self.composed.by_instance.items():
            kernel = self.kernels[name]
            if kernel not in best or best[kernel].delay < path.delay:
                best[kernel] = path
        return best


def analyse(folded: Folded, graphs: Iterable[str], jobs: int = 2) -> list[Timing]:
    """Timing of accelerators, and of the whole system where these are all of them. Raises
    SynthesisError and TimingError.
    """
    family = folded.board.family
    table = delays.load(family)
    graphs = list(graphs)
    designs: dict[str, Design] = {}
    for graph in graphs:
        for name, kernel in folded.accelerators[graph].netlist.instances.items():
            designs[f"{graph}.{name}"] = normal(alike(kernel))
    every = {graph: a.netlist for graph, a in folded.accelerators.items()}
    whole = System(TOP, every, describe(folded, 0)) if set(graphs) == set(every) else None
    with tempfile.TemporaryDirectory(prefix="timing-") as folder:
        if whole is not None:
            designs[SHELL] = whole.shell(Path(folder))
        with counted("netlists", "kernels") as say:
            places = netlists(designs, family, jobs, say)
    made: dict[Path, Model] = {}
    for path in tqdm(sorted(set(places.values())), desc="models", disable=None):
        made[path] = of_netlist(path, table)
    found = []
    for graph in graphs:
        netlist = folded.accelerators[graph].netlist
        models = {name: made[places[f"{graph}.{name}"]] for name in netlist.instances}
        accelerators.check_ready(netlist, models)
        composed = compose(models, accelerators.nets(netlist), table, PATHS)
        found.append(Timing(graph, composed, {n: k.name for n, k in netlist.instances.items()}))
    if whole is not None:
        models = {name: made[path] for name, path in places.items()}
        nets = accelerators.whole_nets(every, inputs_of(whole.mover))
        kernels = {f"{g}.{n}": k.name for g in every for n, k in every[g].instances.items()}
        composed = compose(models, nets, table, PATHS)
        found.append(Timing(SYSTEM, composed, {**kernels, SHELL: "mover"}))
    return found


def inputs_of(mover: Mover) -> list[tuple[bool, str]]:
    """Returns, for each port of a system but its clock, whether it is an input, and its name."""
    ports = [port.split() for port in board_ports(mover)]
    return [(True, "rst"), *((words[0] == "input", words[-1]) for words in ports)]


def supported(found: Sequence[Timing], table: Delays) -> float:
    """Clock in MHz that all of them keep."""
    return table.mhz(max(t.composed.delay for t in found))


def verdict(found: Sequence[Timing], table: Delays, mhz: float) -> int:
    """Exit code: 0 where every accelerator keeps the clock."""
    return NEGATIVE if supported(found, table) < mhz else 0


def text(found: Sequence[Timing], table: Delays, mhz: float) -> str:
    """Returns what the command prints of the accelerators' timing at a clock."""
    lines = []
    for timing in found:
        whole = timing.composed
        slack = table.slack(whole.delay, mhz)
        lines += [
            f"{timing.graph}: {whole.delay:.2f} ns, slack {slack:+.2f} ns at {mhz:g} MHz, supports "
            f"{table.mhz(whole.delay):.0f} MHz",
            f"  {whole.model.flip_flops:,} flip-flops in {whole.model.control_sets:,} control sets",
            "  nets of most loads: "
            + ", ".join(f"{name} {loads:,.0f}" for name, loads in whole.model.fan_out),
            "  slack by kernel:",
        ]
        by_kernel = sorted(timing.worst_by_kernel().items(), key=lambda entry: -entry[1].delay)
        lines += [
            f"    {kernel:18}{table.slack(p.delay, mhz):+7.2f}  {p.start.name} -> {p.end.name}"
            for kernel, p in by_kernel
        ]
        lines.append(f"  worst {len(whole.paths)} paths:")
        for number, path in enumerate(whole.paths, 1):
            lines += _described(number, path, table.slack(path.delay, mhz))
    return "\n".join(lines)


def _described(number: int, path: TimingPath, slack: float) -> list[str]:
    lines = [f"  {number:2} {path.delay:6.2f} ns {slack:+.2f}  {path.levels} LUT levels"]
    for word, place in (("from", path.start), ("to", path.end)):
        lines.append(f"       {word:4} {place.name} ({place.kind}) {place.source}")
    if len(path.through) > 1:
        lines.append(f"       over {' > '.join(path.through)}")
    return lines


def save(folder: Path, found: Sequence[Timing], table: Delays, mhz: float) -> None:
    """Into the bundle, beside what is there of other graphs."""
    path = folder / FILE
    plain = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for timing in found:
        whole = timing.composed
        plain[timing.graph] = {
            "delay_ns": round(whole.delay, 3),
            "slack_ns": round(table.slack(whole.delay, mhz), 3),
            "supported_mhz": round(table.mhz(whole.delay), 1),
            "control_sets": whole.model.control_sets,
            "flip_flops": whole.model.flip_flops,
            "paths": [asdict(p) for p in whole.paths],
        }
    with atomic_path(path) as part:
        part.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> dict[str, float] | None:
    """Supported clocks by graph that were saved; None where none were."""
    path = folder / FILE
    if not path.is_file():
        return None
    plain = json.loads(path.read_text(encoding="utf-8"))
    return {graph: entry["supported_mhz"] for graph, entry in plain.items()}


def quoted(folder: Path, hardware: Hardware) -> tuple[float, str]:
    """Clock in MHz that frames a second are given at, the board's or what the analysis supports
    where that is less; and a sentence that says so.
    """
    clocks = load(folder)
    graphs = {g.name for g in hardware.graphs}
    if clocks is None or not graphs <= clocks.keys():
        return hardware.clock_mhz, (
            f"At {hardware.clock_mhz:g} MHz, which no timing analysis has confirmed: `make timing`."
        )
    every = [*sorted(graphs), *({SYSTEM} & clocks.keys())]
    slowest = min(every, key=lambda name: clocks[name])
    clock = min(hardware.clock_mhz, clocks[slowest])
    return clock, (
        f"At {clock:.0f} MHz: the timing analysis supports {clocks[slowest]:.0f} MHz (`{slowest}` "
        f"binds), the board's clock is to be {hardware.clock_mhz:g} MHz."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.build.timing", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=given_path, help="folder of make hardware")
    parser.add_argument(
        "--config", type=model_name, default="nano", help="else the newest bundle of a model (nano)"
    )
    parser.add_argument("--board", default="KV260", help="and of a board (KV260)")
    parser.add_argument("--graph", action="append", help="only this one; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="runs of Yosys at once (2)")
    given = parser.parse_args(arguments)
    try:
        bundle = given.bundle or newest(given.config, given.board)
        hardware = Hardware.load(bundle)
        board = boards.find(hardware.board)
        folded = refold(bundle, load_manifest(bundle), board)
        graphs = given.graph or list(folded.accelerators)
        for graph in graphs:
            if graph not in folded.accelerators:
                raise SpecError(f"graph {graph!r}", f"use {', '.join(folded.accelerators)}")
        found, table = analyse(folded, graphs, given.jobs), delays.load(board.family)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    save(bundle, found, table, board.target_mhz)
    print(text(found, table, board.target_mhz))
    clock = supported(found, table)
    print(f"{bundle.name}: the analysis supports {clock:.0f} MHz of {board.target_mhz:g} MHz")
    return verdict(found, table, board.target_mhz)


if __name__ == "__main__":
    sys.exit(main())
