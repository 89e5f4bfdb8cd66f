"""The simulators' error. It stands apart from `sim.verilate`, so that a system compiled before can
be driven where Verilator is not installed.
"""

from __future__ import annotations

from hw.spec.errors import SamFabricError


class SimulatorError(SamFabricError):
    """Verilator or the compiler refused a design, or a simulation did not come to its end."""
