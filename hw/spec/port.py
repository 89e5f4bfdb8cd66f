"""A port: a tensor that crosses the edge of a graph, with its type and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.spec.dtypes import IntType
from hw.spec.errors import SpecError
from hw.spec.plain import typed, whole
from hw.spec.renamed import current

LARGEST_SIDE = 1 << 24
"""No side of a port that is read from a file is larger."""


@dataclass(frozen=True)
class Port:
    """Name, shape (None = ragged dimension), integer type and scale: value = code * scale.

    dtype None is a float model's port: its codes are the float32 values themselves.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: IntType | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise SpecError(f"port {self.name}: scale {self.scale}", "a scale is a positive number")
        if any(n is not None and n < 1 for n in self.shape):
            raise SpecError(f"port {self.name}: shape {self.shape}", "dimensions are at least 1")

    @property
    def storage(self) -> np.dtype:
        """A code is stored in this numpy type."""
        return np.dtype(np.float32) if self.dtype is None else self.dtype.numpy

    def encode(self, values: ArrayLike) -> NDArray[Any]:
        """Turns values into codes: divided by the scale, rounded half to even, clipped."""
        wanted = np.asarray(values, np.float32)
        if self.dtype is None:
            return wanted
        steps = np.rint(wanted / np.float32(self.scale))
        # Clip in float64: the ends of a 32-bit type are no float32 numbers.
        limited = np.clip(steps.astype(np.float64), self.dtype.min, self.dtype.max)
        return limited.astype(self.dtype.numpy)

    def decode(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        """Turns codes into values, float32: each times the scale."""
        if self.dtype is None:
            return np.asarray(codes, np.float32)
        return codes.astype(np.float32) * np.float32(self.scale)

    def check(self, codes: NDArray[Any]) -> None:
        """Raises SpecError unless `codes` have the port's shape and storage type."""
        fits = codes.ndim == len(self.shape) and all(
            want is None or have == want for have, want in zip(codes.shape, self.shape, strict=True)
        )
        if not fits:
            raise SpecError(
                f"port {self.name}: shape {tuple(codes.shape)}", f"{self.shape} is needed"
            )
        if codes.dtype != self.storage:
            raise SpecError(f"port {self.name}: {codes.dtype}", f"{self.storage} is needed")

    def to_json(self) -> dict[str, Any]:
        """Returns the port in the plain form that manifests and programs have."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": None if self.dtype is None else self.dtype.name,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Port:
        """Returns the port that a plain form describes. Raises KeyError, TypeError, ValueError or
        SpecError on malformed input.
        """
        name, shape = plain["dtype"], plain["shape"]
        return cls(
            current("port", typed(str, plain["name"])),
            tuple(None if n is None else whole(n, "a dimension", 1, LARGEST_SIDE) for n in shape),
            None if name is None else IntType.parse(typed(str, name)),
            typed(float, plain["scale"]),
        )
