"""The roster keeps the objects of the page's list: names, what found them, and those set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from host.errors import UnknownObjectError, UsageError
from host.serve.limits import MOST_OBJECTS
from host.session_state import ObjectState


@dataclass
class Entry:
    """An entry is one object. name is empty where nobody gave one. found_by is the phrase that
    found it, until a user corrects it. aside is what the session knew of it, while it is paused.
    absent counts the frames in a row without it.
    """

    object_id: int
    name: str = ""
    found_by: str | None = None
    aside: ObjectState | None = None
    absent: int = 0


class Roster:
    """The roster lists entries by id. Ids are those of mask files: small, the lowest
    that is free.
    """

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, object_id: int) -> bool:
        return object_id in self._entries

    def __getitem__(self, object_id: int) -> Entry:
        """An entry. Raises UnknownObjectError."""
        if object_id not in self._entries:
            raise UnknownObjectError(f"object {object_id} is gone", "choose one of the list")
        return self._entries[object_id]

    def free_id(self) -> int:
        """Returns an id for a new object. Raises UsageError where there are as many objects as may
        be.
        """
        if len(self._entries) >= MOST_OBJECTS:
            raise UsageError(
                f"there are {MOST_OBJECTS} objects, the most at once", "remove one first"
            )
        return next(i for i in range(1, MOST_OBJECTS + 1) if i not in self._entries)

    def add(self, object_id: int, name: str = "", found_by: str | None = None) -> None:
        """Puts a new object on the list under its id."""
        self._entries[object_id] = Entry(object_id, name, found_by)

    def remove(self, object_id: int) -> Entry:
        """Takes an object off the list. Raises UnknownObjectError."""
        entry = self[object_id]
        del self._entries[object_id]
        return entry

    def clear(self) -> None:
        """Takes all objects off the list."""
        self._entries.clear()
