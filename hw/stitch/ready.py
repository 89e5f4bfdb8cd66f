"""How long tready is under way in each kernel, by the timing analysis: in ns on UltraScale+, in a
crowded device, the net in front of a pin included. On xc7 the same takes `SLOWER` times as long.

These numbers decide where `hw.stitch.cuts` puts registers; which clock the result keeps is for
`make timing` to say. `tests/timing/test_ready.py` holds them against the analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

from hw.kernels.dwc import Dwc
from hw.spec.kernel import Kernel

SLOWER = {"xcup": 1.0, "xc7": 1.75}
"""By family."""


@dataclass(frozen=True)
class Ready:
    """Ways of tready in a kernel. behind: from an output's tready to registers; through: from there
    to an input's tready; ahead: from registers to an input's tready.
    """

    behind: float
    through: float
    ahead: float


def _dwc(kernel: Dwc) -> Ready:
    """Wide ones select among many codes."""
    common = gcd(kernel.IN_LANES, kernel.OUT_LANES)
    if kernel.IN_LANES // common > 4:
        return Ready(1.45, 1.05, 1.75)
    return Ready(1.65 if kernel.OUT_LANES // common > 4 else 1.35, 0.61, 0.90)


SKID = Ready(1.12, 0.00, 0.75)
RULES: Mapping[str, Ready | Callable[[Any], Ready]] = {
    "attention": Ready(2.00, 0.00, 2.00),
    "concat": Ready(1.30, 0.70, 0.70),
    "duplicate": Ready(1.00, 0.53, 0.62),
    "dwc": _dwc,
    "fifo": Ready(2.35, 0.00, 0.69),
    "fmpad": Ready(2.17, 0.99, 1.12),
    "join_add": Ready(1.15, 1.16, 1.24),
    "matmul": Ready(2.70, 0.90, 1.50),
    "mvu": Ready(2.66, 1.48, 1.60),
    "pipe": Ready(1.20, 0.39, 0.49),
    "requant": Ready(1.60, 0.71, 0.94),
    "skid": SKID,
    "split": Ready(1.70, 0.55, 0.65),
    "swg": Ready(2.88, 0.00, 0.59),
    "upsample_nearest": Ready(2.20, 1.00, 1.20),
    "vvu": Ready(2.66, 0.47, 0.57),
}
OTHER = Ready(2.60, 1.50, 1.60)
"""Of a kernel that no accelerator has yet."""


def ready(kernel: Kernel) -> Ready:
    """Returns how long tready is under way in a kernel."""
    rule = RULES.get(kernel.name, OTHER)
    return rule if isinstance(rule, Ready) else rule(kernel)
