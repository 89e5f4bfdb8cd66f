"""What notebooks use beside the public names: pictures in a cell, and a look at the hardware."""

from __future__ import annotations

from host.media.inline import View
from host.rates.inspect import cycles, difference, hardware_of, report_of

__all__ = ["View", "cycles", "difference", "hardware_of", "report_of"]
