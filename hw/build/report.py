"""The report of a bundle's hardware: what each layer takes and how long, what binds, what rate that
gives. `report.md` with pictures beside it.

    python -m hw.build.report --bundle bitstreams/<model>_<board>_<hash> [--no-synthesis]
                              [--fps 115] [--fps-four 60] [--fps-eight 30]

Reads what the host's verification left (simulated.json), synthesises every kernel with Yosys where
that was not done before. Exit code 1 where the synthesised system does not fit the board's budget
or does not keep the rates.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path

from hw import board as boards
from hw.build import backends, pictures, resources, timing
from hw.build.folded import Folded, refold
from hw.build.markdown import wrapped
from hw.build.progress import counted
from hw.build.rates import add_rates, asked
from hw.build.resources import GLUE, ByLayer
from hw.build.whole_system import section
from hw.search.target import Target, at_once, bounds
from hw.spec.command_line import given_path, model_name
from hw.spec.errors import BundleError, SamFabricError
from hw.spec.files import atomic_path
from hw.spec.hardware import Hardware, newest
from hw.spec.kernel import Cost
from hw.spec.manifest import DETECTOR, load_manifest
from hw.spec.plain import read_json

NAME = "report.md"
PICTURES = ("utilisation.png", "time.png")
SIMULATED = "simulated.json"
EVERY = (1, 4, 8, 16)
"""Frames between two looks of the detector that rates are given for."""
SEVERAL = (4, 8)
"""Objects that rates are given for where each is read in a window of its own."""
OF_WINDOWS = (
    "Objects share one run of the image encoder on the whole frame (`--whole-frame`); in windows "
    "of their own, as the model looks for them unless told otherwise, it runs once an object."
)
RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")


def simulated(folder: Path) -> dict[str, dict[str, int]]:
    """By graph the run of the greatest length: cycles, length, codes, differing."""
    path = folder / SIMULATED
    found: dict[str, dict[str, int]] = {}
    if path.is_file():
        try:
            for run in read_json(path):
                best = found.get(run["graph"])
                if best is None or run["length"] >= best["length"]:
                    found[run["graph"]] = run
        except (OSError, ValueError, OverflowError, TypeError, KeyError) as error:
            raise BundleError(f"{path} is damaged ({error})", "run host verify again") from error
    return found


def text(folder: Path, folded: Folded, found: ByLayer, measured: bool, target: Target) -> str:
    """Returns the report of a bundle's hardware in Markdown."""
    hardware, runs = Hardware.load(folder), simulated(folder)
    lines = [f"# {folder.name}", ""]
    lines += [
        f"Hardware of `{load_manifest(folder).model}` for {hardware.board} ({hardware.part}) at "
        f"{hardware.clock_mhz:g} MHz, identity {hardware.identity:#010x}. Made by "
        "`make hardware`; no vendor tool has seen it.",
        "",
    ]
    lines += _rates(folder, folded, hardware, runs, target)
    clock, _ = timing.quoted(folder, hardware)
    cycles = at_once(_cycles(folded, runs), folded.intervals, 1)
    lines += section(folder, folded.board.family, clock, cycles)
    lines += _accelerators(folded, found, runs, measured)
    lines += _utilisation(folded, found, measured)
    lines += ["![Utilisation](utilisation.png)", "", "![Where the time goes](time.png)", ""]
    lines += _sharing(hardware)
    for graph in folded.plans:
        lines += _layers(folded, graph, found.get(graph, {}))
    lines += backends.section({graph: plan.blocks for graph, plan in folded.plans.items()})
    return "\n".join(lines) + "\n"


def _cycles(folded: Folded, runs: dict[str, dict[str, int]]) -> dict[str, int]:
    """Of a frame, by graph: simulated, else planned."""
    return {g: runs[g]["cycles"] if g in runs else p.cycles for g, p in folded.plans.items()}


def _rates(
    folder: Path,
    folded: Folded,
    hardware: Hardware,
    runs: dict[str, dict[str, int]],
    target: Target,
) -> list[str]:
    clock, of_clock = timing.quoted(folder, hardware)
    cycles, hertz = _cycles(folded, runs), clock * 1e6
    windows = load_manifest(folder).bank.window > 0
    source = "simulated" if len(runs) == len(folded.plans) else "estimated"
    lines = [
        "## Frames a second",
        "",
        f"From {source} cycles with a full memory bank, all accelerators at work at the same time, "
        "two frames waiting at each. A model, not a simulation: an object's way through attention, "
        "decoder and memory encoder and for each further object the longest interval of an "
        "accelerator, or for two frames that and the encoder's cycles. Memory is taken to keep up.",
        "",
        of_clock,
        "",
        "| objects | detection | cycles a frame | frames/s | asked for |",
        "|---:|---|---:|---:|---:|",
    ]
    wanted: dict[tuple[int, int], float] = {
        (1, 0): target.one,
        (4, 0): target.four,
        (8, 0): target.eight,
    }
    if DETECTOR in cycles:
        wanted |= dict.fromkeys(((1, k) for k in sorted({*EVERY, target.every})), inf)
        wanted |= {(n, target.every): inf for n in SEVERAL}
        wanted[1, target.every] = target.looking
    rows = [(str(objects), objects, every, 1, most) for (objects, every), most in wanted.items()]
    rows += [(f"{n}, in windows", n, 0, n, inf) for n in SEVERAL if windows]
    said = []
    for name, objects, every, views, most in rows:
        took = bounds(cycles, folded.intervals, objects, every, views=views)
        slowest = max(took, key=lambda g: took[g])
        total = took[slowest]
        looks = "none" if not every else "every frame" if every == 1 else f"every {every} frames"
        asked_for = f"{hardware.clock_mhz * 1e6 / most:g}" if most < inf else ""
        lines.append(f"| {name} | {looks} | {total:,} | {hertz / total:.2f} | {asked_for} |")
        if most == inf:
            continue
        blocks = folded.plans[slowest].blocks.values()
        binding = max(blocks, key=lambda b: b.interval)
        layer = f"`{slowest}` binds, in it `{binding.layer.name}` ({binding.interval:,} cycles)."
        if total > most:
            layer = f"the rate is missed by {total / most - 1:.1%}: {layer}"
        detecting = f" and detection {looks}" if every else ""
        said.append(f"With {objects} object{'s' * (objects > 1)}{detecting}, {layer}")
    return [*lines, "", *said, *([OF_WINDOWS] if windows else []), ""]


def _accelerators(
    folded: Folded, found: ByLayer, runs: dict[str, dict[str, int]], measured: bool
) -> list[str]:
    how = "Yosys" if measured else "cost models (not synthesised)"
    lines = ["## Accelerators", "", f"Resources by {how}, kernel by kernel, summed.", ""]
    lines += [
        "| graph | cycles estimated | simulated | off by | codes differing | LUT | FF | DSP "
        "| BRAM18 | URAM | MMAC | MAC/DSP/cycle | between frames |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
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
        each = macs / max(total.dsp, 1)
        cells += [f"{macs / 1e6:.1f}", f"{each / cycles:.2f}", f"{each / plan.interval:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "MAC/DSP/cycle: the model's multiplications over a frame's cycles, from the first code in "
        "to the last out, and over the cycles between frames that follow each other. Of the DSPs, "
        "those of the requantizers count too.",
    ]
    return [*lines, ""]


def _utilisation(folded: Folded, found: ByLayer, measured: bool) -> list[str]:
    total = whole(folded, found)
    have, budget = folded.board.resources, folded.board.budget()
    lines = ["## Utilisation", ""]
    if not measured:
        lines += ["Not synthesised: the figures are those of the cost models.", ""]
    lines += [
        "The budget is what still places and routes at speed; the shell is counted in it.",
        "",
        "| resource | used | budget | device | of budget |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in RESOURCES:
        used, most, all_ = (getattr(c, name) for c in (total, budget, have))
        share = f"{used / most:.0%}" if most else "-"
        lines.append(f"| {name} | {used:,.0f} | {most:,} | {all_:,} | {share} |")
    lines += ["", "| of the shell | LUT | FF | BRAM18 | from |", "|---|---:|---:|---:|---|"]
    for part in folded.shell.parts:
        cells = [f"{getattr(part.cost, r):,.0f}" for r in ("lut", "ff", "bram18")]
        lines.append(f"| {' | '.join([part.name, *cells, part.source])} |")
    cells = [f"{getattr(folded.shell.cost, r):,.0f}" for r in ("lut", "ff", "bram18")]
    lines.append(f"| together | {' | '.join(cells)} | |")
    return [*lines, ""]


def _sharing(hardware: Hardware) -> list[str]:
    lines = [
        "## What is shared",
        "",
        "Every layer has hardware of its own: with requantizers in DSPs a layer's control is small "
        "beside its memories, which sharing would not save. Every stream has an end of its own of "
        f"the data mover, {hardware.reads} that read memory and {hardware.writes} that write it, a "
        "byte a cycle each; they share the mover's port to memory. Inputs that far-apart layers "
        "read come once for each of them rather than being kept:",
        "",
    ]
    for graph in hardware.graphs:
        ports = [end.port for end in graph.inputs]
        again = {port: ports.count(port) for port in ports if ports.count(port) > 1}
        often = [f"`{port}` {times} times" for port, times in again.items()]
        loaded = f", weights of {graph.setup.beats:,} bytes once after reset" if graph.setup else ""
        lines.append(f"- `{graph.name}`: {', '.join(often) or 'every input once'}{loaded}")
    return [*lines, ""]


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


def whole(folded: Folded, found: ByLayer) -> Cost:
    """Returns the resources of the whole device, shell included."""
    return sum((c for layers in found.values() for c in layers.values()), folded.shell.cost)


def write(folder: Path, synthesis: bool = True, target: Target | None = None) -> list[str]:
    """Writes the report and its pictures; returns what is missed, of budget and rates (by default
    those usual for the board's family).
    """
    hardware = Hardware.load(folder)
    manifest = load_manifest(folder)
    folded = refold(folder, manifest, boards.find(hardware.board))
    target = target or asked(folded.board, manifest)
    found = resources.load(folder)
    if found is None and synthesis:
        with counted("synthesis", "kernels") as say:
            found = resources.synthesise(folded, say=say)
        resources.save(folder, found)
    costs = found or resources.modelled(folded)
    pictures.utilisation(folder / PICTURES[0], folded.board, costs, folded.shell.cost)
    pictures.time(folder / PICTURES[1], folded.plans, timing.quoted(folder, hardware)[0])
    with atomic_path(folder / NAME) as part:
        page = text(folder, folded, costs, found is not None, target)
        part.write_text(wrapped(page), encoding="utf-8")
    total, budget = whole(folded, costs), folded.board.budget()
    missed = [
        f"{r} {getattr(total, r):,.0f} of {getattr(budget, r):,}"
        for r in RESOURCES
        if getattr(total, r) > getattr(budget, r)
    ]
    slow = target.excess(_cycles(folded, simulated(folder)), folded.intervals)
    return missed + ([f"{slow:.3f} times the cycles that a frame may take"] if slow > 1 else [])


def publish(bundle: Path, folder: Path) -> Path:
    """Copies a bundle's report and pictures under names of their own, for docs/hardware."""
    hardware, manifest = Hardware.load(bundle), load_manifest(bundle)
    stem = f"{manifest.model}_{hardware.board.lower()}"
    stem += "" if manifest.detector is None else f"_{DETECTOR}"
    folder.mkdir(parents=True, exist_ok=True)
    plain = (bundle / NAME).read_text(encoding="utf-8")
    for picture in PICTURES:
        shutil.copyfile(bundle / picture, folder / f"{stem}_{picture}")
        plain = plain.replace(f"({picture})", f"({stem}_{picture})")
    with atomic_path(folder / f"{stem}.md") as part:
        part.write_text(plain, encoding="utf-8")
    return folder / f"{stem}.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.build.report", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=given_path, help="folder of make hardware")
    parser.add_argument(
        "--config", type=model_name, default="nano", help="else the newest bundle of a model (nano)"
    )
    parser.add_argument("--board", default="KV260", help="and of a board (KV260)")
    parser.add_argument(
        "--no-synthesis", action="store_true", help="resources by the cost models, in seconds"
    )
    parser.add_argument("--publish", type=given_path, metavar="DIR", help="copy it there as well")
    add_rates(parser)
    given = parser.parse_args(arguments)
    try:
        bundle = given.bundle or newest(given.config, given.board)
        hardware = Hardware.load(bundle)
        target = asked(boards.find(hardware.board), load_manifest(bundle), given)
        missed = write(bundle, not given.no_synthesis, target)
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    print(bundle / NAME if given.publish is None else publish(bundle, given.publish))
    if missed:
        print(f"{parser.prog}: missed, see the report: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
