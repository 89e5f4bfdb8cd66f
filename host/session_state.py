"""A streaming session keeps this between frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.bank import MemoryBank
from host.device import Arrays
from host.prompts import Prompt
from host.recurrence import ever_shown
from host.tracker import Answer


@dataclass(eq=False)
class ObjectState:
    """This is what a session keeps of one object between frames.

    before are the logits of the frame before; tracked are those of this frame before its first
    prompt. shown says whether a prompt on an earlier frame showed the object. prompt is this
    frame's prompt.
    """

    bank: MemoryBank
    before: NDArray[np.float32] | None = None
    current: Answer | None = None
    prompt: Prompt | None = None
    tracked: NDArray[np.float32] | None = None
    shown: bool = False

    def end_frame(self) -> None:
        """Ends a frame: its answer becomes the answer of the frame before."""
        if self.current is not None:
            self.before = self.current.logits
        self.shown = self.shown or ever_shown([self.prompt])
        self.current, self.prompt, self.tracked = None, None, None


@dataclass(eq=False)
class SessionState:
    """This is what a session keeps between frames, of fixed size for a fixed number of objects.

    codes are the frame as the image encoder reads it, where somebody made them; image are the
    encoder's outputs.
    """

    frame_index: int = -1
    frame_size: tuple[int, int] | None = None
    frame: NDArray[np.uint8] | None = None
    codes: NDArray[Any] | None = None
    image: Arrays | None = None
    objects: dict[int, ObjectState] = field(default_factory=dict)
