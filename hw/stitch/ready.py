"""How long tready is under way in each kernel, by the timing analysis: in ns on UltraScale+, in a
crowded device, the net in front of a pin included. On xc7 the same takes `SLOWER` times as long.

These numbers decide where `hw.stitch.cuts` puts registers; which clock the result keeps is for
`make timing` to say. `tests/timing/test_ready.py` holds them against the analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd, log2
from typing import Any

from hw.kernels.attention import Attention
from hw.kernels.dwc import Dwc
from hw.kernels.fifo import Fifo
from hw.kernels.fmpad import Fmpad
from hw.kernels.mvu import Mvu
from hw.kernels.pipe import Pipe
from hw.kernels.skid import Skid
from hw.kernels.swg import Swg
from hw.spec.kernel import Kernel

SLOWER = {"xcup": 1.0, "xc7": 1.75}
"""A family's logic and nets take so many times as long as those of UltraScale+."""


@dataclass(frozen=True)
class Ready:
    """Ways of tready in a kernel. behind: from an output's tready to registers; through: from there
    to an input's tready; ahead: from registers to an input's tready.
    """

    behind: float
    through: float
    ahead: float


def _attention(kernel: Attention) -> Ready:
    """Ahead: of its queries, which wait for keys and values."""
    return Ready(3.35, 0.00, 3.06) if kernel.LENGTH > 256 else Ready(3.55, 0.00, 2.50)


def _dwc(kernel: Dwc) -> Ready:
    """Narrowing selects among the codes of a beat."""
    common = gcd(kernel.IN_LANES, kernel.OUT_LANES)
    into, out = kernel.IN_LANES // common, kernel.OUT_LANES // common
    if into < out:
        return Ready(1.65 if out > 4 else 1.30, 0.58, 0.69)
    return Ready(1.66, 1.28, 1.77) if into > 4 else Ready(1.35, 0.80, 0.90)


def _fifo(kernel: Fifo) -> Ready:
    """The pointers of a deep FIFO are long, and so is the way to them."""
    return Ready(1.85 if kernel.DEPTH <= 64 else 2.50, 0.00, 0.35)


def _fmpad(kernel: Fmpad) -> Ready:
    return Ready(2.16 + 0.07 * log2(kernel.SIMD), 0.99, 1.12)


def _mvu(kernel: Mvu) -> Ready:
    """The more lanes, the more a step reaches; memories that are loaded have a port more."""
    lanes = kernel.PE * kernel.SIMD
    behind, through = (2.55, 1.42) if lanes < 8 else (2.65, 1.46) if lanes < 32 else (3.00, 1.70)
    if kernel.RAM_STYLE == "ultra":
        behind += 1.02
    elif kernel.PE >= 4:
        behind, through = max(behind, 2.95), max(through, 1.80)
    if kernel.RAM_STYLE == "distributed" and kernel.RES == "lut" and lanes >= 16:
        behind, through = 3.00, 1.82
    return Ready(behind, through, through + 0.10)


def _pipe(kernel: Pipe) -> Ready:
    """tready also enables the flip-flops of tdata; at half the rate it is one itself."""
    more = 0.08 * log2(1 + kernel.STREAM_WIDTH / 8)
    if kernel.HALF_RATE:
        return Ready(0.48, 0.00, 0.15 + more)
    return Ready(0.83 + more, 0.39, 0.49 + more)


def _skid(kernel: Skid) -> Ready:
    behind = 1.02 if kernel.REGISTER_FORWARD else 0.48
    more = 0.07 * log2(kernel.STREAM_WIDTH / 8)
    return Ready(behind + more * kernel.REGISTER_FORWARD, 0.00, 0.38 + more)


def _swg(kernel: Swg) -> Ready:
    """A read enables as many LUTRAMs as a word has bits."""
    return Ready(2.86 + 0.02 * kernel.SIMD, 0.00, 0.30)


RULES: Mapping[str, Ready | Callable[[Any], Ready]] = {
    "attention": _attention,
    "concat": Ready(1.30, 0.70, 0.70),
    "duplicate": Ready(1.00, 0.53, 0.62),
    "dwc": _dwc,
    "fifo": _fifo,
    "fmpad": _fmpad,
    "join_add": Ready(1.15, 1.16, 1.24),
    "matmul": Ready(2.70, 0.90, 1.50),
    "mvu": _mvu,
    "pipe": _pipe,
    "requant": Ready(1.72, 0.84, 0.94),
    "skid": _skid,
    "split": Ready(1.70, 0.55, 0.66),
    "swg": _swg,
    "upsample_nearest": Ready(2.20, 1.00, 1.20),
    "vvu": Ready(2.68, 0.47, 0.80),
}
LOADING = 0.85
"""From registers to the tready of memories that are loaded."""
OTHER = Ready(2.60, 1.50, 1.60)
"""The times of a kernel that no accelerator has yet."""


def ready(kernel: Kernel) -> Ready:
    """Returns how long tready is under way in a kernel."""
    rule = RULES.get(kernel.name, OTHER)
    return rule if isinstance(rule, Ready) else rule(kernel)
