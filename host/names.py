"""A name that a script gets wrong is refused together with the nearest name that exists."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from host.errors import UnknownNameError, UsageError


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
