"""A slot holds the newest value only: whoever is slow skips what came between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """The slot holds one value, written and read by any threads; nothing queues."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._version = 0
        self._listeners: list[Callable[[], None]] = []

    def put(self, value: T) -> None:
        """Replaces the value and tells those who wait."""
        with self._changed:
            self._value = value
            self._version += 1
            listeners = list(self._listeners)
            self._changed.notify_all()
        for listener in listeners:
            listener()

    def get(self) -> tuple[int, T | None]:
        """Returns the value with its version, which is 0 before the first one."""
        with self._changed:
            return self._version, self._value

    def after(self, version: int, timeout: float) -> tuple[int, T | None]:
        """Waits for a value newer than `version`, up to `timeout` seconds, and then returns what
        `get` does.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout)
            return self._version, self._value

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` after every `put`, in the writer's thread, and returns the function that
        ends that.
        """
        with self._changed:
            self._listeners.append(listener)

        def end() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end
