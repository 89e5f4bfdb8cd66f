"""What a kernel says of its HLS form: the template that works and the constants that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType


@dataclass(frozen=True, eq=False)
class Rom:
    """A constant array of a template's arguments, indexed as the header says."""

    values: NDArray[np.int64]
    dtype: IntType


@dataclass(frozen=True)
class HlsCall:
    """One call of `hw/hls/include/<header>.hpp`.

    The function takes the kernel's input streams in the order of `Kernel.inputs`, its output
    streams in that of `Kernel.outputs`, then the constants.

    Attributes:
        header: stem of the header.
        function: name of the template.
        template: its arguments by name, in the header's order: whole numbers, truth values, or
            names of an enumeration.
        roms: its constants by name, in the header's order.
        instanced: whether the last template argument is a number of the call's own, since the
            function keeps something between frames.
    """

    header: str
    function: str
    template: Mapping[str, int | str]
    roms: Mapping[str, Rom] = field(default_factory=dict)
    instanced: bool = False


def rom(values: NDArray[Any], bits: int, signed: bool) -> Rom:
    """A Rom of codes of so many bits. Raises SpecError for codes that they do not hold."""
    dtype = IntType(bits, signed)
    codes = np.asarray(values).astype(np.int64)
    dtype.check(codes, "constants of an HLS kernel")
    return Rom(codes, dtype)
