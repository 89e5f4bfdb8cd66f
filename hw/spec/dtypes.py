"""Integer types of codes: how many bits, signed or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.errors import SpecError

MAX_BITS = 32

Arrays = dict[str, NDArray[Any]]
"""Arrays by name: codes of a graph's ports or of a kernel's streams."""


@dataclass(frozen=True)
class IntType:
    """An integer of 1..32 bits, two's complement when signed."""

    bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        least = 2 if self.signed else 1
        if not least <= self.bits <= MAX_BITS:
            kind = "signed" if self.signed else "unsigned"
            raise SpecError(f"{kind} integer of {self.bits} bits", f"use {least}..{MAX_BITS} bits")

    @property
    def min(self) -> int:
        """No code of the type is less than this."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """No code of the type is greater than this."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def numpy(self) -> np.dtype:
        """This is the narrowest numpy type that stores a code."""
        width = next(w for w in (8, 16, 32) if w >= self.bits)
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    @property
    def name(self) -> str:
        """QONNX's name of the type: INT8, UINT4, ..."""
        return f"{'INT' if self.signed else 'UINT'}{self.bits}"

    @classmethod
    def parse(cls, name: str) -> IntType:
        """Type of a QONNX name. Raises SpecError for anything but INTn and UINTn."""
        found = re.fullmatch(r"(U?)INT([0-9]{1,2})", name)
        if found is None:
            raise SpecError(f"integer type {name!r}", "use a QONNX name such as INT8 or UINT4")
        return cls(int(found[2]), signed=not found[1])

    def check(self, codes: NDArray, what: str = "codes") -> None:
        """Raises SpecError unless `codes` are integers within the range."""
        if not np.issubdtype(codes.dtype, np.integer):
            raise SpecError(f"{what} are {codes.dtype}", f"integer codes of {self.name} are needed")
        if codes.size and (codes.min() < self.min or codes.max() > self.max):
            raise SpecError(
                f"{what} run from {codes.min()} to {codes.max()}",
                f"{self.name} holds {self.min}..{self.max}",
            )
