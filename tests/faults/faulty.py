"""A transport with one fault planted in it, whatever transport is inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from host.devices.driver import Span, Transport, TransportError
from hw.spec.registers import Control, Register
from sim.board.machine import Machine
from sim.rtl.system import RtlSystem
from sim.verilate import SimulatorError

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
PATIENCE = 1000
"""Cycles that pass while the host looks once at what does not move."""


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
        self.timeout, self.grace = inner.timeout, inner.grace
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
