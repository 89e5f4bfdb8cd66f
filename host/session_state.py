"""A streaming session keeps this between frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.bank import MemoryBank
from host.device import Arrays
from host.images import Box, Placed, Window
from host.prompts import Prompt
from host.recurrence import SPARE, ever_outlined, ever_shown
from host.tracker import Answer

KNOWN_BOXES = 2
"""`recurrence.followed_window` reads the box of two frames before."""
KNOWN_MASKS = 4
"""`recurrence.near_pieces` reads the masks of so many frames before."""


@dataclass(eq=False)
class ObjectState:
    """This is what a session keeps of one object between frames.

    trail are the logits of the frames before this one, the latest last; tracked are those of this
    frame before its first prompt. shown and outlined say whether a prompt on an earlier frame
    showed or outlined the object. prompt is this frame's prompt. window is where the object was
    looked for last; boxes are where it was seen on the frames before this one, the latest last,
    None where it was not.
    """

    bank: MemoryBank
    trail: tuple[Placed, ...] = ()
    current: Answer | None = None
    prompt: Prompt | None = None
    tracked: Placed | None = None
    shown: bool = False
    outlined: bool = False
    window: Window | None = None
    boxes: tuple[Box | None, ...] = ()

    @property
    def before(self) -> Placed | None:
        """Returns the logits of the frame before, where it was answered for."""
        return self.trail[-1] if self.trail else None

    @property
    def answered(self) -> Placed | None:
        """Returns the logits of this frame's answer, where there is one."""
        if self.current is None or self.window is None:
            return None
        return Placed(self.current.logits, self.window)

    def end_frame(self) -> None:
        """Ends a frame: its answer becomes the answer of the frame before."""
        if self.answered is not None:
            self.trail = (*self.trail, self.answered)[-KNOWN_MASKS:]
            self.boxes = (*self.boxes, self.answered.box(SPARE))[-KNOWN_BOXES:]
        self.shown = self.shown or ever_shown([self.prompt])
        self.outlined = self.outlined or ever_outlined([self.prompt])
        self.current, self.prompt, self.tracked = None, None, None


@dataclass(eq=False)
class SessionState:
    """This is what a session keeps between frames, of fixed size for a fixed number of objects.

    codes are the whole frame as the image encoder reads it, where somebody made them; images are
    the encoder's outputs by window, as long as the device holds them.
    """

    frame_index: int = -1
    frame_size: tuple[int, int] | None = None
    frame: NDArray[np.uint8] | None = None
    codes: NDArray[Any] | None = None
    images: dict[Window, Arrays] = field(default_factory=dict)
    objects: dict[int, ObjectState] = field(default_factory=dict)
