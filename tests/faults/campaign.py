"""Campaigns of planted faults: one at a time, at a random access, while frames of several graphs
are under way, and what became of each.

A fault is noticed where a frame ends in a typed error, harmless where all outputs are golden's to
the bit, and missed where they are not. After each, the next frames must be right.

    rtl    the system's registers and memory, cycle by cycle (sim/rtl)
    board  the same behind the registers and the memory of a simulated KV260 (sim/board)
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from host.devices.driver import Driver
from host.devices.pynq import _connect
from host.devices.rtl import RtlTransport
from host.devices.transport import RunError
from hw.spec.hardware import Hardware
from sim.board.machine import KV260, Machine
from sim.rtl.bundle import open_bundle
from tests.board.package import Package
from tests.faults.faulty import KINDS, LATEST, Faulty
from tests.host.small_hardware import PORTS, example

HANG_S = 60
"""Seconds after which a fault counts as one that hangs."""


class HangError(Exception):
    """Frames that did not come to an end."""


@dataclass
class Outcome:
    """What became of the faults that struck, by kind."""

    noticed: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """A table for a terminal."""
        rows = [f"{'fault':14} {'noticed':>8} {'harmless':>9}"]
        rows += [f"{kind:14} {self.noticed[kind]:8} {self.harmless[kind]:9}" for kind in KINDS]
        noticed, harmless = self.noticed.total(), self.harmless.total()
        return [
            *rows,
            f"noticed {noticed}, harmless {harmless}, missed {len(self.missed)}, "
            f"wrong after recovery {len(self.unrecovered)}",
        ]

    @property
    def clean(self) -> bool:
        """Nothing was missed, and every recovery gave the right bits."""
        return not (self.missed or self.unrecovered)


def same(found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]]) -> bool:
    """Whether outputs are golden's, to the bit."""
    return all(np.array_equal(found[name], codes) for name, codes in wanted.items())


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raises HangError in a block that takes longer."""

    def rings(signum: int, frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, rings)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def campaign(driver: Driver, faulty: Faulty, faults: int, seed: int) -> Outcome:
    """Plants faults until so many have struck. Each meets frames of two graphs; then each of them
    has to be right. Raises HangError where a fault and what follows it take too long.
    """
    rng, found = np.random.default_rng(seed), Outcome()
    while found.noticed.total() + found.harmless.total() + len(found.missed) < faults:
        with within(HANG_S):
            _one(driver, faulty, rng, found)
    return found


def _one(driver: Driver, faulty: Faulty, rng: np.random.Generator, found: Outcome) -> None:
    """Plants one fault, runs two graphs, and counts in `found` what became of it."""
    kind = KINDS[(found.noticed.total() + found.harmless.total()) % len(KINDS)]
    given = [(g, *example(g, rng, 5)) for g in rng.permutation(list(PORTS))[:2]]
    faulty.arm(kind, int(rng.integers(LATEST.get(kind, 1))), rng)
    error, right, frames = None, True, []
    try:
        for graph, inputs, _ in given:
            frames.append(driver.begin(str(graph), inputs))
        while not all(frame.ended() for frame in frames):
            driver.watch([frame for frame in frames if not frame.ended()], 100)
        right = all(
            same(frame.outputs(), wanted)
            for frame, (_, _, wanted) in zip(frames, given, strict=True)
        )
    except RunError as told:
        error = told
    struck = faulty.struck
    faulty.disarm()
    while not all(frame.ended() for frame in frames):
        driver.watch([frame for frame in frames if not frame.ended()], 100)
    for frame in frames:
        driver.release(frame)
    if error is not None:
        assert struck, f"an error without a fault: {error}"
        found.noticed[kind] += 1
    elif not right:
        found.missed.append(f"{kind}, {[str(graph) for graph, *_ in given]}")
    elif struck:
        found.harmless[kind] += 1
    for graph, inputs, wanted in given:
        if not same(driver.run(str(graph), inputs)[0], wanted):
            found.unrecovered.append(f"{kind}, {graph}")


def on_rtl(folder: Path) -> tuple[Driver, Faulty]:
    """Opens the small system with nothing between the driver and its registers and memory."""
    hardware = Hardware.load(folder)
    system = open_bundle(folder, hardware, lambda done, count: None)
    faulty = Faulty(RtlTransport(system), system)
    return Driver(faulty, hardware, PORTS, folder), faulty


def on_board(folder: Path) -> tuple[Driver, Faulty]:
    """Opens the small system, made for a KV260, on a simulated one: its memory is not coherent.
    folder: as `tests.board.prepare.small` has filled it.
    """
    machine = Machine(KV260)
    image = {"BOARD": KV260.image, "XILINX_XRT": "/usr"}
    with patch.dict(os.environ, image), patch.dict(sys.modules, {"pynq": Package(machine)}):
        hardware = Hardware.load(folder)
        transport = _connect(folder, hardware, None)
    assert machine.system is not None
    faulty = Faulty(transport, machine.system)
    return Driver(faulty, hardware, PORTS, folder), faulty
