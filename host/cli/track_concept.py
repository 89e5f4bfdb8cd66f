"""`track --text` finds and follows every instance of a concept through a whole source."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from host.cli.detect import ConceptRequest
from host.cli.stats import write_json
from host.cli.streaming import Outputs, Report, Run, stats, stream
from host.concepts.association import Rules
from host.concepts.outputs import outputs_of, plain
from host.concepts.tracker import ConceptFrame, ConceptTracker
from host.device import Device
from host.media.video import Frame, FrameSource
from host.tracker import StageClock


def track_concept(
    source: FrameSource,
    device: Device,
    request: ConceptRequest,
    outputs: Outputs,
    rules: Rules | None = None,
    first: int = 0,
    progress: Callable[[int], None] = lambda _frames: None,
    overlapping: bool = False,
) -> Report:
    """Streams a source through a concept tracker from frame `first` on, the frame that examples are
    on.

    Bad prompts and unwritable outputs are reported before the first graph runs. The JSON of
    `outputs` lists, beside the times, what was found on each frame under SAM 3's keys. With
    overlapping, masks may overlap in the overlay.
    """
    outputs.check()
    chosen = rules or Rules()

    def start(frame: Frame) -> _ConceptRun:
        size = (frame.image.shape[0], frame.image.shape[1])
        tracker = ConceptTracker(device, request.prompt(*size), chosen)
        return _ConceptRun(tracker, source, outputs, size, first, overlapping)

    run = stream(source, first, start, progress)
    assert isinstance(run, _ConceptRun)  # it is what `start` makes
    if outputs.stats is not None:
        write_json(outputs.stats, _described(run, device, request, chosen))
    return run.report


class _ConceptRun(Run):
    """Whatever instances turn up, from one frame on."""

    def __init__(
        self,
        tracker: ConceptTracker,
        source: FrameSource,
        outputs: Outputs,
        frame_size: tuple[int, int],
        first: int,
        overlapping: bool,
    ) -> None:
        super().__init__(source, outputs, frame_size, None, first)
        self.found: list[dict[str, Any]] = []
        self._tracker, self._overlapping = tracker, overlapping
        self._held: deque[tuple[Frame, float, float]] = deque()  # with ms of reading and of work

    def frame(self, frame: Frame) -> None:
        """Takes one frame and writes the results of those that are let out."""
        self.report.frames += 1
        if frame.index < self.first:
            self.write(frame, {}, {}, StageClock())
            return
        started = time.perf_counter()
        done = self._tracker.step(frame.image)
        self._held.append((frame, self.read_ms, (time.perf_counter() - started) * 1e3))
        for result in done:
            self._let_out(result)

    def finish(self) -> None:
        """Writes what was held back to the end."""
        for result in self._tracker.finish():
            self._let_out(result)
        super().finish()

    def _let_out(self, result: ConceptFrame) -> None:
        frame, read_ms, work_ms = self._held.popleft()
        height, width = self.report.frame_size
        started, clock = time.perf_counter(), StageClock()
        with clock.stage("upsample"):
            logits = result.logits(height, width, self._overlapping)
            outputs = outputs_of(result.instances, logits, height, width)
        for object_id in logits:
            self.report.present[object_id] = self.report.present.get(object_id, 0) + 1
        self.report.saturated |= result.saturated
        self.found.append(
            {
                "frame_index": frame.index,
                **plain(outputs, masks=False),
                "presence": round(result.presence, 4),
                "looked": result.looked,
            }
        )
        self.write(frame, logits, {}, clock, {i: str(i) for i in logits})
        stages = {"read": read_ms} if read_ms else {}
        total = read_ms + work_ms + (time.perf_counter() - started) * 1e3
        self.report.times.add({**stages, **result.timings_ms, **clock.ms}, total)


def _described(
    run: _ConceptRun, device: Device, request: ConceptRequest, rules: Rules
) -> dict[str, Any]:
    return {
        **stats(run, device),
        "text": request.text,
        "examples": [list(example) for example in request.examples],
        "delay": rules.delay,
        "every": rules.every,
        "threshold": rules.threshold,
        "new_score": rules.new_score,
        "saturated": run.report.saturated,
        "results": run.found,
    }
