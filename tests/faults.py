"""`python -m tests.faults`, `make test-faults`: faults planted at random times in runs of a system,
through the driver that a board uses and the simulated RTL, and what became of each.

A fault is noticed where the run ends in a typed error, harmless where its outputs are golden's to
the bit, and missed where they are not. After each, the next run of the same graph must be right.

    rtl    the system's registers and channels, cycle by cycle (sim/rtl)
    board  the same behind the DMAs and the memory of a simulated KV260 (sim/board)
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.driver import Driver, RunError, Span, Transport, TransportError
from host.devices.pynq import _connect
from host.devices.rtl import RtlTransport
from hw.spec.hardware import Hardware
from hw.spec.registers import Control, Register
from sim.board.machine import KV260, Machine
from sim.rtl.bundle import open_bundle
from sim.rtl.system import RtlSystem
from sim.verilate import SimulatorError
from tests.board import prepare
from tests.board.package import Package
from tests.host.small_hardware import PORTS, example, write_hardware

KINDS = (
    "stop",
    "short",
    "long",
    "reset",
    "reset between",
    "flip sent",
    "flip taken",
    "flip written",
    "flip read",
    "flip kept",
    "vanish",
)
GRAPHS = ("copy", "add", "attend", "multiply")
LONGEST = {"stop": 60, "reset": 60, "flip written": 4, "flip read": 24, "vanish": 24}
"""Of each kind, the latest time: cycles into a transfer, or accesses to registers in a run."""
PATIENCE = 1000
"""Cycles that pass while the host looks once at what does not move."""
HANG_S = 60
"""Seconds after which a run counts as hanging."""


class HangError(Exception):
    """A run that did not come to an end."""


@dataclass
class Plan:
    """One fault: its kind, when it strikes (cycles into the transfer, or accesses to registers),
    and random numbers that say where.
    """

    kind: str
    at: int
    draw: np.random.Generator
    load: bool = False


class Faulty:
    """A transport that does what the one inside does, and one fault.

    system: behind the transport. struck_at: its cycles when the fault struck, None before.
    """

    def __init__(self, inner: Transport, system: RtlSystem, board: Machine | None = None) -> None:
        self.inner, self.system, self.board = inner, system, board
        self.patience, self.grace = inner.patience, inner.grace
        self.plan: Plan | None = None
        self.struck_at: int | None = None
        self._kept: list[NDArray[np.uint8]] = []
        self._taken: dict[int, Span] = {}
        self._accesses, self._away = 0, 0
        self._stopped, self._started, self._waited = False, 0, 0

    @property
    def now(self) -> int:
        """Cycles so far, those included that pass while nothing in the simulation moves."""
        return self.system.cycles + self._waited

    def arm(self, plan: Plan) -> None:
        """The fault to strike in the run that comes."""
        self.plan, self.struck_at, self._accesses, self._away = plan, None, 0, 0
        if plan.kind == "reset between":
            self._strike()
            self.system.write(Register.CONTROL, Control.RESET)

    def disarm(self) -> None:
        """Back to order: what vanished is there again, fresh from its own reset."""
        if self._away:
            self.system.write(Register.CONTROL, Control.RESET)
        self.plan, self._away, self._stopped = None, 0, False
        if self.board is not None:
            self.board.stuck = False

    def _strike(self) -> Plan:
        assert self.plan is not None
        plan, self.plan = self.plan, None
        self.struck_at = self.now
        return plan

    def _due(self, *kinds: str) -> bool:
        return self.plan is not None and self.plan.kind in kinds

    # ---- Registers

    def _access(self, *kinds: str) -> Plan | None:
        """The plan, where it strikes at this access."""
        if not self._due(*kinds, "vanish"):
            return None
        self._accesses += 1
        if self.plan is not None and self._accesses <= self.plan.at:
            return None
        plan = self._strike()
        if plan.kind == "vanish":
            self._away = 1 + int(plan.draw.integers(3))
        return plan

    def write(self, offset: int, value: int) -> None:
        plan = self._access("flip written")
        if self._away:
            return self._absent()
        if plan is not None and plan.kind == "flip written":
            value ^= 1 << int(plan.draw.integers(32))
        if self._due("flip kept") and offset == Register.CONTROL and value != Control.RESET:
            plan = self._strike()
            where = (Register.GRAPH, Register.LENGTH, Register.LAYER)[int(plan.draw.integers(3))]
            bits = {Register.LENGTH: 16}.get(where, 8)
            kept = self.inner.read(where) ^ 1 << int(plan.draw.integers(bits))
            self.inner.write(where, kept)
        self.inner.write(offset, value)
        return None

    def read(self, offset: int) -> int:
        plan = self._access("flip read")
        if self._away:
            self._absent()
            return 0 if self._away == 1 else 0xFFFFFFFF
        value = self.inner.read(offset)
        if plan is not None and plan.kind == "flip read":
            value ^= 1 << int(plan.draw.integers(32))
        return value

    def _absent(self) -> None:
        if self._away == 3:
            raise TransportError("bus error")

    # ---- Channels

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        return self.inner.allocate(shape, dtype)

    def start(self, sent: Mapping[int, Span], taken: Mapping[int, Span]) -> None:
        if self._away:
            return self._absent()
        sent, taken = dict(sent), dict(taken)
        if self._due("short", "long"):
            plan = self._strike()
            self._resize(plan, sent, taken)
        flipped = None
        if self._due("flip sent") and sent:
            plan = self._strike()
            flipped = self._flip_sent(plan, sent)
        self._taken, self._started = taken, self.now
        self.inner.start(sent, taken)
        if flipped is not None:
            flipped[0][flipped[1]] ^= flipped[2]
        return None

    def _resize(self, plan: Plan, sent: dict[int, Span], taken: dict[int, Span]) -> None:
        spans = [(s, k) for s in (sent, taken) for k in s]
        span, channel = spans[int(plan.draw.integers(len(spans)))]
        buffer, count = span[channel]
        by = 1 + int(plan.draw.integers(min(count - 1, 64)))
        if plan.kind == "short":
            span[channel] = buffer, count - by
            return
        more = self.inner.allocate((count + by,), np.uint8)
        more[:count] = buffer[:count]
        self._kept.append(more)
        span[channel] = more, count + by

    def _flip_sent(
        self, plan: Plan, sent: dict[int, Span]
    ) -> tuple[NDArray[np.uint8], int, int] | None:
        """Flips a bit on its way to the channel; the host's own bytes stay, or are put back."""
        channel = list(sent)[int(plan.draw.integers(len(sent)))]
        buffer, count = sent[channel]
        place, bit = int(plan.draw.integers(count)), 1 << int(plan.draw.integers(8))
        if self.board is not None:  # memory is a copy of what is flushed as the DMA starts
            buffer[place] ^= bit
            return buffer, place, bit
        wrong = buffer.copy()
        wrong[place] ^= bit
        self._kept.append(wrong)
        sent[channel] = wrong, count
        return None

    def poll(self) -> bool:
        if self._away:
            self._absent()
            self._waited += PATIENCE
            return False
        if self._due("stop", "reset"):
            assert self.plan is not None
            if self._clock(self.plan.at) and self.plan.kind == "stop":
                self.plan = None  # over before it struck
            else:
                self._interfere(self._strike())
        if self._stopped:
            self.inner.poll()
            self._waited += PATIENCE
            return False
        complete = self.inner.poll()
        if complete and self._due("flip taken") and self._taken:
            plan = self._strike()
            channel = list(self._taken)[int(plan.draw.integers(len(self._taken)))]
            buffer, count = self._taken[channel]
            buffer[int(plan.draw.integers(count))] ^= 1 << int(plan.draw.integers(8))
        return complete

    def _clock(self, cycles: int) -> bool:
        """Lets the system run on; whether its transfers are complete."""
        if self.board is not None:
            if self.board._pending:
                self.board.serve()
            if self.board.stuck:
                return False
        try:
            return self.system.advance(max(1, cycles))
        except SimulatorError as error:
            raise TransportError(str(error)) from error

    def _interfere(self, plan: Plan) -> None:
        if plan.kind == "reset":
            self.system.write(Register.CONTROL, Control.RESET)
            return
        self._stopped = True
        if self.board is not None:
            self.board.stuck = True
        names = list(self.system.progress())
        name = names[int(plan.draw.integers(len(names)))]
        self.system.stop(name.startswith("m"), int(name.rsplit("_", 1)[1]))

    def elapsed(self) -> int:
        return self.now - self._started

    def progress(self) -> str:
        return self.inner.progress()

    def abandon(self) -> None:
        self._stopped = False
        if self.board is not None:
            self.board.stuck = False
        self.inner.abandon()

    def close(self) -> None:
        self.inner.close()


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


def main(argv: list[str] | None = None) -> int:
    """Command line; exit code 1 where a fault was missed, a run hung or a recovery failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="for each transport (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--no-crc", action="store_true", help="see what is missed without CRCs")
    args = parser.parse_args(argv)
    clean = True
    with tempfile.TemporaryDirectory(prefix="samfabric-faults-") as name:
        folder = Path(name) / "small"
        write_hardware(folder)
        for title, connect in (("rtl", on_rtl(folder)), ("board", on_board(folder))):
            began = time.monotonic()
            tally = campaign(
                connect,
                args.faults,
                args.seed,
                lambda text: print(text, flush=True),
                not args.no_crc,
            )
            print(f"{title}, {time.monotonic() - began:.0f} s:", *tally.lines(), sep="\n")
            for told in (*tally.missed, *tally.hung, *tally.unrecovered)[:20]:
                print("  " + told)
            clean &= tally.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
