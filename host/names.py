"""A name that a script gets wrong is refused together with the nearest name that exists; methods of
torch's modules, which scripts call on a model, do nothing where there is nowhere to move the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from host.errors import UnknownNameError, UsageError

Self = TypeVar("Self", bound="ModuleNames")


def advice(name: Any, known: Iterable[str]) -> str:
    """Says what to write in place of a name that is not known."""
    names = sorted(known)
    near = get_close_matches(str(name), names, 1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there is: {', '.join(names) or 'none'}"


def check_known(given: Iterable[Any], known: Iterable[str], what: str) -> None:
    """Raises UsageError for the first of the given names that is not known.

    what says in the message what such a name is, for instance "field of an add_prompt request".
    """
    names = set(known)
    for name in given:
        if name not in names:
            raise UsageError(f"{name!r} is no {what}", advice(name, names))


def public_names(owner: Any) -> list[str]:
    """Returns the names that a user may read of an object."""
    return [name for name in dir(owner) if not name.startswith("_")]


class Named:
    """An object of this class names the nearest of its names when it is asked for one that it
    lacks.
    """

    def __getattr__(self, name: str) -> Any:
        # Only called where the usual ways have failed.
        kind = type(self).__name__
        if name.startswith("__"):  # protocols that Python or numpy look for
            raise AttributeError(f"{kind} has no {name}")
        raise UnknownNameError(f"{kind} has no {name!r}", advice(name, public_names(type(self))))


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
