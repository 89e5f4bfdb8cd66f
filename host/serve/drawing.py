"""Tracked frames are drawn beside the tracker: masks with soft edges over the frame, as JPEG."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from host.images import fitted, sigmoid
from host.media import overlay
from host.serve.limits import SHARP_SIDE, SHOWN_SIDE
from host.serve.newest import Newest
from host.serve.notices import Notices
from host.serve.rates import Meter, StageMeans
from host.serve.tracking import Tracked
from host.serve.worker import Worker
from host.tracker import StageClock

QUALITY = 82
"""JPEG's quality, 0..100, that pictures are encoded with."""
CORNERS = 4
"""Digits of a box's coordinates, 0..1."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture is a drawn frame. head is what the page shows beside it, as plain data. jpeg has no
    labels, which a page sets itself. labelled (H, W, 3) RGB has labels, and is None where nobody
    wants it.
    """

    number: int
    head: dict[str, Any]
    jpeg: bytes
    labelled: NDArray[np.uint8] | None
    aspect: float
    time: float


def enlarged(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the frame as it is drawn: small ones at a multiple of their size, large
    ones shrunk.
    """
    factor = max(1, round(SHARP_SIDE / max(frame.shape[:2])))
    if factor > 1:
        size = (factor * frame.shape[1], factor * frame.shape[0])
        return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return fitted(frame, SHOWN_SIDE)


def encoded(picture: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """Returns the JPEG of a picture (H, W, 3) RGB."""
    flipped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, stored = cv2.imencode(".jpg", flipped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return stored.tobytes()


class Drawing(Worker):
    """Drawing draws the newest of what was tracked while somebody looks.

    wanted tells whether pages want pictures, and whether anybody wants them with labels.
    """

    def __init__(
        self,
        tracked: Newest[Tracked],
        notices: Notices,
        wanted: Callable[[], tuple[bool, bool]],
    ) -> None:
        super().__init__("drawing", notices)
        self.pictures, self.meter = Newest[Picture](), Meter()
        self._tracked, self._wanted, self._seen = tracked, wanted, 0
        self._means = StageMeans()

    def round(self) -> None:
        """Draws once, where something is new and somebody sees it."""
        version, tracked = self._tracked.after(self._seen, 0.5)
        if tracked is None or version == self._seen:
            return
        pages, labels = self._wanted()
        if not (pages or labels):
            self.pause(0.05)
            return
        self._seen = version
        self.pictures.put(self._picture(tracked, labels))
        self.meter.tick()

    def _picture(self, tracked: Tracked, labels: bool) -> Picture:
        clock = StageClock()
        with clock.stage("upsample"):
            frame = enlarged(tracked.shot.frame)
            height, width = frame.shape[:2]
            present = {i: one for i, one in tracked.objects.items() if one.present}
            planes = {i: one.video_logits(height, width) for i, one in present.items()}
        with clock.stage("draw"):
            drawn = overlay.draw(frame, planes)
            boxes = {i: box_of(plane) for i, plane in planes.items()}
        with clock.stage("encode"):
            jpeg = encoded(drawn)
        labelled = None
        if labels:
            texts = {
                one.object_id: f"{one.object_id} {one.name}".strip()
                for one in tracked.listed
                if one.object_id in planes
            }
            labelled = overlay.label(drawn, planes, texts)
        self._means.add(clock.ms)
        head = {
            "number": tracked.number,
            "answer": tracked.answer,
            "index": tracked.shot.index,
            "width": width,
            "height": height,
            "aspect": tracked.shot.aspect,
            "objects": [
                {
                    "id": i,
                    "present": one.present,
                    "score": round(float(sigmoid(np.float32(one.score))), 3),
                    "iou": round(one.iou, 3),
                    "box": boxes.get(i),
                }
                for i, one in tracked.objects.items()
            ],
            "stages": tracked.stages_ms | self._means.rounded(("upsample", "draw", "encode")),
            "cycles": tracked.cycles,
        }
        return Picture(tracked.number, head, jpeg, labelled, tracked.shot.aspect, time.monotonic())


def box_of(plane: NDArray[np.float32]) -> list[float] | None:
    """Returns the box x0, y0, x1, y1 in 0..1 of where logits (H, W) are positive, or None where
    they are nowhere.
    """
    x, y, w, h = cv2.boundingRect((plane > 0).astype(np.uint8))
    if not w:
        return None
    height, width = plane.shape
    return [
        round(value, CORNERS)
        for value in (x / width, y / height, (x + w) / width, (y + h) / height)
    ]
