"""The parameter sets of every kernel's test, for what looks at all of them."""

from __future__ import annotations

from importlib import import_module

from hw.library import names
from hw.spec.kernel import Kernel


def grid(name: str) -> list[Kernel]:
    """GRID of tests/kernels/test_<name>.py."""
    return list(import_module(f"tests.kernels.test_{name}").GRID)


def long_frames(name: str) -> list[Kernel]:
    """RATE of tests/kernels/test_<name>.py: sets whose sustained rate is measured."""
    return list(import_module(f"tests.kernels.test_{name}").RATE)


__all__ = ["grid", "long_frames", "names"]
