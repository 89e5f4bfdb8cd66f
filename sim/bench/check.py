"""Proves one kernel against its golden model: makes the cases, simulates, reports."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cocotb_tools.runner import get_runner

from hw.design import Design
from hw.spec.dtypes import Arrays
from hw.spec.kernel import Kernel
from hw.spec.stream import Stream
from sim.bench.patterns import ADVERSARIAL
from sim.bench.plan import OUTCOMES, PLAN, Beats, Case, Outcome, read_outcomes, write
from sim.errors import SimulatorError
from sim.verilate import build

SEED = 20261121
KINDS = ("min", "max", "corners")


@dataclass(frozen=True)
class Report:
    """What a kernel's run came to: `cycles` of one frame by setting, outputs compared, faults."""

    outcomes: tuple[Outcome, ...]

    @property
    def compared(self) -> int:
        """The number of output codes that were compared with golden."""
        return sum(o.compared for o in self.outcomes)

    @property
    def faults(self) -> list[str]:
        """One line each, with the case and the pattern of stalls."""
        return [f"{o.name} [{o.pattern}] {f}" for o in self.outcomes for f in o.faults]


def check(
    kernel: Kernel, design: Design | None = None, frames: int = 2, stalls: bool = True
) -> Report:
    """Simulates the kernel without stalls, under random and under adversarial ones, on random data
    and at the ends of the types, and compares every beat.

    frames: sent back to back under each pattern of stalls; stalls=False leaves these cases out.
    design: other sources than the kernel's own. Raises SimulatorError where there is nothing to
    report, such as a crash.
    """
    cases = [case for case in plan(kernel, frames) if stalls or case.pattern == "none"]
    return Report(tuple(simulate(design or Design.of(kernel), cases)))


def plan(kernel: Kernel, frames: int = 2) -> list[Case]:
    """All cases: exact cycles for each setting, data at the extremes, then the stalls."""
    rng = np.random.default_rng(SEED)
    every = kernel.settings()
    cases = []
    for chosen in every:
        label = " ".join(f"{k}={v}" for k, v in chosen.items())
        for count in (1, 3):
            data = [kernel.stimulus(rng, "random", **chosen) for _ in range(count)]
            cycles = kernel.cycles(count, **chosen)
            cases.append(_case(kernel, f"{count} frames {label}", "none", data, cycles))
        for kind in KINDS:
            data = [kernel.stimulus(rng, kind, **chosen)]
            cycles = kernel.cycles(1, **chosen)
            cases.append(_case(kernel, f"{kind} {label}", "none", data, cycles))
    for pattern in ("random", "random", *ADVERSARIAL):
        mixed = [every[int(i)] for i in rng.integers(0, len(every), frames)]
        data = [kernel.stimulus(rng, "random", **chosen) for chosen in mixed]
        cases.append(_case(kernel, f"case {len(cases)}", pattern, data, None))
    return cases


def _case(
    kernel: Kernel, name: str, pattern: str, frames: Sequence[Arrays], cycles: int | None
) -> Case:
    results = [kernel.golden({k: torch.from_numpy(v) for k, v in f.items()}) for f in frames]
    wanted = [{k: v.numpy() for k, v in r.items()} for r in results]
    once = kernel.setup()
    sources = {
        k: _beats(s, [once[k]] if k in once else [f[k] for f in frames])
        for k, s in kernel.inputs().items()
    }
    sinks = {k: _beats(s, [f[k] for f in wanted]) for k, s in kernel.outputs().items()}
    total = sum(len(b.words) for b in (*sources.values(), *sinks.values()))
    seed = SEED + len(name) + total
    cycles = cycles if kernel.exact else None
    lanes = {k: s.lanes for k, s in kernel.outputs().items()}
    limit = 40 * total + 40 * _generous(kernel, len(frames)) + 1000
    return Case(name.strip(), pattern, seed, sources, sinks, lanes, cycles, limit)


def _generous(kernel: Kernel, frames: int) -> int:
    return max(kernel.cycles(frames, **chosen) for chosen in kernel.settings())


def _beats(stream: Stream, frames: Sequence[np.ndarray[Any, Any]]) -> Beats:
    words: list[int] = []
    last: list[int] = []
    for codes in frames:
        beats = stream.words(codes)
        words += beats
        last += [0] * (len(beats) - 1) + [1] * min(len(beats), 1)
    return Beats(words, last if stream.last else None, stream.width)


def simulate(design: Design, cases: Sequence[Case]) -> list[Outcome]:
    """Runs cases in Verilator. Raises SimulatorError with the end of the log if it breaks off."""
    folder = build(design)
    work = Path(tempfile.mkdtemp(prefix=f"{design.top}-"))
    try:
        write(work / PLAN, cases)
        runner = get_runner("verilator")
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.suppress(Exception, SystemExit):
            runner.test(
                test_module="sim.bench.testbench",
                hdl_toplevel=design.top,
                hdl_toplevel_lang="verilog",
                build_dir=folder,
                test_dir=work,
                results_xml=str(work / "results.xml"),
                log_file=str(work / "log"),
                plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{SEED}"],
                extra_env={"BENCH_FOLDER": str(work), "COCOTB_LOG_LEVEL": "WARNING"},
            )
        result = work / OUTCOMES
        if not result.exists():
            log = work / "log"
            said = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise SimulatorError(f"{design.top}: the simulation broke off", said.strip())
        return read_outcomes(result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
