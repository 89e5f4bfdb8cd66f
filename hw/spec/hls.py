"""What a kernel says of its HLS form: the template that works and the constants that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.errors import SpecError


@dataclass(frozen=True, eq=False)
class Rom:
    """A constant array of a template's arguments, indexed as the header says."""

    values: NDArray[np.int64]
    bits: int
    signed: bool


@dataclass(frozen=True)
class HlsCall:
    """A call names a template of `hw/hls/include/<header>.hpp` and all that it is called with.

    The function takes the kernel's input streams in the order of `Kernel.inputs`, its output
    streams in that of `Kernel.outputs`, then the constants.

    Attributes:
        header: stem of the header.
        function: name of the template.
        template: its arguments by name, in the header's order: whole numbers, truth
            values as 0 and 1.
        roms: its constants by name, in the header's order.
        instanced: whether the last template argument is a number of the call's own, since the
            function keeps something between frames.
    """

    header: str
    function: str
    template: Mapping[str, int]
    roms: Mapping[str, Rom] = field(default_factory=dict)
    instanced: bool = False


ENTRY_CYCLES = 2
"""A pipelined loop takes these cycles to be entered and to be left, one each (UG1399, "Working with
Loops").
"""


@dataclass(frozen=True)
class HlsLoop:
    """The pipelined loop of one process of a template, in one frame, at II = 1.

    Attributes:
        function: that holds it.
        trips: iterations, of all that it is entered.
        entries: how often it is entered. A nest is flattened to one loop where nothing stands
            between its loops and no inner bound is known at run time only (UG1399, loop_flatten).
        stages: of the pipeline, estimated: what a code takes from the read to the write.
        waits: cycles after the process before it begins until this one can.
    """

    function: str
    trips: int
    entries: int = 1
    stages: int = 6
    waits: int = 0

    @property
    def cycles(self) -> int:
        """The loop takes so many cycles a frame."""
        return self.trips + self.entries * (self.stages - 1 + ENTRY_CYCLES)


def rom(values: NDArray[Any], bits: int, signed: bool) -> Rom:
    """A Rom of codes of so many bits, up to 63. Raises SpecError for codes beyond them."""
    codes = np.asarray(values).astype(np.int64)
    half = 1 << (bits - 1)
    low, high = (-half, half - 1) if signed else (0, 2 * half - 1)
    if codes.min() < low or codes.max() > high:
        raise SpecError(
            f"constants {codes.min()}..{codes.max()} of an HLS kernel",
            f"{bits} bits hold {low}..{high}",
        )
    return Rom(codes, bits, signed)
