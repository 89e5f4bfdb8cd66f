"""Capture keeps the newest frame at the pace of its source, and waits for a camera that
goes away.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.errors import SourceError
from host.images import fitted
from host.media.video import Frame, FrameSource, open_source
from host.serve.limits import TRACKED_SIDE
from host.serve.newest import Newest
from host.serve.notices import Notices
from host.serve.rates import Meter
from host.serve.worker import Worker

RETRY_S = 2.0
"""A camera is tried again after this many seconds."""
SILENT_S = 3.0
"""A camera that gives no frame for this many seconds is said to be silent."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A shot is a frame (H, W, 3) RGB uint8 with what the tracker wants of it.

    codes are the frame as the image encoder reads it, made ahead of time. opened counts how often
    the source has been opened, so that a change of size can be told from a bad frame. index is that
    of the frame in its source. aspect is the width of a pixel for its height.
    """

    frame: NDArray[np.uint8]
    codes: NDArray[Any]
    opened: int
    index: int = 0
    aspect: float = 1.0


def is_camera(source: str) -> bool:
    """Tells whether a source is a camera's number."""
    return source.isascii() and source.isdigit() and not Path(source).exists()


def check_source(source: str) -> None:
    """Raises SourceError for a file or folder that cannot be read; cameras may come later."""
    if not is_camera(source):
        open_source(source)


class Capture(Worker):
    """Capture reads a source over and over: files and folders at their own rate from the end to the
    beginning again, a camera as it delivers.

    prepare makes the image encoder's codes of a frame; it runs here, beside the device's work.
    """

    def __init__(
        self,
        source: str,
        prepare: Callable[[NDArray[np.uint8]], NDArray[Any]],
        notices: Notices,
    ) -> None:
        super().__init__("source", notices)
        self.source, self.shots, self.meter = source, Newest[Shot](), Meter()
        self.playing = threading.Event()
        self.playing.set()
        self._prepare, self._opened, self._camera = prepare, 0, is_camera(source)
        self._last = time.monotonic()

    def round(self) -> None:
        """Opens the source and reads it to its end. Raises SourceError where it breaks off."""
        try:
            source = self._open()
        except SourceError as error:
            self._wait(error)
            return
        self._opened += 1
        frames = iter(source)
        try:
            self._read(source, frames)
        except SourceError as error:
            self._wait(error)
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()
            # A decoder that has ended is in a ring (PyAV), 10 MB of which only this gives back.
            gc.collect()

    @property
    def silent(self) -> bool:
        """Tells whether a camera that is open has given nothing for a while."""
        return self._camera and time.monotonic() - self._last > SILENT_S

    def _open(self) -> FrameSource:
        if (
            self._camera
            and sys.platform == "linux"
            and not Path(f"/dev/video{self.source}").exists()
        ):
            raise SourceError(  # opening it would say so too, but on the terminal, at length
                f"there is no camera {self.source}", "plug it in: it is looked for all the time"
            )
        return open_source(self.source)

    def _wait(self, error: SourceError) -> None:
        again = "; trying again" if self._camera else "; beginning again"
        self.notices.set("source", f"{error}{again}")
        self.pause(RETRY_S)

    def _read(self, source: FrameSource, frames: Iterator[Frame]) -> None:
        began, held = time.monotonic(), 0.0
        for frame in frames:
            if self.stopping:
                return
            if not self.playing.is_set():
                paused = time.monotonic()
                # A camera's frames must be taken also while nobody wants them, or they grow old.
                while not (self._camera or self.playing.wait(0.2) or self.stopping):
                    pass
                held += time.monotonic() - paused
                if self._camera:
                    continue
            if not self._camera:
                at = frame.index / source.fps if frame.time is None else frame.time
                self.pause(max(0.0, began + held + at - time.monotonic()))
            self._last = time.monotonic()
            self.notices.clear("source")
            image = fitted(frame.image, TRACKED_SIDE)
            shot = Shot(image, self._prepare(image), self._opened, frame.index, float(frame.aspect))
            self.meter.tick()
            self.shots.put(shot)
