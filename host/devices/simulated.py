"""What the transports of both simulated systems share: registers of a simulation, and patience."""

from __future__ import annotations

from typing import Any

from host.devices.driver import TransportError


class SimulatedRegisters:
    """These are the registers of a simulated system of `sim.rtl`.

    stalls is the seed of idle cycles and back-pressure, with which everything may take longer; None
    means that there are none. Methods raise TransportError.
    """

    timeout = 4.0
    grace = 20_000

    def __init__(self, system: Any, stalls: int | None = None) -> None:
        from sim.errors import SimulatorError

        self._system, self._error = system, SimulatorError
        if stalls is not None:
            self.timeout, self.grace = 100.0, 200_000

    def write(self, offset: int, value: int) -> None:
        """Writes a value of 32 bits to the simulated system's register at a byte offset."""
        try:
            self._system.write(offset, value)
        except self._error as error:
            raise TransportError(str(error)) from error

    def read(self, offset: int) -> int:
        """Returns the 32 bits of the register at a byte offset."""
        try:
            return int(self._system.read(offset))
        except self._error as error:
            raise TransportError(str(error)) from error
