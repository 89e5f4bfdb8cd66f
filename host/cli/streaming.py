"""A whole source is streamed through a run, and what is asked for is written: overlay, masks,
times.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.cli.stats import FrameTimes
from host.device import Device
from host.devices.hardware import cycle_summary
from host.errors import PromptError, SamFabricError, SourceError, UsageError
from host.images import check_frame
from host.media import overlay
from host.media.clip_writer import ClipWriter
from host.media.masks import MaskWriter
from host.media.video import Frame, FrameSource
from host.prompts import Prompt
from host.tracker import StageClock


@dataclass(frozen=True)
class Outputs:
    """These are the places where results go; a place is None where none is wanted."""

    clip: Path | None = None
    masks: Path | None = None
    stats: Path | None = None

    def check(self) -> None:
        """Raises UsageError for a place that cannot be written, before any work is done."""
        for path in (self.clip, self.stats):
            if path is not None and path.is_dir():
                raise UsageError(f"cannot write {path}: it is a folder", "name a file")
        for folder in (
            self.clip and self.clip.parent,
            self.stats and self.stats.parent,
            self.masks,
        ):
            if folder is None:
                continue
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"cannot make folder {folder}: {error.strerror}", "choose another place"
                ) from error
            if not os.access(folder, os.W_OK):
                raise UsageError(f"cannot write to {folder}", "choose another place")


@dataclass
class Report:
    """A report says what came of a run. saturated: there may be more instances than could be
    followed. broken: the error in which the source ended, where that was not its end.
    """

    frames: int = 0
    interrupted: bool = False
    broken: SamFabricError | None = None
    saturated: bool = False
    present: dict[int, int] = field(default_factory=dict)
    frame_size: tuple[int, int] = (0, 0)
    times: FrameTimes = field(default_factory=FrameTimes)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C into a flag, so that work stops between frames; the second one kills.

    Yields a function that says whether to stop. Outside the main thread it never does.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    former = signal.getsignal(signal.SIGINT)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, former)


class Run(ABC):
    """A run goes over the frames of a source: what it makes of a frame is its own, where results go
    is common to all runs.

    object_ids are those that masks will have, or None where they are not known beforehand. first is
    the frame that the prompt is on.
    """

    def __init__(
        self,
        source: FrameSource,
        outputs: Outputs,
        frame_size: tuple[int, int],
        object_ids: list[int] | None,
        first: int,
    ) -> None:
        self.report = Report(frame_size=frame_size)
        self.report.present = dict.fromkeys(object_ids or (), 0)
        self.source, self.outputs, self.first = source, outputs, first
        self.read_ms = 0.0
        self._clip = None if outputs.clip is None else ClipWriter(outputs.clip, source.fps)
        self._masks = None if outputs.masks is None else MaskWriter(outputs.masks, object_ids)

    @abstractmethod
    def frame(self, frame: Frame) -> None:
        """Tracks the next frame of the source and hands its masks on."""

    @property
    def wants_logits(self) -> bool:
        """Tells whether any result shows masks."""
        return self._clip is not None or self._masks is not None

    def write(
        self,
        frame: Frame,
        logits: Mapping[int, NDArray[np.float32]],
        prompts: Mapping[int, Prompt],
        clock: StageClock,
        labels: Mapping[int, str] | None = None,
    ) -> None:
        """Writes the masks of a frame, logits (H, W) by object id, where they are wanted."""
        if self._masks is not None:
            with clock.stage("write masks"):
                self._masks.write(frame.name, logits, self.report.frame_size)
        if self._clip is not None:
            with clock.stage("draw"):
                picture = overlay.draw(frame.image, logits, prompts, labels)
            with clock.stage("write clip"):
                self._clip.write(picture, frame.time, frame.aspect)

    def finish(self) -> None:
        """Ends the run after the last frame. Raises PromptError where the prompted frame never
        came.
        """
        if not self.report.interrupted and self.report.frames <= self.first:
            if self.report.broken is not None:
                raise self.report.broken
            raise no_such_frame(self.source, self.first, self.report.frames)
        if self._clip is not None:
            self._clip.finish()

    def abort(self) -> None:
        """Drops the unfinished clip of a run that failed, so that no half of one is left."""
        if self._clip is not None:
            self._clip.abort()


def stream(
    source: FrameSource,
    prompt_frame: int,
    start: Callable[[Frame], Run],
    progress: Callable[[int], None] = lambda _frames: None,
) -> Run:
    """Gives a source's frames to the run that `start` makes on the first one.

    progress is called with the number of frames taken so far. An error removes the unfinished clip;
    an interruption closes it, so that it holds the frames done so far, and so does a source that
    breaks off behind the prompted frame: `Report.broken` then says why.
    """
    if source.count is not None and prompt_frame >= source.count:
        raise no_such_frame(source, prompt_frame, source.count)
    frames = iter(source)
    first = next(frames, None)
    if first is None:
        raise SourceError(f"{source.description} holds no frames", "give a video with frames in it")
    check_frame(first.image)
    run = start(first)
    try:
        with interruptible() as stopped:
            current: Frame | None = first
            while current is not None and not stopped():
                run.frame(current)
                progress(run.report.frames)
                started = time.perf_counter()
                current = _next(frames, run.report)
                run.read_ms = (time.perf_counter() - started) * 1e3
            run.report.interrupted = stopped()
            run.finish()
    except BaseException:
        run.abort()
        raise
    return run


def _next(frames: Iterator[Frame], report: Report) -> Frame | None:
    """The next frame; None at the end, also where the source breaks off, which the report tells."""
    try:
        return next(frames, None)
    except SourceError as error:
        report.broken = error
        return None


def no_such_frame(source: FrameSource, frame: int, count: int) -> PromptError:
    """Returns the error of a prompt on a frame that the source does not have."""
    return PromptError(
        f"prompt on frame {frame}, but {source.description} has {count} frames",
        f"use --frame 0..{count - 1}",
    )


def stats(run: Run, device: Device) -> dict[str, Any]:
    """Returns as plain data what a run was and what time it took."""
    source, report = run.source, run.report
    totals = report.times.totals
    return {
        "source": source.description,
        "device": device.name,
        "model": device.spec.name,
        "precision": device.spec.precision,
        "image_size": device.spec.image_size,
        "frame_height": report.frame_size[0],
        "frame_width": report.frame_size[1],
        "frames": report.frames,
        "prompt_frame": run.first,
        "interrupted": report.interrupted,
        "broken": None if report.broken is None else str(report.broken),
        "objects": {str(i): {"present_frames": count} for i, count in report.present.items()},
        "stages_ms": report.times.summary(),
        "cycles": cycle_summary(device),
        "frames_per_second": round(1e3 / float(np.mean(totals)), 3) if totals else None,
        "frame_ms": [round(total, 3) for total in totals],
    }
