"""The ways of torch's modules that scripts use on a model, where there is nowhere to move it."""

from __future__ import annotations

from typing import Any, TypeVar

from host.names import Named

Self = TypeVar("Self", bound="ModuleNames")


class ModuleNames(Named):
    """Answers `model.to("cuda").eval()` and the like with itself; what it lacks, it names."""

    def to(self: Self, *_args: Any, **_kwargs: Any) -> Self:
        """Itself, whatever the device or type asked for: those of a bundle are fixed."""
        return self

    def eval(self: Self) -> Self:
        """Itself: it does nothing else."""
        return self

    def cuda(self: Self, *_args: Any) -> Self:
        """Itself: it stays on its own device."""
        return self

    def cpu(self: Self) -> Self:
        """Itself: it stays on its own device."""
        return self

    def half(self: Self) -> Self:
        """Itself: its types are fixed."""
        return self

    def float(self: Self) -> Self:
        """Itself: its types are fixed."""
        return self

    def requires_grad_(self: Self, *_args: Any) -> Self:
        """Itself: there are no gradients."""
        return self
