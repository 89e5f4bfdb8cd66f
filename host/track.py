"""Tracks a whole source and writes what was asked for: overlay clip, masks, times."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host import overlay
from host.clip_writer import ClipWriter
from host.device import Device
from host.device_hardware import cycle_summary
from host.errors import PromptError, SourceError, UsageError
from host.masks import MaskWriter, masks_by_id, read_label_map
from host.prompts import Prompt
from host.session import Session, check_frame
from host.stats import FrameTimes, write_json
from host.tracker import StageClock
from host.video import Frame, FrameSource

Points = list[tuple[float, float, int]]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PromptRequest:
    """What to track, in pixels: a mask file, or boxes (an object each), or clicks and one box."""

    mask: Path | None = None
    points: Points = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    frame: int = 0

    def __post_init__(self) -> None:
        if self.mask is None and not self.points and not self.boxes:
            raise UsageError("nothing to track", "say what with --mask, --point or --box")
        if self.mask is not None and (self.points or self.boxes):
            raise UsageError("--mask together with --point or --box", "give one kind of prompt")
        if self.points and len(self.boxes) > 1:
            raise UsageError("--point with several boxes", "clicks belong to a single object")
        if self.frame < 0:
            raise UsageError(f"--frame {self.frame}", "frames are numbered from 0")

    def labels(self) -> NDArray[np.uint8] | None:
        """Label map of the mask file. Raises PromptError."""
        return None if self.mask is None else read_label_map(self.mask)

    def prompts(
        self, height: int, width: int, labels: NDArray[np.uint8] | None
    ) -> dict[int, Prompt]:
        """Prompts by object id on a frame of that size. Raises PromptError."""
        if labels is not None:
            return {
                object_id: Prompt.from_pixels(height, width, mask=mask)
                for object_id, mask in masks_by_id(labels).items()
            }
        if self.points:
            where = [(x, y) for x, y, _ in self.points]
            kinds = [kind for _, _, kind in self.points]
            box = self.boxes[0] if self.boxes else None
            return {1: Prompt.from_pixels(height, width, where, kinds, box)}
        return {
            number: Prompt.from_pixels(height, width, box=box)
            for number, box in enumerate(self.boxes, 1)
        }


@dataclass(frozen=True)
class Outputs:
    """Where results go; None where none are wanted."""

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
    """What came of a run."""

    frames: int = 0
    interrupted: bool = False
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


def track(
    source: FrameSource,
    device: Device,
    request: PromptRequest,
    outputs: Outputs,
    progress: Callable[[int], None] = lambda _frames: None,
) -> Report:
    """Streams a source through a session; `progress` hears of every finished frame.

    Bad prompts and unwritable outputs are reported before the first graph runs. An error removes
    the unfinished clip; an interruption closes it, so that it holds the frames done so far.
    """
    outputs.check()
    labels = request.labels()
    if source.count is not None and request.frame >= source.count:
        raise _no_such_frame(source, request.frame, source.count)
    frames = iter(source)
    first = next(frames, None)
    if first is None:
        raise SourceError(f"{source.description} holds no frames", "give a video with frames in it")
    check_frame(first.image)
    height, width = first.image.shape[:2]
    run = _Run(
        Session(device),
        request.prompts(height, width, labels),
        request.frame,
        outputs,
        source.fps,
        Report(frame_size=(height, width)),
    )
    try:
        with interruptible() as stopped:
            current: Frame | None = first
            while current is not None and not stopped():
                run.frame(current)
                progress(run.report.frames)
                started = time.perf_counter()
                current = next(frames, None)
                run.read_ms = (time.perf_counter() - started) * 1e3
            run.report.interrupted = stopped()
            if not run.report.interrupted and run.report.frames <= request.frame:
                raise _no_such_frame(source, request.frame, run.report.frames)
            run.finish()
    except BaseException:
        run.abort()
        raise
    if outputs.stats is not None:
        write_json(outputs.stats, _stats(source, device, request, run.report))
    return run.report


def _no_such_frame(source: FrameSource, frame: int, count: int) -> PromptError:
    return PromptError(
        f"prompt on frame {frame}, but {source.description} has {count} frames",
        f"use --frame 0..{count - 1}",
    )


class _Run:
    """The frames of one run, from session to files."""

    def __init__(
        self,
        session: Session,
        prompts: dict[int, Prompt],
        prompt_frame: int,
        outputs: Outputs,
        fps: float,
        report: Report,
    ) -> None:
        self.session, self.prompts, self.prompt_frame = session, prompts, prompt_frame
        self.report = report
        self.read_ms = 0.0
        report.present = dict.fromkeys(prompts, 0)
        self._clip = None if outputs.clip is None else ClipWriter(outputs.clip, fps)
        self._masks = None if outputs.masks is None else MaskWriter(outputs.masks, list(prompts))

    def frame(self, frame: Frame) -> None:
        """Tracks one frame and writes its results."""
        started = time.perf_counter()
        prompts = self.prompts if frame.index == self.prompt_frame else {}
        result = self.session.step(frame.image, prompts)
        for object_id, found in result.objects.items():
            self.report.present[object_id] += found.present
        clock = StageClock()
        if self._clip is not None or self._masks is not None:
            with clock.stage("upsample"):
                logits = {i: found.video_logits() for i, found in result.objects.items()}
            if self._masks is not None:
                with clock.stage("write masks"):
                    self._masks.write(frame.name, logits, self.report.frame_size)
            if self._clip is not None:
                with clock.stage("draw"):
                    picture = overlay.draw(frame.image, logits, prompts)
                with clock.stage("write clip"):
                    self._clip.write(picture)
        self.report.frames += 1
        if result.objects:
            total = (time.perf_counter() - started) * 1e3 + self.read_ms
            stages = {"read": self.read_ms} if self.read_ms else {}
            self.report.times.add({**stages, **result.timings_ms, **clock.ms}, total)

    def finish(self) -> None:
        if self._clip is not None:
            self._clip.finish()

    def abort(self) -> None:
        if self._clip is not None:
            self._clip.abort()


def _stats(
    source: FrameSource, device: Device, request: PromptRequest, report: Report
) -> dict[str, Any]:
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
        "prompt_frame": request.frame,
        "interrupted": report.interrupted,
        "objects": {str(i): {"present_frames": count} for i, count in report.present.items()},
        "stages_ms": report.times.summary(),
        "cycles": cycle_summary(device),
        "frames_per_second": round(1e3 / float(np.mean(totals)), 3) if totals else None,
        "frame_ms": [round(total, 3) for total in totals],
    }
