"""A worker is a thread that works until it is told to stop, and survives what goes wrong in one
round.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from host.errors import SamFabricError
from host.serve.notices import Notices

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""A round that failed is followed by the next after this many seconds, so that a lasting fault does
not spin.
"""
JOIN_S = 12.0
"""Ending waits this many seconds for a round: a camera's own time-out is ten."""


class Worker(ABC):
    """A daemon thread runs `round` again and again; what it raises becomes a notice under the
    worker's name, which the next round that ends well takes back.
    """

    def __init__(self, name: str, notices: Notices) -> None:
        self.name, self.notices = name, notices
        self._stop, self._failed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def round(self) -> None:
        """Does one piece of work, and waits half a second at most where there is none."""

    def close(self) -> None:  # noqa: B027
        """Gives back what the worker holds, in its own thread, when it ends; most hold nothing."""

    @property
    def stopping(self) -> bool:
        """Tells whether the worker is to end."""
        return self._stop.is_set()

    def start(self) -> None:
        """Starts the worker's thread, which then works round by round."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after its present round, and waits for that."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def pause(self, seconds: float) -> None:
        """Waits for some seconds, less long where the worker is to stop."""
        self._stop.wait(seconds)

    def _run(self) -> None:
        try:
            while not self.stopping:
                self._guarded()
        finally:
            self.close()

    def _guarded(self) -> None:
        try:
            self.round()
        except SamFabricError as error:
            self._fail(str(error))
        except Exception:  # a bug in one frame's work must not end the show
            log.exception("%s failed", self.name)
            self._fail(f"{self.name} failed; the terminal says more")
        else:
            if self._failed:
                self.notices.clear(self.name)
            self._failed = False

    def _fail(self, line: str) -> None:
        self._failed = True
        self.notices.set(self.name, line)
        self.pause(PAUSE_S)
