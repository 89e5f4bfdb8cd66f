"""A transport with faults planted in it, one at a time, whatever transport is inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from host.devices.rtl import RtlTransport
from host.devices.transport import TransportError
from hw.spec.registers import Control, Register
from sim.rtl.system import RtlSystem

KINDS = ("flip written", "flip read", "flip sent", "flip taken", "astray", "reset", "vanish")
LATEST = {"flip written": 30, "flip read": 120, "astray": 4, "reset": 60, "vanish": 60}
"""Of each kind, the latest access at which it strikes: to registers, or to addresses."""
OUTSIDE = 1 << 36


class Faulty:
    """A transport with one fault at a time: `arm` plants it, `struck` tells whether it has come.

    system: behind the transport; time passes in its cycles.
    """

    def __init__(self, transport: Any, system: RtlSystem) -> None:
        self._transport, self._system = transport, system
        self.grace = RtlTransport.grace
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

    def clock(self) -> int:
        """Returns the clock cycles of the simulation."""
        return self._system.cycles

    def give(self, array: Any) -> None:
        """A bit flips on the way to the accelerator: the memory has the right one afterwards."""
        if self._strikes("flip sent"):
            place = int(self._rng.integers(array.size))
            array[place] ^= 1
            self._flipped.append((array, place))
        self._transport.give(array)

    def take(self, array: Any) -> None:
        """A bit flips on the way back, where the accelerator has written the array: it is taken a
        second time then.
        """
        self._transport.take(array)
        if all(array is not one for one in self._taken):
            self._taken.append(array)
            return
        for flipped, place in self._flipped:
            flipped[place] ^= 1
        self._flipped.clear()
        if self._strikes("flip taken"):
            array[0] ^= 1
