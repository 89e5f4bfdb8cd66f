"""Results are given under SAM 3's keys: `out_obj_ids`, `out_probs`, `out_boxes_xywh`,
`out_binary_masks`, and `out_soft_masks`, which SAM 3 lacks. Programs get them as arrays, JSON as
plain lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.concepts.detections import Detections
from host.concepts.run_lengths import run_lengths
from host.concepts.tracker import TrackedInstance
from host.images import sigmoid

Outputs = dict[str, NDArray[Any]]


def _outputs(
    ids: list[int],
    probs: NDArray[np.floating],
    boxes: NDArray[np.floating],
    logits: NDArray[np.float32],
) -> Outputs:
    binary = logits > 0
    if len(ids) > 1:
        # Where masks overlap, the surer has the pixel, as in SAM 3's output of videos.
        owner = logits.argmax(0)
        binary &= owner[None] == np.arange(len(ids))[:, None, None]
    return {
        "out_obj_ids": np.asarray(ids, np.int64),
        "out_probs": np.asarray(probs, np.float32),
        "out_boxes_xywh": np.asarray(boxes, np.float32).reshape(-1, 4),
        "out_binary_masks": binary,
        "out_soft_masks": sigmoid(logits),
    }


def detection_outputs(found: Detections) -> Outputs:
    """Returns the instances of a picture (H, W), numbered from 1 by falling score.

    out_obj_ids is (n,) int64, out_probs (n,) and out_boxes_xywh (n, 4) in 0..1 are float32,
    out_binary_masks is (n, H, W) bool and disjoint, out_soft_masks is (n, H, W) float32 in 0..1.
    All are empty where nothing was found.
    """
    ids = list(range(1, len(found) + 1))
    return _outputs(ids, found.scores, found.boxes_xywh(), found.video_logits)


def tracked_outputs(instances: Mapping[int, TrackedInstance], height: int, width: int) -> Outputs:
    """Returns the instances of a video's frame at that size, by rising id, in the shapes of
    `detection_outputs`.

    out_probs is the score of the detection that found the instance. Boxes are those of the masks.
    """
    planes = {i: instances[i].logits(height, width) for i in sorted(instances)}
    seen = {i: plane for i, plane in planes.items() if (plane > 0).any()}
    return outputs_of(instances, seen, height, width)


def outputs_of(
    instances: Mapping[int, TrackedInstance],
    planes: Mapping[int, NDArray[np.float32]],
    height: int,
    width: int,
) -> Outputs:
    """Returns what `tracked_outputs` does for logits (height, width) that exist already, none of
    them empty.
    """
    logits = np.zeros((len(planes), height, width), np.float32)
    for row, plane in enumerate(planes.values()):
        logits[row] = plane
    scores = np.array([instances[i].score for i in planes], np.float32)
    return _outputs(list(planes), scores, _boxes_of(logits > 0), logits)


def _boxes_of(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Boxes (n, 4) x, y, width, height in 0..1 around masks (n, H, W), none of them empty."""
    height, width = masks.shape[1:]
    columns, rows = np.asarray(masks.any(1)), np.asarray(masks.any(2))
    x0, y0 = columns.argmax(1), rows.argmax(1)
    x1, y1 = width - columns[:, ::-1].argmax(1), height - rows[:, ::-1].argmax(1)
    corners = np.stack([x0, y0, x1 - x0, y1 - y0], 1)
    return (corners / np.array([width, height, width, height])).astype(np.float32)


def plain(outputs: Outputs, masks: bool = True) -> dict[str, Any]:
    """Returns the outputs as JSON takes them, with masks as COCO's run lengths and without the soft
    masks.

    masks says whether the binary masks go along.
    """
    values: dict[str, Any] = {
        "out_obj_ids": outputs["out_obj_ids"].tolist(),
        "out_probs": [round(float(p), 4) for p in outputs["out_probs"]],
        "out_boxes_xywh": np.round(outputs["out_boxes_xywh"].astype(float), 5).tolist(),
    }
    if masks:
        values["out_binary_masks"] = [run_lengths(mask) for mask in outputs["out_binary_masks"]]
    return values
