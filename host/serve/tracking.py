"""Tracking is the thread that owns the device: it takes the newest frame, follows every object, and
does what pages ask for between two frames.

A prompt answers on the frame that is current when it comes, which is the one seen or the next.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from host.device import Device
from host.errors import FrameError, SamFabricError, UsageError
from host.prompts import Prompt
from host.serve.capture import Shot
from host.serve.commands import Box, Command, Pause, Phrase, Point, Remove, Rename
from host.serve.limits import MOST_COMMANDS
from host.serve.looking import Looking
from host.serve.newest import Newest
from host.serve.notices import Notices
from host.serve.rates import Meter, StageMeans
from host.serve.roster import Roster
from host.serve.worker import Worker
from host.session import ObjectResult, Session
from host.tracker import STAGES

GIVE_UP = 90
"""An object that a phrase found may be absent for this many frames before it goes."""


@dataclass(frozen=True)
class Listed:
    """This is an object as the list shows it."""

    object_id: int
    name: str
    found_by: str | None
    paused: bool


@dataclass(frozen=True, eq=False)
class Tracked:
    """This is a frame with its answers. number counts tracked frames; answer counts every answer,
    also a second one on the same frame. cycles are those of the latest run of each graph, where
    there is a clock.
    """

    number: int
    answer: int
    shot: Shot
    objects: dict[int, ObjectResult]
    listed: tuple[Listed, ...]
    phrases: tuple[str, ...]
    stages_ms: dict[str, float]
    cycles: dict[str, int]


@dataclass(frozen=True)
class Reply:
    """A reply says what came of a command: the object that it made, or the error that it met."""

    started: int | None = None
    said: str | None = None
    error: SamFabricError | None = None


Answering = Callable[[Reply], None]


class Tracking(Worker):
    """Tracking follows objects on the newest of `shots`. The device serves this thread alone."""

    def __init__(self, device: Device, shots: Newest[Shot], notices: Notices) -> None:
        super().__init__("device", notices)
        self.device, self.tracked, self.meter = device, Newest[Tracked](), Meter()
        self.looking = Looking(device)
        self._session, self._roster, self._means = Session(device), Roster(), StageMeans()
        self._shots, self._seen, self._shot = shots, 0, None
        self._asked: deque[tuple[Command, Answering]] = deque()
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._objects: dict[int, ObjectResult] = {}
        self._answers = 0
        shots.listen(self._wake.set)

    _shot: Shot | None

    def ask(self, command: Command, answer: Answering) -> None:
        """Hands over a command; `answer` is called in the tracker's thread.

        Raises UsageError where too many are waiting.
        """
        with self._lock:
            if len(self._asked) >= MOST_COMMANDS:
                raise UsageError(
                    f"{MOST_COMMANDS} commands wait for the device", "give it a moment"
                )
            self._asked.append((command, answer))
        self._wake.set()

    def round(self) -> None:
        """Takes the newest frame, if there is one, then does what has been asked for."""
        self._wake.wait(0.5)
        self._wake.clear()
        version, shot = self._shots.get()
        fresh = shot is not None and version != self._seen
        if fresh and shot is not None:
            self._seen = version
            self._step(shot)
        replies = self._do_asked()
        if replies or fresh:
            self._publish()
        # What a reply names is listed by then: a page forgets an object that no list has.
        for answer, reply in replies:
            answer(reply)

    def close(self) -> None:
        """Gives the device back after the last frame."""
        self.device.close()

    def _step(self, shot: Shot) -> None:
        session, size = self._session, shot.frame.shape[:2]
        before = self._shot
        if before is not None and session.state.frame_size not in (None, size):
            if before.opened == shot.opened:
                raise FrameError(
                    f"a frame of {size[1]}x{size[0]} among others", "it is skipped: resize it"
                )
            self._forget_all()  # another camera, or the same one set anew
        self._shot = shot
        result = session.step(shot.frame, codes=shot.codes)
        self._objects, spent = result.objects, dict(result.timings_ms)
        self._end_lost()
        number = session.state.frame_index
        if (text := self.looking.due(number)) is not None:
            started = time.perf_counter()
            self._look(text)
            spent["detector"] = (time.perf_counter() - started) * 1e3
        self._means.add(spent)
        self.meter.tick()

    def _end_lost(self) -> None:
        for entry in self._roster:
            found = self._objects.get(entry.object_id)
            if found is None:
                continue
            entry.absent = 0 if found.present else entry.absent + 1
            if entry.found_by is not None and entry.absent > GIVE_UP:
                self._remove(entry.object_id)

    def _look(self, text: str, first: bool = False) -> int:
        """Starts what is new; returns how many."""
        prompts = self.looking.look(self._session, text, self._objects.values(), first)
        count = 0
        for prompt in prompts:
            try:
                object_id = self._roster.free_id()
            except UsageError:
                break  # the list is full and says so
            self._refine(object_id, prompt)
            self._roster.add(object_id, text, text)
            count += 1
        return count

    def _do_asked(self) -> list[tuple[Answering, Reply]]:
        """Does what waits; returns who is to hear of what came of it."""
        with self._lock:
            asked = list(self._asked)
            self._asked.clear()
        replies = []
        for command, answer in asked:
            try:
                replies.append((answer, self._do(command)))
            except SamFabricError as error:
                replies.append((answer, Reply(error=error)))
        return replies

    def _do(self, command: Command) -> Reply:
        if isinstance(command, (Point, Box)):
            return self._prompt(command)
        if isinstance(command, Phrase):
            return self._phrase(command)
        if isinstance(command, Rename):
            self._roster[command.object_id].name = command.name
        elif isinstance(command, Pause):
            self._pause(command.object_id, command.on)
        elif isinstance(command, Remove):
            if command.object_id is None:
                self._clear()
            else:
                self._remove(command.object_id)
        return Reply()

    def _prompt(self, command: Point | Box) -> Reply:
        if isinstance(command, Point):
            points = np.array([[command.x, command.y]], np.float32)
            prompt = Prompt(points, np.array([int(command.positive)]))
        else:
            prompt = Prompt(box=np.array(command.box, np.float32))
        if command.object_id is None:
            object_id = self._roster.free_id()
            self._refine(object_id, prompt)
            self._roster.add(object_id)
            return Reply(started=object_id)
        entry = self._roster[command.object_id]
        self._pause(entry.object_id, False)
        self._refine(entry.object_id, prompt)
        entry.found_by, entry.absent = None, 0
        return Reply()

    def _phrase(self, command: Phrase) -> Reply:
        if not command.on:
            self.looking.forget(command.text)
            return Reply()
        self._require_frame()
        self.looking.add(command.text)
        count = self._look(command.text, first=True)
        found = f"found {count}" if count else "nothing new yet"
        return Reply(said=f"{command.text}: {found}; looking on")

    def _refine(self, object_id: int, prompt: Prompt) -> None:
        self._require_frame()
        self._objects = self._session.refine({object_id: prompt}).objects

    def _require_frame(self) -> None:
        if self._shot is None:
            raise FrameError("there is no picture yet", "wait for the camera")

    def _pause(self, object_id: int, on: bool) -> None:
        entry, objects = self._roster[object_id], self._session.state.objects
        if on and entry.aside is None:
            entry.aside = objects.pop(object_id)
            entry.aside.end_frame()
        elif not on and entry.aside is not None:
            objects[object_id], entry.aside = entry.aside, None
        self._refresh()

    def _remove(self, object_id: int) -> None:
        self._roster.remove(object_id)
        self._session.state.objects.pop(object_id, None)
        self._refresh()

    def _clear(self) -> None:
        self.looking.phrases.clear()
        self._roster.clear()
        self._session.state.objects.clear()
        self._refresh()

    def _forget_all(self) -> None:
        self._session.reset()
        self._roster.clear()
        self._objects = {}

    def _refresh(self) -> None:
        """The present frame's results, without those that are gone."""
        if self._shot is not None and self._session.state.frame_size is not None:
            self._objects = self._session.refine({}).objects

    def _publish(self) -> None:
        if self._shot is None:
            return
        self._answers += 1
        cycles = getattr(self.device, "cycles", {})
        self.tracked.put(
            Tracked(
                self._session.state.frame_index,
                self._answers,
                self._shot,
                self._objects,
                tuple(
                    Listed(e.object_id, e.name, e.found_by, e.aside is not None)
                    for e in self._roster
                ),
                tuple(self.looking.phrases),
                self._means.rounded((*STAGES, "detector")),
                {graph: counts[-1] for graph, counts in cycles.items() if counts},
            )
        )
