"""What a tensor of the graph stands for while its scale is propagated: codes, sums, or a step on
the way between quantizers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Raw:
    """A raw value is a graph input before its quantizer."""

    port: str


@dataclass(frozen=True)
class Constant:
    """A constant is an initializer of the graph."""

    array: NDArray
    name: str


@dataclass(frozen=True)
class Weights:
    """Weights are quantized parameters: codes (O, ...), scale (O,)."""

    codes: NDArray[np.int8]
    scale: Floats


@dataclass(frozen=True)
class Codes:
    """Codes stand for value = code * scale."""

    tensor: str
    scale: float
    dtype: IntType


@dataclass(frozen=True)
class Sums:
    """Sums stand for value = sum * scale + bias, per channel (O,) or for all (1,); low..high are
    the reachable sums.
    """

    tensor: str
    scale: Floats
    bias: Floats
    low: Ints
    high: Ints
    relu: bool = False


@dataclass(frozen=True)
class Pair:
    """Sum of two codes of one scale, before its quantizer."""

    a: Codes
    b: Codes


@dataclass(frozen=True)
class RowMax:
    """A row maximum is the maximum of the codes along the last axis."""

    of: Codes


@dataclass(frozen=True)
class Distance:
    """A distance is a tensor of codes minus the maximum of their row."""

    of: Codes


@dataclass(frozen=True)
class Function:
    """This value is a function of the value of a Distance."""

    of: Codes
    apply: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Ratio:
    """Quotient of two sums, before its quantizer, and what was added to break ties."""

    total: Sums
    weight: Sums
    nudge: float = 0.0


Value = Raw | Constant | Weights | Codes | Sums | Pair | RowMax | Distance | Function | Ratio
