"""Detections are what the concept detector found on a frame: instances with scores, boxes and
masks, the surest first, and the semantic mask of the whole concept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.device import Arrays
from host.errors import PromptError
from host.images import logits_to_video, sigmoid
from host.mask_overlap import mask_iou, share, surest
from host.spec import GraphPorts

THRESHOLD = 0.5
"""An answer with this score or a better one is an instance (SAM 3)."""
DUPLICATE_IOU = 0.5
"""Two answers of a picture whose masks have this IoU are one instance: COCO's limit, since SAM 3
leaves duplicates of a picture to its training.
"""


@dataclass(frozen=True, eq=False)
class Detections:
    """These are the n instances of a concept that were found on a frame (H, W) = frame_size.

    scores (n,) are in 0..1, falling. boxes (n, 4) are x0, y0, x1, y1 in pixels of the frame. logits
    (n, R, R) and semantic (R, R) are masks in value units. presence is the probability that the
    concept is there at all. saturated says that every query answered, so there may be more
    instances than these. overlapping says whether masks at the frame's size may overlap; else each
    pixel is of the surest instance.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    logits: NDArray[np.float32]
    semantic: NDArray[np.float32]
    presence: float
    saturated: bool
    frame_size: tuple[int, int]
    overlapping: bool = True

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def video_logits(self) -> NDArray[np.float32]:
        """Returns mask logits at the frame's size, (n, H, W)."""
        full = np.empty((len(self), *self.frame_size), np.float32)
        for plane, logits in zip(full, self.logits, strict=True):
            plane[:] = logits_to_video(logits, *self.frame_size)
        return full if self.overlapping else share(full)

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Returns masks (n, H, W), thresholded after the interpolation."""
        return self.video_logits > 0

    @property
    def soft_masks(self) -> NDArray[np.float32]:
        """Returns the probability (n, H, W) that a pixel is each instance's."""
        return sigmoid(self.video_logits)

    @property
    def semantic_soft_mask(self) -> NDArray[np.float32]:
        """Returns the probability (H, W) that a pixel is of any instance of the concept."""
        return sigmoid(logits_to_video(self.semantic, *self.frame_size))

    @property
    def semantic_mask(self) -> NDArray[np.bool_]:
        """Tells where (H, W) any instance of the concept is."""
        return logits_to_video(self.semantic, *self.frame_size) > 0

    def boxes_xywh(self) -> NDArray[np.float32]:
        """Returns boxes (n, 4) x, y, width, height in 0..1, the form of SAM 3's videos."""
        height, width = self.frame_size
        corners = self.boxes / np.array([width, height, width, height], np.float32)
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)


def read_detections(
    ports: GraphPorts,
    found: Arrays,
    valid: NDArray[np.int64],
    frame_size: tuple[int, int],
    threshold: float = THRESHOLD,
    duplicate_iou: float = DUPLICATE_IOU,
    gain: float = 1.0,
    offset: float = 0.0,
) -> Detections:
    """Reads the instances from the detector's outputs and keeps nothing of `found`.

    valid are the tokens that queries are scored against; gain and offset are those of
    `scaled_scores`. An answer with an empty mask is no instance. Raises PromptError for a threshold
    that is no probability.
    """
    check_threshold(threshold)

    def values(name: str) -> NDArray[Any]:
        return ports.outputs[name].decode(found[name])[0]

    matches, presence = values("matches")[..., 0], values("presence")[0, -1, 0]
    present = float(sigmoid(presence))
    scores = scaled_scores(matches[:-1, valid].mean(1), present, gain, offset)
    masks = np.array(values("masks"))
    answered = scores > threshold
    order = np.argsort(-scores, kind="stable")
    order = order[answered[order] & (masks[order] > 0).any((1, 2))]
    planes = masks[order] > 0
    chosen = order[surest(mask_iou(planes, planes), duplicate_iou)]
    height, width = frame_size
    centres = sigmoid(values("boxes")[:, chosen, 0]).T
    half = centres[:, 2:] / 2
    corners = np.concatenate([centres[:, :2] - half, centres[:, :2] + half], 1).clip(0, 1)
    return Detections(
        scores[chosen],
        corners * np.array([width, height, width, height], np.float32),
        masks[chosen],
        masks[-1],
        present,
        bool(answered.all()),
        frame_size,
    )


def scaled_scores(
    logits: NDArray[np.floating], present: float, gain: float, offset: float
) -> NDArray[np.floating]:
    """Returns the scores (n,) of answers with these logits to a question whose concept is there
    with the probability `present`: sigmoid(gain (logit + offset)) times that probability.
    """
    return sigmoid(gain * (logits + offset)) * present


def check_threshold(threshold: float) -> None:
    """Raises PromptError for a threshold that is no probability."""
    if not 0 <= threshold <= 1:
        raise PromptError(f"threshold {threshold}", "scores run from 0 to 1")
