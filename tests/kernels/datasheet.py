"""Simulates and synthesises every parameter set of every kernel and writes docs/kernels.md.

    python -m tests.kernels.datasheet [kernel ...] [--jobs 2]

What the tests simulated is not simulated again, and a second run only measures what changed. Exit
code 1 when a set differs from golden or from its cycle model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tqdm import tqdm

from hw.build.markdown import wrapped
from hw.build.progress import counted
from hw.build.resources import mapped
from hw.design import Design
from hw.library import kernel_class, names
from hw.spec.errors import SamFabricError
from hw.spec.files import atomic_path
from hw.spec.kernel import Cost, Kernel
from hw.timing import contract
from tests.kernels.blocks import BLOCKS, block_table
from tests.kernels.grids import grid, long_frames
from tests.kernels.records import simulated

ROOT = Path(__file__).resolve().parent.parent.parent
SHEET = ROOT / "docs" / "kernels.md"


@dataclass(frozen=True)
class Row:
    """One parameter set: cycles of one frame, output codes compared, resources on UltraScale+."""

    parameters: dict[str, int | str]
    cycles: int
    model_cycles: int
    compared: int
    faults: list[str]
    found: Cost
    model: Cost


def costs_of(
    kernels: Sequence[Kernel],
    jobs: int = 2,
    say: Callable[[int, int], None] = lambda done, all_: None,
) -> list[Cost]:
    """What Yosys makes of each on UltraScale+. say: as `mapped` has it. Raises SynthesisError."""
    designs = {str(i): Design.of(kernel) for i, kernel in enumerate(kernels)}
    return list(mapped(designs, "xcup", jobs, say).values())


def row(kernel: Kernel, found: Cost) -> Row:
    """Simulated, or as simulated before. found: by Yosys."""
    record = simulated(kernel)
    return Row(
        kernel.parameters(),
        record.cycles,
        kernel.cycles(1, **kernel.settings()[0]),
        record.compared,
        record.faults,
        found,
        kernel.cost(),
    )


def deviation(found: Sequence[Cost], models: Sequence[Cost]) -> float:
    """Median of |model - Yosys| / Yosys in LUT over the sets that have any."""
    pairs = zip(found, models, strict=True)
    parts = [abs(model.lut - f.lut) / f.lut for f, model in pairs if f.lut]
    return median(parts) if parts else 0.0


def rate(name: str) -> str:
    """Beats accepted or produced of those that the folding allows, on the long frames."""
    shares = [
        3 * k.ideal_cycles(**s) / k.cycles(3, **s) for k in long_frames(name) for s in k.settings()
    ]
    return f"{min(shares):.1%}" if shares else "-"


def summary(tables: dict[str, list[Row]]) -> list[str]:
    """One line a kernel."""
    lines = [
        "| kernel | sets | outputs compared | differing | cycles = model | rate"
        " | LUT: median error | DSP equal | UltraScale+ | xc7 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    contracts = contract.load()
    for name, rows in tables.items():
        same = sum(r.cycles == r.model_cycles for r in rows)
        dsp = sum(r.found.dsp == r.model.dsp for r in rows)
        cells = [
            f"[{name}](#{name})",
            str(len(rows)),
            f"{sum(r.compared for r in rows):,}",
            str(sum(bool(r.faults) for r in rows)),
            f"{same}/{len(rows)}",
            rate(name),
            f"{deviation([r.found for r in rows], [r.model for r in rows]):.1%}",
            f"{dsp}/{len(rows)}",
            *(_told(contracts[name].longest[family]) for family in ("xcup", "xc7")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    total = sum(r.compared for rows in tables.values() for r in rows)
    return [*lines, "", f"{total:,} outputs compared with golden in all."]


def _told(path: contract.Longest) -> str:
    return f"{path.ns:.2f} ns, {path.levels}"


def section(name: str, rows: Sequence[Row]) -> list[str]:
    """One kernel: what it is, and a line a parameter set."""
    purpose = (sys.modules[kernel_class(name).__module__].__doc__ or "").strip().split("\n\n")[0]
    keys = list(rows[0].parameters)
    varied = [k for k in keys if len({str(r.parameters[k]) for r in rows}) > 1]
    fixed = [f"{k} = {rows[0].parameters[k]}" for k in keys if k not in varied]
    head = [*varied, "cycles", "model", "LUT", "model", "FF", "model", "DSP", "BRAM18", "URAM"]
    lines = [f"### {name}", "", " ".join(purpose.split()), ""]
    lines += [f"Throughout: {', '.join(fixed)}.", ""] if fixed else []
    lines += ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for r in rows:
        f, m = r.found, r.model
        cells = [str(r.parameters[k]) for k in varied]
        cells += [f"{r.cycles:,}", f"{r.model_cycles:,}"]
        cells += [f"{f.lut:.0f}", f"{m.lut:.0f}", f"{f.ff:.0f}", f"{m.ff:.0f}"]
        cells += [_pair(f.dsp, m.dsp), _pair(f.bram18, m.bram18), _pair(f.uram, m.uram)]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _pair(found: int, model: int) -> str:
    return str(found) if found == model else f"{found} (model {model})"


INTRO = """# Kernels: measured

Written by `make kernels`; do not edit. Every parameter set of `tests/kernels` is simulated in
Verilator and compared beat by beat with its golden model, without stalls, under random and under
adversarial ones, on random data and at both ends of the types. Cycles are of one frame without
stalls, from the first beat offered to the last beat taken. LUT, FF, DSP, BRAM (of 18 Kb) and URAM
are Yosys' (`synth_xilinx -family xcup`) beside the kernel's own cost model. Yosys packs no
register or adder into an UltraScale+ DSP slice; the vendor's tool does, so both LUT and FF are
upper bounds there. Rate: beats moved of those that the folding allows, over three long frames.
UltraScale+ and xc7: ns and LUT levels of the longest path, by our own analysis in a crowded device,
of the parameter set in `hw/timing/contract.toml`, which the tests hold.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kernels.datasheet", description=__doc__.splitlines()[0]
    )
    parser.add_argument("kernel", nargs="*", help="print only these, write nothing")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (2)")
    given = parser.parse_args(arguments)
    chosen = given.kernel or names()
    try:
        work = [(name, kernel) for name in chosen for kernel in grid(name)]
        tables: dict[str, list[Row]] = {name: [] for name in chosen}
        kernels = [kernel for _, kernel in work]
        with counted("Yosys", "sets") as say:
            costs = costs_of(kernels, given.jobs, say)
        with ProcessPoolExecutor(given.jobs) as pool:
            rows = pool.map(row, kernels, costs)
            for (name, _), found in zip(work, tqdm(rows, total=len(work)), strict=True):
                tables[name].append(found)
        lines = [INTRO, *summary(tables), ""]
        if not given.kernel:
            lines += [line for block in BLOCKS for line in block_table(block)]
        lines += ["## Every parameter set", ""]
        lines += [line for name, rows in tables.items() for line in section(name, rows)]
    except SamFabricError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    text = wrapped("\n".join(lines).rstrip() + "\n")
    if given.kernel:
        print(text)
    else:
        with atomic_path(SHEET) as part:
            part.write_text(text, encoding="utf-8")
        print("\n".join(summary(tables)))
    wrong = [f"{n}: {r.faults}" for n, rows in tables.items() for r in rows if r.faults]
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
