"""Faults planted between the driver of a concurrent system and its mover: one at a time, at a
random access, while frames of several graphs are under way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from host.devices.driver import RunError, TransportError
from host.devices.mover_driver import MoverDriver
from hw.spec.registers import Control, Register
from tests.faults.campaign import same
from tests.host.small_hardware import PORTS, example

KINDS = ("flip written", "flip read", "flip sent", "flip taken", "astray", "reset", "vanish")
LATEST = {"flip written": 30, "flip read": 120, "astray": 4, "reset": 60, "vanish": 60}
"""Of each kind, the latest access at which it strikes: to registers, or to addresses."""
OUTSIDE = 1 << 36


class FaultyMover:
    """A transport with one fault at a time: `arm` plants it, `struck` tells whether it has come."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.disarm()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def disarm(self) -> None:
        """No fault from here on; what was flipped on the way is as it was."""
        self._kind, self._left, self.struck = "", 0, False
        self._flipped: list[tuple[Any, int]] = []
        self._taken: list[Any] = []

    def arm(self, kind: str, at: int, rng: np.random.Generator) -> None:
        """Plants a fault that strikes at so many accesses from now."""
        self.disarm()
        self._kind, self._left, self._rng = kind, at, rng

    def _strikes(self, *kinds: str) -> bool:
        if self._kind not in kinds or (self.struck and self._kind != "vanish"):
            return False
        self._left -= 1
        if self._left >= 0:
            return False
        self.struck = True
        return True

    def write(self, offset: int, value: int) -> None:
        """Writes a register, or what a fault makes of that."""
        if self._strikes("vanish"):
            raise TransportError("the system does not answer")
        if self._strikes("reset"):
            self._transport.write(Register.CONTROL, Control.ABANDON)
        if self._strikes("flip written"):
            value ^= 1 << int(self._rng.integers(32))
        self._transport.write(offset, value)

    def read(self, offset: int) -> int:
        """Reads a register, or what a fault makes of it."""
        if self._strikes("vanish"):
            raise TransportError("the system does not answer")
        value = self._transport.read(offset)
        return value ^ (1 << int(self._rng.integers(32))) if self._strikes("flip read") else value

    def address(self, array: Any) -> int:
        """Tells where an array lies, or says a place where there is no memory."""
        return self._transport.address(array) + OUTSIDE * self._strikes("astray")

    def give(self, array: Any) -> None:
        """A bit flips on the way to the accelerator: the memory has the right one afterwards."""
        if self._strikes("flip sent"):
            place = int(self._rng.integers(array.size))
            array[place] ^= 1
            self._flipped.append((array, place))

    def take(self, array: Any) -> None:
        """A bit flips on the way back, where the accelerator has written the array: it is taken a
        second time then.
        """
        if all(array is not one for one in self._taken):
            self._taken.append(array)
            return
        for flipped, place in self._flipped:
            flipped[place] ^= 1
        self._flipped.clear()
        if self._strikes("flip taken"):
            array[0] ^= 1


@dataclass
class Outcome:
    """What became of the faults that struck, by kind."""

    noticed: Counter[str] = field(default_factory=Counter)
    harmless: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)


def campaign(driver: MoverDriver, faulty: FaultyMover, faults: int, seed: int) -> Outcome:
    """Plants faults until so many have struck. Each meets frames of two graphs; then every graph
    has to be right.
    """
    rng, found = np.random.default_rng(seed), Outcome()
    while found.noticed.total() + found.harmless.total() + len(found.missed) < faults:
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
            found.missed.append(f"{kind}, seed {seed}, {[graph for graph, *_ in given]}")
        elif struck:
            found.harmless[kind] += 1
        for graph, inputs, wanted in given:
            if not same(driver.run(str(graph), inputs)[0], wanted):
                found.unrecovered.append(f"{kind}, {graph}")
    return found
