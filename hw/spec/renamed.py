"""Names that have changed since files with them were written: the one table that reads old files.

Bundles, exports and saved sessions stay valid, to the byte, when a name of theirs gets better. What
is read is renamed at once, so that the rest of the code knows one name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

V = TypeVar("V")

RENAMED: Mapping[str, Mapping[str, str]] = {
    "port": {"pointers": "obj_ptr"},
    "bank": {"pointers": "obj_ptrs"},
    "answer": {"pointer": "obj_ptr"},
}
"""By what is named: the name in files of versions 0.1 and 0.2 -> the name since, which is SAM 2's.
"""


def current(kind: str, name: str) -> str:
    """Returns the name in use of what a file calls `name`. kind: a key of `RENAMED`."""
    return RENAMED[kind].get(name, name)


def current_keys(kind: str, plain: Mapping[str, V]) -> dict[str, V]:
    """Returns a mapping from a file with its keys renamed. Raises ValueError where two of them get
    one name.
    """
    found = {current(kind, name): value for name, value in plain.items()}
    if len(found) != len(plain):
        raise ValueError(f"{', '.join(plain)}: one of them twice, by an old and a new name")
    return found


def first(kind: str, name: str) -> str:
    """Returns the name that files whose format knows only the first names have for `name`."""
    return {new: old for old, new in RENAMED[kind].items()}.get(name, name)
