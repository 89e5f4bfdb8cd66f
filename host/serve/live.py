"""The show as a whole joins source, tracker, pictures and recording, and says what is to be said of
them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from host.device import Device
from host.errors import SamFabricError
from host.media.overlay import colour_of
from host.serve.capture import Capture
from host.serve.commands import Command, Play, Record
from host.serve.drawing import Drawing
from host.serve.limits import MOST_OBJECTS
from host.serve.notices import Notices
from host.serve.rates import limit_of
from host.serve.recording import Recording
from host.serve.tracking import Answering, Reply, Tracking
from host.serve.worker import Worker
from host.tracker import ObjectModel


class Live:
    """A show runs a source through a device until it is closed; pages talk to it from
    any thread.
    """

    def __init__(self, device: Device, source: str, out: Path) -> None:
        self.device = device
        self.notices = Notices()
        prepare = ObjectModel(device).prepare
        self.capture = Capture(source, prepare, self.notices)
        self.tracking = Tracking(device, self.capture.shots, self.notices)
        self.drawing = Drawing(self.tracking.tracked, self.notices, self._wanted)
        self.recording = Recording(out, self.drawing.pictures, self.notices)
        self._lock = threading.Lock()
        self._pages = self._streams = 0

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return self.capture, self.tracking, self.drawing, self.recording

    def start(self) -> None:
        """Begins to read, track, draw and, when asked, record."""
        for worker in self._workers:
            worker.start()

    def close(self) -> None:
        """Ends everything: a recording is closed, the device given back."""
        for worker in self._workers:
            worker.stop()

    def joins(self, pages: int = 0, streams: int = 0) -> None:
        """Counts a page or a reader of the stream in, or out with -1."""
        with self._lock:
            self._pages += pages
            self._streams += streams

    @property
    def watched(self) -> tuple[int, int]:
        """Returns how many pages and readers of the stream look on."""
        with self._lock:
            return self._pages, self._streams

    def _wanted(self) -> tuple[bool, bool]:
        pages, streams = self.watched
        return pages > 0, streams > 0 or self.recording.on

    def ask(self, command: Command, answer: Answering) -> None:
        """Carries a command out, here or in the tracker's thread; `answer` hears what came of it.

        Raises UsageError where too many are waiting.
        """
        if isinstance(command, Play):
            (self.capture.playing.set if command.on else self.capture.playing.clear)()
            answer(Reply())
        elif isinstance(command, Record):
            try:
                answer(Reply(said=self._record(command.on)))
            except SamFabricError as error:
                answer(Reply(error=error))
        else:
            self.tracking.ask(command, answer)

    def _record(self, on: bool) -> str:
        if on:
            return f"recording {self.recording.begin()}"
        name = self.recording.end()
        return "nothing was recorded" if name is None else f"kept {name}"

    def about(self) -> dict[str, Any]:
        """Returns what does not change: model, device, source, and what the model can find."""
        spec = self.device.spec
        hardware = getattr(self.device, "hardware", None)
        return {
            "model": spec.name,
            "precision": spec.precision,
            "device": self.device.name,
            "board": None if hardware is None else hardware.board,
            "clock_mhz": None if hardware is None else hardware.clock_mhz,
            "source": self.capture.source,
            "finds": self.tracking.looking.can,
            "most_objects": MOST_OBJECTS,
        }

    def state(self) -> dict[str, Any]:
        """Returns what changes now and then: objects, phrases, notices, recording."""
        _, tracked = self.tracking.tracked.get()
        lines = self.notices.lines()
        if self.capture.silent and self.capture.playing.is_set() and not lines:
            lines = [f"{self.capture.source} gives no frames: the last one stays"]
        return {
            "playing": self.capture.playing.is_set(),
            "objects": [
                {
                    "id": one.object_id,
                    "name": one.name,
                    "found_by": one.found_by,
                    "paused": one.paused,
                    "colour": "#{:02x}{:02x}{:02x}".format(*colour_of(one.object_id)),
                }
                for one in (tracked.listed if tracked is not None else ())
            ],
            "phrases": list(tracked.phrases) if tracked is not None else [],
            "notices": lines,
            "recording": self.recording.state(),
            "clips": self.recording.clips,
            "pages": self.watched[0],
        }

    def rates(self) -> dict[str, Any]:
        """Returns how many frames a second are read, tracked and drawn, and what keeps the tracker
        from all that are read.
        """
        meters = {
            "source": self.capture.meter,
            "tracked": self.tracking.meter,
            "shown": self.drawing.meter,
        }
        rates = {name: round(meter.rate, 1) for name, meter in meters.items()}
        _, tracked = self.tracking.tracked.get()
        stages = {} if tracked is None else tracked.stages_ms
        return {**rates, "limit": limit_of(rates["source"], rates["tracked"], stages)}
