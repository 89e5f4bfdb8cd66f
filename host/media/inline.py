"""Pictures in a notebook, replaced in place as frames come."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import UsageError
from host.media import overlay
from host.session import StepResult

QUALITY = 85
"""JPEG keeps this quality, 0..100."""


class View:
    """A view shows the newest frame with its masks in the output of a notebook's cell."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, frame: NDArray[np.uint8], result: StepResult) -> None:
        """Shows a frame (H, W, 3) RGB with the masks and ids of a result, in place of the last one.

        Raises UsageError outside a notebook's packages.
        """
        try:
            from IPython.display import Image, display
        except ModuleNotFoundError as error:
            raise UsageError(
                f"a view needs the Python package {error.name!r}", "run it in a notebook"
            ) from error
        height, width = frame.shape[:2]
        planes = {
            i: one.video_logits(height, width) for i, one in result.objects.items() if one.present
        }
        picture = overlay.draw(frame, planes, labels={i: str(i) for i in planes})
        flipped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, stored = cv2.imencode(".jpg", flipped, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        image = Image(data=stored.tobytes(), format="jpeg")
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)
