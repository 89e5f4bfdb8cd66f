"""The report of a bundle's hardware: what each layer takes and how long, what binds, what rate that
gives. `report.md` with pictures beside it.

    python -m hw.build.report --bundle bitstreams/<model>_<board>_<hash> [--no-synthesis]

Reads what the host's verification left (simulated.json), synthesises every kernel with Yosys where
that was not done before. Exit code 1 where the synthesised system does not fit the board's budget.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from hw import board as boards
from hw.build import pictures, resources
from hw.build.folded import SHELL, Folded, refold
from hw.build.resources import GLUE, ByLayer
from hw.fold.search import ONCE
from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path
from hw.spec.hardware import Hardware, newest
from hw.spec.kernel import Cost
from hw.spec.manifest import load_manifest

NAME = "report.md"
SIMULATED = "simulated.json"
RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")


def simulated(folder: Path) -> dict[str, dict[str, int]]:
    """By graph the run of the greatest length: cycles, length, codes, differing."""
    path = folder / SIMULATED
    found: dict[str, dict[str, int]] = {}
    if path.is_file():
        for run in json.loads(path.read_text(encoding="utf-8")):
            best = found.get(run["graph"])
            if best is None or run["length"] >= best["length"]:
                found[run["graph"]] = run
    return found


def text(folder: Path, folded: Folded, found: ByLayer, measured: bool) -> str:
    """The report in Markdown."""
    hardware, runs = Hardware.load(folder), simulated(folder)
    lines = [f"# {folder.name}", ""]
    lines += [
        f"Hardware of `{load_manifest(folder).model}` for {hardware.board} ({hardware.part}) at "
        f"{hardware.clock_mhz:g} MHz, identity {hardware.identity:#010x}. Made by "
        "`make hardware`; no vendor tool has seen it.",
        "",
    ]
    lines += _rates(folded, hardware, runs)
    lines += _accelerators(folded, found, runs, measured)
    lines += _utilisation(folded, found)
    lines += ["![Utilisation](utilisation.png)", "", "![Where the time goes](time.png)", ""]
    lines += _sharing(folded)
    for graph in folded.plans:
        lines += _layers(folded, graph, found.get(graph, {}))
    return "\n".join(lines) + "\n"


def _rates(folded: Folded, hardware: Hardware, runs: dict[str, dict[str, int]]) -> list[str]:
    cycles = {g: runs[g]["cycles"] if g in runs else p.cycles for g, p in folded.plans.items()}
    source = "simulated" if len(runs) == len(folded.plans) else "estimated"
    lines = ["## Frames a second", ""]
    lines += [f"From {source} cycles with a full memory bank, accelerators one after another.", ""]
    lines += ["| objects | cycles a frame | frames/s |", "|---:|---:|---:|"]
    for objects in (1, 4):
        total = sum(n * (1 if g == ONCE else objects) for g, n in cycles.items())
        lines.append(f"| {objects} | {total:,} | {hardware.clock_mhz * 1e6 / total:.1f} |")
    slowest = max(folded.plans, key=lambda g: cycles[g])
    plan = folded.plans[slowest]
    binding = max(plan.blocks.values(), key=lambda b: b.interval).layer.name
    lines += ["", f"`{slowest}` takes longest; in it `{binding}` sets the pace.", ""]
    return lines


def _accelerators(
    folded: Folded, found: ByLayer, runs: dict[str, dict[str, int]], measured: bool
) -> list[str]:
    how = "Yosys" if measured else "cost models"
    lines = ["## Accelerators", "", f"Resources by {how}, kernel by kernel, summed.", ""]
    lines += [
        "| graph | cycles estimated | simulated | off by | codes differing | LUT | FF | DSP "
        "| BRAM18 | URAM | MMAC | MAC/DSP/cycle |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for graph, plan in folded.plans.items():
        total = sum(found.get(graph, {}).values(), Cost())
        macs = sum(x.macs for x in plan.dataflow.layers)
        run = runs.get(graph)
        cells = [graph, f"{plan.cycles:,}", "-", "-", "-"]
        cycles = plan.cycles
        if run:
            cycles = run["cycles"]
            off = plan.cycles / cycles - 1
            cells[2:] = [f"{cycles:,}", f"{off:+.1%}", f"{run['differing']} of {run['codes']:,}"]
        cells += [f"{getattr(total, r):,.0f}" for r in RESOURCES]
        cells += [f"{macs / 1e6:.1f}", f"{macs / cycles / max(total.dsp, 1):.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _utilisation(folded: Folded, found: ByLayer) -> list[str]:
    total = whole(found)
    have, budget = folded.board.resources, folded.board.budget()
    lines = ["## Utilisation", ""]
    lines += [
        f"The shell (DMA, interconnect) is taken to be {SHELL.lut:,.0f} LUT, {SHELL.ff:,.0f} FF, "
        f"{SHELL.bram18} BRAM18. The budget is what still places and routes at speed.",
        "",
        "| resource | used | budget | device | of budget |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in RESOURCES:
        used, most, all_ = (getattr(c, name) for c in (total, budget, have))
        share = f"{used / most:.0%}" if most else "-"
        lines.append(f"| {name} | {used:,.0f} | {most:,} | {all_:,} | {share} |")
    return [*lines, ""]


def _sharing(folded: Folded) -> list[str]:
    return [
        "## What is shared",
        "",
        "Every layer has hardware of its own: with requantizers in DSPs a layer's control is small "
        "beside its memories, which sharing would not save. The accelerators share stream channels "
        "and the memory port, and run one at a time. Inputs that two far-apart layers read are sent"
        " twice rather than kept.",
        "",
    ]


def _layers(folded: Folded, graph: str, costs: dict[str, Cost]) -> list[str]:
    plan = folded.plans[graph]
    lines = [f"## Layers of {graph}", ""]
    lines += [
        "| layer | kind | PE | SIMD | lanes | cycles | done at | MMAC | LUT | FF | DSP | BRAM18 "
        "| URAM |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, block in plan.blocks.items():
        f, layer = block.folding, block.layer
        cost = costs.get(name, Cost())
        end = plan.times[layer.output.name].end
        cells = [name, type(layer).__name__, str(f.PE), str(f.SIMD), str(f.lanes)]
        cells += [f"{block.interval:,}", f"{end:,}", f"{layer.macs / 1e6:.2f}"]
        cells += [f"{getattr(cost, r):,.0f}" for r in RESOURCES]
        lines.append(f"| {' | '.join(cells)} |")
    glue = costs.get(GLUE, Cost())
    cells = [f"{getattr(glue, r):,.0f}" for r in RESOURCES]
    lines.append(f"| forks, converters, FIFOs | | | | | | | | {' | '.join(cells)} |")
    return [*lines, ""]


def whole(found: ByLayer) -> Cost:
    """Of the device, shell included."""
    return sum((c for layers in found.values() for c in layers.values()), SHELL)


def write(folder: Path, synthesis: bool = True) -> bool:
    """Writes the report and its pictures; True where the whole fits the budget."""
    hardware = Hardware.load(folder)
    folded = refold(folder, load_manifest(folder), boards.find(hardware.board))
    found = resources.load(folder)
    if found is None and synthesis:
        with tqdm(desc="synthesis", unit=" kernels") as bar:

            def say(done: int, count: int) -> None:
                bar.total = count
                bar.update(done - bar.n)

            found = resources.synthesise(folded, say=say)
        resources.save(folder, found)
    costs = found or resources.modelled(folded)
    pictures.utilisation(folder / "utilisation.png", folded.board, costs)
    pictures.time(folder / "time.png", folded.plans)
    with atomic_path(folder / NAME) as part:
        part.write_text(text(folder, folded, costs, found is not None), encoding="utf-8")
    total, budget = whole(costs), folded.board.budget()
    return all(getattr(total, r) <= getattr(budget, r) for r in RESOURCES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.build.report", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=Path, help="folder of make hardware")
    parser.add_argument("--config", default="nano", help="else the newest bundle of a model (nano)")
    parser.add_argument("--board", default="KV260", help="and of a board (KV260)")
    parser.add_argument(
        "--no-synthesis", action="store_true", help="resources by the cost models, in seconds"
    )
    given = parser.parse_args(arguments)
    try:
        bundle = given.bundle or newest(given.config, given.board)
        fits = write(bundle, not given.no_synthesis)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(bundle / NAME)
    if not fits:
        print(f"{parser.prog}: it does not fit the budget, see the report", file=sys.stderr)
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
