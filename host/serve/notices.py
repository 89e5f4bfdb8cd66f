"""Everybody who looks at the page has to know these things: one line a topic, until it
is mended.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Notices:
    """Lines are kept by topic; those who listen hear of each change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, str] = {}
        self.changed: Callable[[], None] = lambda: None

    def set(self, topic: str, line: str) -> None:
        """Says something of a topic; saying the same again changes nothing."""
        with self._lock:
            same = self._lines.get(topic) == line
            self._lines[topic] = line
        if not same:
            log.warning("%s: %s", topic, line)
            self.changed()

    def clear(self, topic: str) -> None:
        """Takes back what was said of a topic."""
        with self._lock:
            gone = self._lines.pop(topic, None)
        if gone is not None:
            self.changed()

    def lines(self) -> list[str]:
        """Returns the lines that hold now, the oldest first."""
        with self._lock:
            return list(self._lines.values())
