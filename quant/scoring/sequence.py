"""Runs a tracker through an annotated sequence, as a user would, and scores it by DAVIS's rules.

Everything goes through `host.session`, so what is scored is what a board runs. An object is
prompted once, on the first frame that annotates it, from its ground truth there; click prompts
follow SAM 2's interactive protocol on that frame (Ravi et al. 2024, section 6.1): the first click
in the centre, each further one in the centre of the largest remaining error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from host.device import Device
from host.media.masks import label_map
from host.prompts import Prompt
from host.session import Session, StepResult
from hw.spec.errors import SpecError
from quant.data import VideoSequence
from quant.data.prompts import centre_click, corrective_click, draw_box
from quant.scoring.metrics import ObjectScore, SequenceScore, boundary_f, jaccard

PROMPTS = {"mask": 0, "box": 0, "click1": 1, "click3": 3, "click5": 5}
"""Prompt kinds and the clicks that each spends."""


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame of a tracked sequence.

    image (H, W, 3) uint8 RGB. truths: masks (Ht, Wt) bool by object id, of the tracked objects
    that are annotated here. masks: predictions by object id at the ground truth's size (the
    frame's own where there is none). prompts: given on this frame. result: the session's answer.
    """

    index: int
    image: NDArray[np.uint8]
    truths: dict[int, NDArray[np.bool_]]
    masks: dict[int, NDArray[np.bool_]]
    prompts: dict[int, Prompt]
    result: StepResult
    milliseconds: float


@dataclass
class Tally:
    """Scores of one sequence, frame by frame; `score` sums up what was added so far."""

    name: str
    rows: dict[int, list[tuple[int, float, float]]] = field(default_factory=dict)

    def add(self, frame: TrackedFrame) -> None:
        """Measure every object that is annotated on the frame."""
        for object_id, truth in frame.truths.items():
            pred = frame.masks[object_id]
            row = (frame.index, jaccard(pred, truth), boundary_f(pred, truth))
            self.rows.setdefault(object_id, []).append(row)

    def score(self) -> SequenceScore:
        """The sequence's score; each object's prompted and last annotated frame are left out."""
        whole = [ObjectScore(i, *zip(*self.rows[i], strict=True)) for i in sorted(self.rows)]
        return SequenceScore(self.name, tuple(o.without_ends() for o in whole))


def score_sequence(device: Device, sequence: VideoSequence, prompt: str = "mask") -> SequenceScore:
    """Track every object of a sequence from one kind of prompt and score it.

    prompt: one of PROMPTS. Raises SpecError for another kind or a sequence without any object.
    """
    tally = Tally(sequence.name)
    for frame in track(device, sequence, prompt):
        tally.add(frame)
    return tally.score()


def track(device: Device, sequence: VideoSequence, prompt: str = "mask") -> Iterator[TrackedFrame]:
    """Every frame of a sequence, tracked in order through one session; see `score_sequence`."""
    if prompt not in PROMPTS:
        raise SpecError(f"unknown prompt kind {prompt!r}", f"there is: {', '.join(PROMPTS)}")
    session = Session(device)
    for index in range(len(sequence)):
        truths = _truths(sequence, index, session.object_ids)
        fresh = [i for i, mask in truths.items() if i not in session.object_ids and mask.any()]
        if not fresh and not session.object_ids:
            continue  # nothing to track yet
        image = sequence.frame(index)
        size = (image.shape[0], image.shape[1])
        given = {i: _first_prompt(truths[i], prompt, size) for i in fresh}
        result = session.step(image, given)
        spent = sum(result.timings_ms.values())
        for _ in range(PROMPTS[prompt] - 1):
            fixes = _corrections(result, {i: truths[i] for i in fresh})
            if not fixes:
                break
            result = session.refine(fixes)
            given |= {i: given[i].then(fix) for i, fix in fixes.items()}
            spent += sum(result.timings_ms.values())
        truths = {i: truths[i] for i in session.object_ids if i in truths}
        shape = next((mask.shape for mask in truths.values()), size)
        masks = _masks(result, shape, sequence.overlapping)
        yield TrackedFrame(index, image, truths, masks, given, result, spent)
    if not session.object_ids:
        raise SpecError(
            f"sequence {sequence.name} annotates no object", "leave it out with --sequences"
        )


def _truths(
    sequence: VideoSequence, index: int, tracked: list[int]
) -> dict[int, NDArray[np.bool_]]:
    """Masks of a frame's annotated objects; tracked ones that are not to be seen are empty."""
    if sequence.overlapping:
        found = {i: sequence.object_mask(index, i) for i in sequence.object_ids}
        return {i: mask for i, mask in found.items() if mask is not None}
    ids = sequence.mask(index)
    if ids is None:
        return {}
    seen = {int(i) for i in np.unique(ids) if i}
    return {i: ids == i for i in sorted(seen | set(tracked))}


def _masks(
    result: StepResult, shape: tuple[int, ...], overlapping: bool
) -> dict[int, NDArray[np.bool_]]:
    height, width = shape
    logits = {i: found.video_logits(height, width) for i, found in result.objects.items()}
    if overlapping:
        return {i: plane > 0 for i, plane in logits.items()}
    # Ground truth without overlaps gives a pixel to one object: so does the surest answer.
    labels = label_map(logits, (height, width))
    return {i: labels == i for i in logits}


def _first_prompt(truth: NDArray[np.bool_], kind: str, size: tuple[int, ...]) -> Prompt:
    if kind == "mask":
        return Prompt(mask=_resized(truth, size))
    if kind == "box":
        exact = np.random.default_rng(0)  # not drawn from: no jitter
        return Prompt(box=np.array(draw_box(truth, exact, jitter=0), np.float32))
    x, y = centre_click(truth)
    return Prompt(points=[(x, y)], labels=[1])


def _corrections(result: StepResult, truths: dict[int, NDArray[np.bool_]]) -> dict[int, Prompt]:
    fixes = {}
    for object_id, truth in truths.items():
        pred = result.objects[object_id].mask(*truth.shape)
        if (pred != truth).any():
            x, y, label = corrective_click(pred, truth, None)
            fixes[object_id] = Prompt(points=[(x, y)], labels=[int(label)])
    return fixes


def _resized(mask: NDArray[np.bool_], size: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape == tuple(size):
        return mask
    how = cv2.INTER_NEAREST
    return cv2.resize(mask.astype(np.uint8), (size[1], size[0]), interpolation=how) != 0
