"""Scripts call methods of torch's modules on a model; these do nothing where there is nowhere to
move the model.
"""

from __future__ import annotations

from typing import Any, TypeVar

from host.names import Named

Self = TypeVar("Self", bound="ModuleNames")


class ModuleNames(Named):
    """A class that inherits from this one answers `model.to("cuda").eval()` and the like with
    itself, and names what it lacks.
    """

    def to(self: Self, *_args: Any, **_kwargs: Any) -> Self:
        """Returns the object itself, whatever device or type is asked for, since a bundle's are
        fixed.
        """
        return self

    def eval(self: Self) -> Self:
        """Returns the object itself and does nothing else."""
        return self

    def cuda(self: Self, *_args: Any) -> Self:
        """Returns the object itself, which stays on its own device."""
        return self

    def cpu(self: Self) -> Self:
        """Returns the object itself, which stays on its own device."""
        return self

    def half(self: Self) -> Self:
        """Returns the object itself, whose types are fixed."""
        return self

    def float(self: Self) -> Self:
        """Returns the object itself, whose types are fixed."""
        return self

    def requires_grad_(self: Self, *_args: Any) -> Self:
        """Returns the object itself, which has no gradients."""
        return self
