"""The page offers two things to keep: the picture with its masks, and the masks by themselves."""

from __future__ import annotations

import io
import json
import zipfile

import cv2
import numpy as np
from numpy.typing import NDArray

from host.media import overlay
from host.media.masks import label_map
from host.serve.tracking import Tracked


def png(picture: NDArray[np.uint8]) -> bytes:
    """Returns the PNG of a picture (H, W, 3) RGB or (H, W)."""
    stored = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(".png", stored)[1].tobytes()


def snapshot(tracked: Tracked) -> bytes:
    """Returns a PNG of the frame at its own size, with masks and labels on it."""
    frame = tracked.shot.frame
    planes = _planes(tracked)
    names = {one.object_id: one.name for one in tracked.listed}
    texts = {i: f"{i} {names.get(i, '')}".strip() for i in planes}
    return png(overlay.draw(frame, planes, labels=texts))


def masks(tracked: Tracked) -> bytes:
    """Returns a zip of frame.png, ids.png (object ids, 0 for no object), a mask {0, 255} of each
    object, and objects.json.
    """
    frame, planes = tracked.shot.frame, _planes(tracked)
    listed = [
        {
            "id": one.object_id,
            "name": one.name,
            "found_by": one.found_by,
            "paused": one.paused,
            "present": one.object_id in planes,
            "file": f"object_{one.object_id}.png" if one.object_id in planes else None,
        }
        for one in tracked.listed
    ]
    content = {
        "frame.png": png(frame),
        "ids.png": png(label_map(planes, frame.shape[:2])),
        "objects.json": json.dumps(
            {"frame": tracked.number, "objects": listed}, indent=1, ensure_ascii=False
        ).encode(),
    }
    for object_id, plane in planes.items():
        content[f"object_{object_id}.png"] = png(np.where(plane > 0, 255, 0).astype(np.uint8))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # PNG is dense already
        for name, stored in content.items():
            archive.writestr(name, stored)
    return packed.getvalue()


def _planes(tracked: Tracked) -> dict[int, NDArray[np.float32]]:
    height, width = tracked.shot.frame.shape[:2]
    return {i: one.video_logits(height, width) for i, one in tracked.objects.items() if one.present}
