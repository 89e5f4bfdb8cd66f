"""A recording writes what the page shows to a clip that plays whatever happens to the power."""

from __future__ import annotations

import shutil
import threading
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from host.errors import UsageError
from host.media.clip_writer import ClipWriter
from host.serve.drawing import Picture
from host.serve.limits import LEAST_FREE_BYTES, RECORDING_BYTES
from host.serve.newest import Newest
from host.serve.notices import Notices
from host.serve.worker import Worker

TOPIC = "recording"
SUFFIX = ".mp4"
CLIPS = 8
"""Clips that the page offers."""
LONGEST_REST = 10.0
"""A still picture lasts this many seconds at most in a clip: a held stream is no hour
of nothing.
"""


class Recording(Worker):
    """A recording writes the newest labelled picture to a clip in `folder` while it is on."""

    def __init__(self, folder: Path, pictures: Newest[Picture], notices: Notices) -> None:
        super().__init__(TOPIC, notices)
        self.folder = folder
        self._pictures, self._seen = pictures, 0
        self._lock = threading.Lock()
        self._writer: ClipWriter | None = None
        self._size: tuple[int, ...] = ()
        self._shown = self._written = 0.0
        self.clips: list[str] = []  # names of those kept, the newest first

    @property
    def on(self) -> bool:
        """Tells whether a clip is being written."""
        return self._writer is not None

    def begin(self) -> str:
        """Starts a clip and returns its name. Raises UsageError where it cannot be written, or
        another is being written already.
        """
        with self._lock:
            if self._writer is not None:
                raise UsageError("a recording is running", "end it first")
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                free = shutil.disk_usage(self.folder).free
            except OSError as error:
                raise UsageError(
                    f"cannot write to {self.folder}: {error.strerror}", "start with another --out"
                ) from error
            if free < LEAST_FREE_BYTES:
                raise UsageError(
                    f"{free >> 20} MB are free in {self.folder}", "make room for a recording"
                )
            path = self._free_path()
            self._writer = ClipWriter(path, live=True)
            self._size, self._shown, self._written = (), 0.0, 0.0
            self.notices.clear(TOPIC)
            return path.name

    def end(self) -> str | None:
        """Ends the clip and returns its name where it holds anything."""
        with self._lock:
            return self._finish()

    def round(self) -> None:
        """Writes a picture, where a new one is there and a clip to write it to."""
        version, picture = self._pictures.after(self._seen, 0.5)
        if version == self._seen or picture is None:
            return
        self._seen = version
        with self._lock:
            if self._writer is not None and picture.labelled is not None:
                self._write(self._writer, picture)

    def close(self) -> None:
        """Ends the clip and closes its file."""
        self.end()

    def state(self) -> dict[str, object] | None:
        """Returns the name and the seconds of what is being written, or None."""
        writer = self._writer
        if writer is None:
            return None
        return {"name": writer.path.name, "seconds": int(self._written)}

    def _free_path(self) -> Path:
        stem = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        names = (f"{stem}{'' if n == 1 else f'_{n}'}{SUFFIX}" for n in range(1, 1000))
        return next(p for p in (self.folder / name for name in names) if not p.exists())

    def _write(self, writer: ClipWriter, picture: Picture) -> None:
        assert picture.labelled is not None  # asked for by `round`
        if not self._size:
            self._size = picture.labelled.shape
        if picture.labelled.shape != self._size:
            self._finish()
            self.notices.set(TOPIC, "the recording ended: the picture's size changed")
            return
        rest = picture.time - self._shown if self._shown else 0.0
        self._written += min(rest, LONGEST_REST)
        self._shown = picture.time
        try:
            writer.write(
                picture.labelled, self._written, Fraction(picture.aspect).limit_denominator()
            )
        except OSError as error:  # the disk is full, or was taken out
            self._writer = None
            self.notices.set(TOPIC, f"the recording broke off: {error.strerror or error}")
            return
        if writer.path.stat().st_size > RECORDING_BYTES:
            self._finish()
            self.notices.set(TOPIC, f"the recording ended at {RECORDING_BYTES >> 30} GB")
        elif shutil.disk_usage(self.folder).free < LEAST_FREE_BYTES:
            self._finish()
            self.notices.set(TOPIC, "the recording ended: the disk is nearly full")

    def _finish(self) -> str | None:
        writer, self._writer = self._writer, None
        if writer is None:
            return None
        try:
            done = writer.finish()
        except OSError as error:
            self.notices.set(TOPIC, f"the recording broke off: {error.strerror or error}")
            return writer.path.name
        if done is None:
            return None
        self.clips = [done.name, *self.clips][:CLIPS]
        return done.name
