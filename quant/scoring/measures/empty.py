"""An empty mask prompt says that the object is not there, so no mask may follow it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.device import Device
from host.prompts import Prompt
from host.session import Session
from quant.scoring.measures.trace import Count

FRAMES = 10
"""Frames of a sequence that are watched; without the host's rule masks came within five."""


class EmptyPrompt:
    """A session of one object that an empty mask began, fed frame by frame."""

    def __init__(self, device: Device) -> None:
        self._session = Session(device)
        self.count = Count()

    def step(self, frame: NDArray[np.uint8]) -> None:
        """Takes the next frame (H, W, 3); those past FRAMES cost nothing."""
        if self.count.total >= FRAMES:
            return
        prompts = None
        if not self._session.object_ids:
            prompts = {1: Prompt(mask=np.zeros(frame.shape[:2], bool))}
        found = self._session.step(frame, prompts).objects[1].mask().any()
        self.count += Count(int(found), 1)
