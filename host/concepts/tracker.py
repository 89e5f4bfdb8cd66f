"""Finds every instance of a concept in a stream of frames and follows each under one id.

    device = open_device("golden", detector=True)
    tracker = ConceptTracker(device, ConceptPrompt("fish"), Rules(delay=15))
    for frame in frames:
        for done in tracker.step(frame):
            masks = {i: plane > 0 for i, plane in done.logits(height, width).items()}
    rest = tracker.finish()

The detector looks at every k-th frame, the tracker follows in between, on one run of the image
encoder a frame. With a delay, output is held back until it is known which tracks never were an
instance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from host.concepts.association import Plan, Rules, Tracks
from host.concepts.detections import Detections
from host.concepts.phrases import Phrases
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptDetector
from host.device import Device
from host.images import sigmoid
from host.mask_overlap import share_frame
from host.prompts import Prompt
from host.session import ObjectResult, Session
from host.tracker import Answer, StageClock


@dataclass(frozen=True, eq=False)
class TrackedInstance:
    """A tracked instance is one instance on one frame.

    answer is the tracker's, without its candidates. score is that of the detection which found the
    instance. tracker_score, in 0..1, is the tracker's own estimate that it is on this frame.
    """

    answer: Answer
    score: float
    tracker_score: float

    @classmethod
    def of(cls, found: ObjectResult, score: float) -> TrackedInstance:
        """Makes a tracked instance of a session's result."""
        # Held back over many frames, the candidates would weigh most.
        light = replace(found.answer, candidates=found.answer.candidates[:0].copy())
        return cls(light, score, float(sigmoid(np.float32(found.score))))

    def logits(self, height: int, width: int) -> NDArray[np.float32]:
        """Returns the mask's logits at (height, width)."""
        return self.answer.video_logits(height, width)


@dataclass(frozen=True, eq=False)
class ConceptFrame:
    """This is what is known of a frame once it is let out.

    instances are those visible, by id. looked says whether the detector ran. presence is the
    probability that the concept is there, by the last look. saturated says that there may be more
    instances than could be found or followed. frame is the frame itself.
    """

    frame_index: int
    frame: NDArray[np.uint8]
    instances: dict[int, TrackedInstance]
    looked: bool
    presence: float
    saturated: bool
    timings_ms: dict[str, float] = field(default_factory=dict)

    def logits(
        self, height: int, width: int, overlapping: bool = False
    ) -> dict[int, NDArray[np.float32]]:
        """Returns mask logits (height, width) by rising id, each pixel left to the surest instance
        unless masks may be overlapping; instances without a pixel are left out.
        """
        planes = {i: self.instances[i].logits(height, width) for i in sorted(self.instances)}
        planes = planes if overlapping else share_frame(planes)
        return {i: plane for i, plane in planes.items() if (plane > 0).any()}


Correct = Callable[[Mapping[int, ObjectResult]], Mapping[int, Prompt]]
"""Such a function is told the objects on a frame by id, and answers with prompts for some."""


class ConceptTracker:
    """A concept tracker joins detector, tracker and association on one stream. A device serves one
    stream at a time.

    The prompt's text holds on every frame, its example boxes on the first alone, as in SAM 3.
    Without text nothing new is looked for after that frame, and without a prompt (None) never.
    Raises DeviceError for a device without a detector, PromptError for a bad prompt, before
    anything runs.
    """

    def __init__(
        self,
        device: Device,
        prompt: ConceptPrompt | None,
        rules: Rules | None = None,
        phrases: Phrases | None = None,
    ) -> None:
        self.rules = rules or Rules()
        # One run of the encoder serves the detector and every instance.
        self.session = Session(device, window=0)
        self.withdrawn: set[int] = set()
        self._detector = ConceptDetector(device, phrases)
        if prompt is not None:
            self._detector.check(prompt)
        self._prompt = prompt
        self._tracks = Tracks(self.rules)
        self._scores: dict[int, float] = {}
        self._held: deque[ConceptFrame] = deque()
        self._presence, self._saturated = 0.0, False

    @property
    def next_id(self) -> int:
        """Returns the id of the next instance to be found; ids are not used twice."""
        return self._tracks.next_id

    def seed(
        self,
        frame: NDArray[np.uint8],
        known: Mapping[int, TrackedInstance],
        next_id: int,
        pinned: Iterable[int] = (),
    ) -> None:
        """Begins with instances that are known on a frame, under their ids, and gives no output.

        Call it in place of the first `step`, to follow the same instances the other way in time.
        pinned are those that a user has corrected.
        """
        self._known(frame, known, next_id)
        self._tracks.adopt(0, np.array(self.session.object_ids, np.int64))
        self._tracks.pin(pinned)

    def begin(
        self,
        frame: NDArray[np.uint8],
        known: Mapping[int, TrackedInstance],
        next_id: int,
        pinned: Iterable[int] = (),
        correct: Correct | None = None,
    ) -> list[ConceptFrame]:
        """Takes the place of the first `step` on a frame on which some instances are known
        beforehand; those that are not pinned have to be confirmed like new ones.
        """
        objects = self._known(frame, known, next_id)
        self._tracks.add(0, np.array(self.session.object_ids, np.int64))
        self._tracks.pin(pinned)
        return self._take(frame, objects, correct)

    def step(self, frame: NDArray[np.uint8], correct: Correct | None = None) -> list[ConceptFrame]:
        """Takes the next frame (H, W, 3) uint8 RGB and returns the frames that are let out by it,
        in order.

        correct is told the objects on the frame, by id, and answers with prompts for those that are
        to be corrected, which are then neither withdrawn nor ended; ids of `claim` start others.
        Raises FrameError before anything has changed.
        """
        return self._take(frame, self.session.step(frame).objects, correct)

    def claim(self) -> int:
        """Returns an id for an instance that a correction starts."""
        return self._tracks.claim()

    def _known(
        self, frame: NDArray[np.uint8], known: Mapping[int, TrackedInstance], next_id: int
    ) -> dict[int, ObjectResult]:
        prompts = {i: _as_prompt(one.answer, frame.shape[:2]) for i, one in known.items()}
        seen = {i: p for i, p in prompts.items() if p.mask is not None and p.mask.any()}
        self._scores = {i: one.score for i, one in known.items()}
        self._tracks = Tracks(self.rules, next_id)
        return self.session.step(frame, seen).objects

    def _take(
        self,
        frame: NDArray[np.uint8],
        objects: Mapping[int, ObjectResult],
        correct: Correct | None,
    ) -> list[ConceptFrame]:
        session, clock = self.session, StageClock()
        now = session.state.frame_index
        masks = _visible_masks(objects, self._tracks.ids.tolist(), self._grid)
        looked = self._looks(now)
        if looked:
            plan, found = self._look(now, masks, clock)
        else:
            with clock.stage("association"):
                plan, found = self._tracks.coast(now, masks), None
        spent = dict(session.timings_ms)
        objects = self._follow(plan, found, objects, spent)
        prompts = {} if correct is None else correct(objects)
        if prompts:
            objects = self._correct(now, prompts, spent)
        hidden = set(plan.hidden)
        if plan.started or plan.conditioned or prompts:
            # Anew, since these have other masks by now.
            ids = self._tracks.ids
            with clock.stage("association"):
                covered = self._tracks.covered(_visible_masks(objects, ids.tolist(), self._grid))
            hidden = set(ids[covered].tolist())
        self._held.append(
            ConceptFrame(
                now,
                frame,
                {
                    i: TrackedInstance.of(one, self._scores[i])
                    for i, one in objects.items()
                    if i not in hidden and one.present and (one.logits > 0).any()
                },
                looked,
                self._presence,
                self._saturated,
                spent | clock.ms,
            )
        )
        return self._release(max(self.rules.delay, 1))

    def finish(self) -> list[ConceptFrame]:
        """Lets out the frames that are still held back when the stream is over."""
        return self._release(1)

    @property
    def _grid(self) -> int:
        return self.session.device.spec.grid

    def _looks(self, now: int) -> bool:
        if self._prompt is None or now % self.rules.every:
            return False
        return now == 0 or self._prompt.text is not None

    def _look(
        self, now: int, masks: NDArray[np.bool_], clock: StageClock
    ) -> tuple[Plan, Detections]:
        state, rules = self.session.state, self.rules
        image = self.session.encoded()
        prompt = self._prompt
        assert prompt is not None  # else it does not look
        if now and len(prompt.boxes):
            prompt = ConceptPrompt(prompt.text)
        assert state.frame_size is not None  # a step has been taken
        with clock.stage("detector"):
            found = self._detector(
                image, prompt, state.frame_size, rules.threshold, rules.duplicate_iou
            )
        with clock.stage("association"):
            plan = self._tracks.update(now, masks, found.logits > 0, found.scores)
        self._presence = found.presence
        self._saturated = found.saturated or plan.dropped > 0
        return plan, found

    def _follow(
        self,
        plan: Plan,
        found: Detections | None,
        objects: Mapping[int, ObjectResult],
        spent: dict[str, float],
    ) -> dict[int, ObjectResult]:
        """Carries the plan out; returns every object on the frame and adds the time to `spent`."""
        gone = {*plan.withdrawn, *plan.ended}
        self.withdrawn.update(plan.withdrawn)
        for object_id in gone:
            self.session.remove_object(object_id)
            del self._scores[object_id]
        kept = {i: one for i, one in objects.items() if i not in gone}
        lent = {**plan.conditioned, **plan.started}
        if found is None or not lent:
            return kept
        prompts = {i: Prompt.from_logits(found.logits[row]) for i, row in lent.items()}
        self._scores.update({i: float(found.scores[row]) for i, row in plan.started.items()})
        result = self.session.refine(prompts)
        for stage, ms in result.timings_ms.items():
            spent[stage] = spent.get(stage, 0.0) + ms
        return dict(result.objects)

    def _correct(
        self, now: int, prompts: Mapping[int, Prompt], spent: dict[str, float]
    ) -> dict[int, ObjectResult]:
        """Carries corrections out; returns every object and adds the time to `spent`."""
        new = [i for i in prompts if i not in self._tracks.ids]
        result = self.session.refine(prompts)
        self._tracks.add(now, np.array(new, np.int64))
        self._tracks.pin(prompts)
        self._scores.update(dict.fromkeys(new, 1.0))
        for stage, ms in result.timings_ms.items():
            spent[stage] = spent.get(stage, 0.0) + ms
        return dict(result.objects)

    def _release(self, most: int) -> list[ConceptFrame]:
        """Frames beyond `most - 1` held back, without the tracks withdrawn by now."""
        done = []
        while len(self._held) >= most:
            held = self._held.popleft()
            for object_id in self.withdrawn & held.instances.keys():
                del held.instances[object_id]
            done.append(held)
        return done


def _as_prompt(answer: Answer, size: tuple[int, ...]) -> Prompt:
    """The mask that an answer stands for: the user's own on a frame of this size, else the model's
    logits.
    """
    if answer.given is not None and answer.given.shape == size:
        return Prompt(mask=answer.given)
    return Prompt.from_logits(answer.logits)


def _visible_masks(
    objects: Mapping[int, ObjectResult], ids: list[int], grid: int
) -> NDArray[np.bool_]:
    """Masks (m, R, R) of the tracks, in order of their ids; empty where one is absent."""
    masks = np.zeros((len(ids), grid, grid), bool)
    for row, object_id in enumerate(ids):
        if objects[object_id].present:
            masks[row] = objects[object_id].logits > 0
    return masks
