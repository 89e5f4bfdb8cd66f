"""Campaigns of planted faults: one a run, at a random time, and what became of each.

A fault is noticed where the run ends in a typed error, harmless where its outputs are golden's to
the bit, and missed where they are not. After each, the next run of the same graph must be right.

    rtl    the system's registers and channels, cycle by cycle (sim/rtl)
    board  the same behind the DMAs and the memory of a simulated KV260 (sim/board)
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from host.devices.driver import Driver, RunError
from host.devices.pynq import _connect
from host.devices.rtl import RtlTransport
from hw.spec.hardware import Hardware
from sim.board.machine import KV260, Machine
from sim.rtl.bundle import open_bundle
from tests.board import prepare
from tests.board.package import Package
from tests.faults.faulty import KINDS, Faulty, Plan
from tests.host.small_hardware import PORTS, example

GRAPHS = ("copy", "add", "attend", "multiply")
LONGEST = {"stop": 60, "reset": 60, "flip written": 4, "flip read": 24, "vanish": 24}
"""Of each kind, the latest time: cycles into a transfer, or accesses to registers in a run."""
HANG_S = 60
"""Seconds after which a run counts as hanging."""


class HangError(Exception):
    """A run that did not come to an end."""


@dataclass
class Tally:
    """What became of the faults of a campaign, by kind."""

    planted: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)
    longest: int = 0

    def lines(self) -> list[str]:
        """A table for a terminal."""
        rows = [f"{'fault':14} {'planted':>8} {'noticed':>8} {'harmless':>9}"]
        rows += [
            f"{kind:14} {self.planted[kind]:8} {self.noticed[kind]:8} {self.harmless[kind]:9}"
            for kind in KINDS
        ]
        noticed, harmless = self.noticed.total(), self.harmless.total()
        return [
            *rows,
            f"planted {self.planted.total()}, noticed {noticed}, harmless {harmless}, "
            f"missed {len(self.missed)}, hung {len(self.hung)}, "
            f"wrong after recovery {len(self.unrecovered)}, "
            f"longest time to notice {self.longest} cycles",
        ]

    @property
    def clean(self) -> bool:
        """Nothing was missed, nothing hung, every recovery gave the right bits."""
        return not (self.missed or self.hung or self.unrecovered)


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


def same(found: Mapping[str, NDArray], wanted: Mapping[str, NDArray]) -> bool:
    """Whether outputs are golden's, to the bit."""
    return all(np.array_equal(found[name], codes) for name, codes in wanted.items())


def campaign(
    connect: Callable[[], tuple[Driver, Faulty]],
    faults: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
    crc: bool = True,
) -> Tally:
    """Plants so many faults, one a run, and tells what became of them.

    connect: opens the driver and the transport below it. crc: compare CRCs, as the driver does.
    """
    rng, tally = np.random.default_rng(seed), Tally()
    driver, faulty = connect()
    driver._crc = crc
    number = 0
    while tally.planted.total() < faults:
        number += 1
        graph = GRAPHS[int(rng.integers(len(GRAPHS)))]
        length, layer = (
            (int(rng.integers(1, 17)), int(rng.integers(2))) if graph == "attend" else (0, 0)
        )
        kind = KINDS[tally.planted.total() % len(KINDS)]
        at = int(rng.integers(LONGEST.get(kind, 1)))
        if graph == "multiply" and rng.random() < 0.3:
            driver._reset()  # so that the fault strikes as its weights are loaded
        inputs, wanted = example(graph, rng, length, layer)
        name = f"{number}: {kind} at {at}, {graph} of length {length}, layer {layer}"
        faulty.arm(Plan(kind, at, rng))
        try:
            with within(HANG_S):
                found, _ = driver.run(graph, inputs, layer)
            if faulty.struck_at is None and same(found, wanted):
                faulty.disarm()
                continue  # the run was over before the fault's time
            if same(found, wanted):
                tally.harmless[kind] += 1
            else:
                tally.missed.append(name)
        except RunError:
            assert faulty.struck_at is not None, f"{name}: an error without a fault"
            tally.noticed[kind] += 1
            tally.longest = max(tally.longest, faulty.now - faulty.struck_at)
        except HangError:
            tally.hung.append(name)
        tally.planted[kind] += 1
        faulty.disarm()
        inputs, wanted = example(graph, rng, length, layer)
        try:
            with within(HANG_S):
                found, _ = driver.run(graph, inputs, layer)
            right = same(found, wanted)
        except (RunError, HangError) as error:
            right = False
            name += f" ({error})"
        if not right:
            tally.unrecovered.append(name)
        if tally.planted.total() % 100 == 0:
            say(f"{tally.planted.total()} of {faults}")
    driver.close()
    return tally


def on_rtl(folder: Path) -> Callable[[], tuple[Driver, Faulty]]:
    """Opens the small system with nothing between the driver and its registers and channels."""

    def connect() -> tuple[Driver, Faulty]:
        hardware = Hardware.load(folder)
        system = open_bundle(folder, hardware, lambda done, count: None)
        faulty = Faulty(RtlTransport(system), system)
        return Driver(faulty, hardware, PORTS, folder), faulty

    return connect


def on_board(folder: Path) -> Callable[[], tuple[Driver, Faulty]]:
    """Opens the small system on a simulated KV260, behind its DMAs."""
    boards = folder.with_name(f"{folder.name}-board")
    prepare.small(boards, KV260.name)

    def connect() -> tuple[Driver, Faulty]:
        machine = Machine(KV260)
        image = {"BOARD": KV260.image, "XILINX_XRT": "/usr"}
        package = {"pynq": Package(machine)}
        with patch.dict(os.environ, image), patch.dict(sys.modules, package):
            hardware = Hardware.load(boards)
            transport = _connect(boards, hardware, None)
        assert machine.system is not None
        faulty = Faulty(transport, machine.system, machine)
        faulty.grace = RtlTransport.grace  # time passes in cycles here, as the simulation counts
        return Driver(faulty, hardware, PORTS, boards), faulty

    return connect
