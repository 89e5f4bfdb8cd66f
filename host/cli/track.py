"""`track` follows prompted objects through a whole source."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.cli.stats import write_json
from host.cli.streaming import Outputs, Report, Run, stats, stream
from host.device import Device
from host.errors import UsageError
from host.media.masks import masks_by_id, read_label_map
from host.media.video import Frame, FrameSource
from host.prompts import Prompt
from host.session import Session
from host.tracker import StageClock

Points = list[tuple[float, float, int]]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PromptRequest:
    """A request says what to track, in pixels: a mask file, or boxes (an object each), or clicks
    and one box.
    """

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
        """Returns the label map of the mask file. Raises PromptError where it cannot be read."""
        return None if self.mask is None else read_label_map(self.mask)

    def prompts(
        self, height: int, width: int, labels: NDArray[np.uint8] | None
    ) -> dict[int, Prompt]:
        """Returns prompts by object id on a frame of that size. Raises PromptError."""
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


def track(
    source: FrameSource,
    device: Device,
    request: PromptRequest,
    outputs: Outputs,
    progress: Callable[[int], None] = lambda _frames: None,
    overlapping: bool = False,
    whole_frame: bool = False,
) -> Report:
    """Streams a source through a session and tells `progress` of every finished frame. With
    overlapping, masks of several objects may overlap in the overlay. With whole_frame no object is
    looked for in a window of its own.

    Bad prompts and unwritable outputs are reported before the first graph runs.
    """
    outputs.check()
    labels = request.labels()

    def start(first: Frame) -> Run:
        size = (first.image.shape[0], first.image.shape[1])
        prompts = request.prompts(*size, labels)
        session = Session(device, overlapping, window=0 if whole_frame else None)
        return _PromptRun(session, prompts, source, outputs, size, request.frame)

    run = stream(source, request.frame, start, progress)
    if outputs.stats is not None:
        write_json(outputs.stats, stats(run, device))
    return run.report


class _PromptRun(Run):
    """Objects that were prompted on one frame."""

    def __init__(
        self,
        session: Session,
        prompts: dict[int, Prompt],
        source: FrameSource,
        outputs: Outputs,
        frame_size: tuple[int, int],
        first: int,
    ) -> None:
        super().__init__(source, outputs, frame_size, list(prompts), first)
        self._session, self._prompts = session, prompts

    def frame(self, frame: Frame) -> None:
        """Tracks one frame and writes its results."""
        started = time.perf_counter()
        prompts = self._prompts if frame.index == self.first else {}
        result = self._session.step(frame.image, prompts)
        for object_id, found in result.objects.items():
            self.report.present[object_id] += found.present
        clock = StageClock()
        if self.wants_logits:
            with clock.stage("upsample"):
                logits = {i: found.video_logits() for i, found in result.objects.items()}
            self.write(frame, logits, prompts, clock)
        self.report.frames += 1
        if result.objects:
            total = (time.perf_counter() - started) * 1e3 + self.read_ms
            stages = {"read": self.read_ms} if self.read_ms else {}
            self.report.times.add({**stages, **result.timings_ms, **clock.ms}, total)
