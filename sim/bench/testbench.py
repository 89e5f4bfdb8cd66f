"""Runs in the simulator: drives the sources, gates the sinks, compares each beat. Names no kernel;
all it knows is the plan.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from sim.bench.patterns import PATTERNS, Gate
from sim.bench.plan import OUTCOMES, PLAN, Beats, Case, Outcome, read_cases, write

MAX_FAULTS = 5
QUIET = 40  # cycles after the last beat in which nothing more may come


class Source:
    """Offers the beats of one stream; holds each until it is taken; noise on tdata in between."""

    def __init__(self, dut: Any, name: str, beats: Beats, gate: Gate, rng: Random) -> None:
        self.name = name
        self.valid = getattr(dut, f"{name}_tvalid")
        self.ready = getattr(dut, f"{name}_tready")
        self.data = getattr(dut, f"{name}_tdata")
        self.last = None if beats.last is None else getattr(dut, f"{name}_tlast")
        self.beats, self.gate, self.rng = beats, gate, rng
        self.next, self.offering, self.high = 0, False, False
        self.valid.value = 0

    @property
    def done(self) -> bool:
        return self.next == len(self.beats.words) and not self.offering

    def sample(self) -> bool:
        """Samples the stream at a rising edge; tells whether a beat was on offer in the cycle that
        the edge ends.
        """
        offered = self.offering
        if offered and self.ready.value == 1:
            self.offering = False
        return offered

    def drive(self) -> None:
        """Drives, after an edge, what the source shows in the next cycle."""
        if self.offering:
            self.gate(True)
            return
        if self.next < len(self.beats.words) and self.gate(False):
            self.data.value = self.beats.words[self.next]
            if self.last is not None and self.beats.last is not None:
                self.last.value = self.beats.last[self.next]
            self.next += 1
            self.offering = True
        elif self.high:
            self.data.value = self.rng.getrandbits(self.beats.width)
            if self.last is not None:
                self.last.value = self.rng.getrandbits(1)
        if self.offering != self.high:
            self.valid.value = int(self.offering)
            self.high = self.offering


class Sink:
    """Accepts one stream, compares it, and watches that a waiting beat stays as it is."""

    def __init__(self, dut: Any, name: str, beats: Beats, gate: Gate, out: Outcome) -> None:
        self.name, self.out = name, out
        self.valid = getattr(dut, f"{name}_tvalid")
        self.ready = getattr(dut, f"{name}_tready")
        self.data = getattr(dut, f"{name}_tdata")
        self.last = None if beats.last is None else getattr(dut, f"{name}_tlast")
        self.beats, self.gate = beats, gate
        self.got, self.open, self.waiting = 0, False, False
        self.held: tuple[int, int] | None = None
        self.ready.value = 0

    @property
    def done(self) -> bool:
        return self.got >= len(self.beats.words)

    def sample(self) -> bool:
        """Samples the stream at a rising edge, compares a beat that passed with the one that is
        due, and tells whether one passed.
        """
        self.waiting = self.valid.value == 1
        if not self.waiting:
            if self.held is not None:
                self.fault("tvalid fell before the beat was taken")
                self.held = None
            return False
        if not self.open and self.held is None:
            self.held = self.read()
            return False
        if not self.open:
            if self.read() != self.held:
                self.fault("tdata or tlast changed while the beat waited")
            return False
        seen = self.read()
        if self.held is not None and seen != self.held:
            self.fault("tdata or tlast changed while the beat waited")
        self.held, self.waiting = None, False
        self.compare(seen)
        return True

    def read(self) -> tuple[int, int]:
        last = 0 if self.last is None else int(self.last.value)
        return self.data.value.to_unsigned(), last

    def compare(self, seen: tuple[int, int]) -> None:
        index, self.got = self.got, self.got + 1
        if index >= len(self.beats.words):
            self.fault(f"beat {index} more than the {len(self.beats.words)} expected: {seen[0]:x}")
            return
        wanted = self.beats.words[index]
        if seen[0] != wanted:
            self.fault(f"beat {index}: tdata {seen[0]:x}, golden {wanted:x}")
        if self.beats.last is not None and seen[1] != self.beats.last[index]:
            self.fault(f"beat {index}: tlast {seen[1]}, expected {self.beats.last[index]}")

    def fault(self, text: str) -> None:
        if len(self.out.faults) < MAX_FAULTS:
            self.out.faults.append(f"{self.name}: {text}")

    def drive(self, force: bool = False) -> None:
        go = force or self.gate(self.waiting)
        if go != self.open:
            self.ready.value = int(go)
            self.open = go


async def run_case(dut: Any, case: Case) -> Outcome:
    """One case from reset to quiet."""
    out = Outcome(case.name, case.pattern)
    rng = Random(case.seed)
    give, take = PATTERNS[case.pattern]
    sources = [Source(dut, k, b, give(rng), rng) for k, b in case.sources.items()]
    sinks = [Sink(dut, k, b, take(rng), out) for k, b in case.sinks.items()]
    edge = RisingEdge(dut.clk)
    dut.rst.value = 1
    for _ in range(3):
        await edge
    dut.rst.value = 0
    started: int | None = None
    cycle, end = 0, 0
    ends: list[Source | Sink] = [*sources, *sinks]
    for item in ends:
        item.drive()
    while not all(s.done for s in sinks) or not all(s.done for s in sources):
        await edge
        cycle += 1
        for source in sources:
            if source.sample() and started is None:
                started = cycle
        for sink in sinks:
            if sink.sample():
                end = cycle
        if cycle > case.limit:
            state = [f"{s.name} {s.next}/{len(s.beats.words)}" for s in sources]
            state += [f"{s.name} {s.got}/{len(s.beats.words)}" for s in sinks]
            out.faults.append(f"no end within {case.limit} cycles: {', '.join(state)} beats")
            break
        if out.faults and len(out.faults) >= MAX_FAULTS:
            break
        for item in ends:
            item.drive()
    else:
        for _ in range(QUIET):
            for sink in sinks:
                sink.drive(force=True)
            await edge
            for sink in sinks:
                sink.sample()
    out.cycles = end - (started or 1) + 1
    out.compared = sum(s.got * case.lanes[s.name] for s in sinks)
    if case.cycles is not None and not out.faults and out.cycles != case.cycles:
        out.faults.append(f"{out.cycles} cycles, the cycle model says {case.cycles}")
    return out


@cocotb.test()
async def run_plan(dut: Any) -> None:
    """Every case of the plan, one after another on one elaborated kernel."""
    folder = Path(os.environ["BENCH_FOLDER"])
    cases = read_cases(folder / PLAN)
    Clock(dut.clk, 10, unit="ns").start()
    outcomes = [await run_case(dut, case) for case in cases]
    write(folder / OUTCOMES, outcomes)
