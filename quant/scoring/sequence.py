"""Runs a tracker through an annotated sequence, as a user would, and scores it by DAVIS's rules.

Everything goes through `host.session`, so what is scored is what a board runs. An object is
prompted once, on the first frame that annotates it, from its ground truth there; click prompts
follow SAM 2's interactive protocol on that frame (Ravi et al. 2024, section 6.1): the first click
in the centre, each further one in the centre of the largest remaining error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from host.device import Device
from host.media.masks import label_map
from host.prompts import POSITIVE, Prompt
from host.session import Session, StepResult
from hw.spec.errors import SpecError
from quant.data import VideoSequence
from quant.data.images import VOID
from quant.data.prompts import centre_click, corrective_click, draw_box
from quant.scoring.encode_once import ENCODER, EncodeOnce
from quant.scoring.measures.trace import Trace
from quant.scoring.metrics import ObjectScore, SequenceScore, boundary_f, jaccard

PROMPTS = {"mask": 0, "box": 0, "click1": 1, "click3": 3, "click5": 5}
"""Prompt kinds and the clicks that each spends."""

OBJECTS = ("as annotated", "exclusive", "overlapping")
"""The rules for pixels that several objects claim: shared where the annotation's objects share
them, never shared (the surest object has them), always shared.
"""


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """This is one frame of a tracked sequence.

    image (H, W, 3) uint8 RGB. truths: masks (Ht, Wt) bool by object id, of the tracked objects
    that are annotated here. masks: predictions by object id at the ground truth's size (the
    frame's own where there is none). void: where (Ht, Wt) nothing is known and nothing is scored.
    prompts: given on this frame. result: the session's answer.
    """

    index: int
    image: NDArray[np.uint8]
    truths: dict[int, NDArray[np.bool_]]
    masks: dict[int, NDArray[np.bool_]]
    prompts: dict[int, Prompt]
    result: StepResult
    milliseconds: float
    void: NDArray[np.bool_] | None = None


@dataclass
class Tally:
    """Scores of one sequence, frame by frame; `score` sums up what was added so far."""

    name: str
    rows: dict[int, list[tuple[int, float, float, float, float]]] = field(default_factory=dict)

    def add(self, frame: TrackedFrame) -> None:
        """Measure every object that is annotated on the frame."""
        for object_id, truth in frame.truths.items():
            pred = frame.masks[object_id]
            if frame.void is not None:
                pred = pred & ~frame.void
            shares = float(truth.mean()), float(pred.mean())
            row = (frame.index, jaccard(pred, truth), boundary_f(pred, truth), *shares)
            self.rows.setdefault(object_id, []).append(row)

    def score(self) -> SequenceScore:
        """The sequence's score; each object's prompted and last annotated frame are left out."""
        scores = []
        for object_id, (frames, j, f, *_) in self._columns():
            scores.append(ObjectScore(object_id, frames, j, f).without_ends())
        return SequenceScore(self.name, tuple(scores))

    def traces(self) -> tuple[Trace, ...]:
        """The same objects' presence and areas, in the order of `score`."""
        return tuple(
            Trace(object_id, frames, truth, pred, j)
            for object_id, (frames, j, _, truth, pred) in self._columns()
        )

    def _columns(self) -> Iterator[tuple[int, Any]]:
        for object_id in sorted(self.rows):
            yield object_id, tuple(zip(*self.rows[object_id], strict=True))


def score_sequence(device: Device, sequence: VideoSequence, prompt: str = "mask") -> SequenceScore:
    """Track every object of a sequence from one kind of prompt and score it.

    prompt: one of PROMPTS. Raises SpecError for another kind or a sequence without any object.
    """
    tally = Tally(sequence.name)
    for frame in track(device, sequence, prompt):
        tally.add(frame)
    return tally.score()


def track(
    device: Device, sequence: VideoSequence, prompt: str = "mask", objects: str = OBJECTS[0]
) -> Iterator[TrackedFrame]:
    """Every frame of a sequence, tracked in order through one session; see `score_sequence`."""
    for frames in track_all(device, sequence, [prompt], objects):
        yield frames[prompt]


def track_all(
    device: Device, sequence: VideoSequence, prompts: Sequence[str], objects: str = OBJECTS[0]
) -> Iterator[dict[str, TrackedFrame]]:
    """Every frame of a sequence by kind of prompt: a session each, in lockstep.

    objects: one of OBJECTS. Each frame is encoded once for all of them
    (quant.scoring.encode_once); the milliseconds of each count the encoder in full. Raises
    SpecError as `score_sequence`.
    """
    for name, wanted, known in (
        *(("prompt kind", p, tuple(PROMPTS)) for p in prompts),
        ("rule for objects", objects, OBJECTS),
    ):
        if wanted not in known:
            raise SpecError(f"unknown {name} {wanted!r}", f"there is: {', '.join(known)}")
    shared = device if isinstance(device, EncodeOnce) else EncodeOnce(device)
    # Corrections go by each object's own mask; below, the rule asked for says who gets a pixel.
    sessions = {prompt: Session(shared, overlapping=True) for prompt in prompts}
    tracked: list[int] = []
    for index in range(len(sequence)):
        truths, void = _truths(sequence, index, tracked)
        fresh = [i for i, mask in truths.items() if i not in tracked and mask.any()]
        tracked += fresh
        if not tracked:
            continue  # nothing to track yet
        image = sequence.frame(index)
        truths = {i: truths[i] for i in tracked if i in truths}
        started = {i: truths[i] for i in fresh}
        frames: dict[str, TrackedFrame] = {}
        encoding = 0.0
        for prompt, session in sessions.items():
            given, result, stages = _step(session, image, started, prompt)
            encoding = encoding or stages.get(ENCODER, 0.0)
            spent = sum(stages.values()) - stages.get(ENCODER, 0.0) + encoding
            shape = next((mask.shape for mask in truths.values()), image.shape[:2])
            overlapping = sequence.overlapping if objects == OBJECTS[0] else objects == OBJECTS[2]
            masks = _masks(result, shape, overlapping)
            frames[prompt] = TrackedFrame(index, image, truths, masks, given, result, spent, void)
        yield frames
    if not tracked:
        raise SpecError(
            f"sequence {sequence.name} annotates no object", "leave it out with --sequences"
        )


def _step(
    session: Session, image: NDArray[np.uint8], started: dict[int, NDArray[np.bool_]], prompt: str
) -> tuple[dict[int, Prompt], StepResult, dict[str, float]]:
    """The next frame, with prompts for the objects that start on it: prompts given, the answer, and
    milliseconds by stage."""
    size = (image.shape[0], image.shape[1])
    given = {i: _first_prompt(truth, prompt, size) for i, truth in started.items()}
    result = session.step(image, given)
    stages = dict(result.timings_ms)
    for _ in range(PROMPTS[prompt] - 1):
        fixes = _corrections(result, started)
        if not fixes:
            break
        result = session.refine(fixes)
        given |= {i: given[i].then(fix) for i, fix in fixes.items()}
        for stage, spent in result.timings_ms.items():
            stages[stage] = stages.get(stage, 0.0) + spent
    return given, result, stages


def _truths(
    sequence: VideoSequence, index: int, tracked: list[int]
) -> tuple[dict[int, NDArray[np.bool_]], NDArray[np.bool_] | None]:
    """Masks of a frame's annotated objects, and where nothing is known, None for nowhere; tracked
    objects that are not to be seen are empty.
    """
    if sequence.overlapping:
        found = {i: sequence.object_mask(index, i) for i in sequence.object_ids}
        return {i: mask for i, mask in found.items() if mask is not None}, None
    labels = sequence.labels(index)
    if labels is None:
        return {}, None
    void = labels == VOID
    seen = {int(i) for i in np.unique(labels)} - {0, VOID}
    return {i: labels == i for i in sorted(seen | set(tracked))}, void if void.any() else None


def _masks(
    result: StepResult, shape: tuple[int, ...], overlapping: bool
) -> dict[int, NDArray[np.bool_]]:
    height, width = shape
    logits = {i: found.video_logits(height, width) for i, found in result.objects.items()}
    if overlapping:
        return {i: plane > 0 for i, plane in logits.items()}
    # A pixel is one object's, the surest one's: SAM 2's non-overlap constraint.
    labels = label_map(logits, (height, width))
    return {i: labels == i for i in logits}


def _first_prompt(truth: NDArray[np.bool_], kind: str, size: tuple[int, ...]) -> Prompt:
    if kind == "mask":
        return Prompt(mask=_resized(truth, size))
    if kind == "box":
        exact = np.random.default_rng(0)  # not drawn from: no jitter
        return Prompt(box=np.array(draw_box(truth, exact, jitter=0), np.float32))
    x, y = centre_click(truth)
    return _click(x, y, POSITIVE)


def _click(x: float, y: float, label: int) -> Prompt:
    return Prompt(points=np.array([(x, y)], np.float32), labels=np.array([label]))


def _corrections(result: StepResult, truths: dict[int, NDArray[np.bool_]]) -> dict[int, Prompt]:
    fixes = {}
    for object_id, truth in truths.items():
        pred = result.objects[object_id].mask(*truth.shape)
        if (pred != truth).any():
            x, y, label = corrective_click(pred, truth, None)
            fixes[object_id] = _click(x, y, int(label))
    return fixes


def _resized(mask: NDArray[np.bool_], size: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape == tuple(size):
        return mask
    how = cv2.INTER_NEAREST
    return cv2.resize(mask.astype(np.uint8), (size[1], size[0]), interpolation=how) != 0
