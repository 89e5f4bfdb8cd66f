"""What a streaming session keeps between frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from host.bank import MemoryBank
from host.device import Arrays
from host.prompts import Prompt
from host.tracker import Answer


@dataclass(eq=False)
class ObjectState:
    """What a session keeps of one object between frames.

    before: logits of the frame before; tracked: of this frame, before its first prompt.
    shown: whether a prompt on an earlier frame showed the object. prompt: this frame's.
    """

    bank: MemoryBank
    before: NDArray[np.float32] | None = None
    current: Answer | None = None
    prompt: Prompt | None = None
    tracked: NDArray[np.float32] | None = None
    shown: bool = False


@dataclass(eq=False)
class SessionState:
    """What a session keeps between frames: of fixed size for a fixed number of objects."""

    frame_index: int = -1
    frame_size: tuple[int, int] | None = None
    frame: NDArray[np.uint8] | None = None
    image: Arrays | None = None
    objects: dict[int, ObjectState] = field(default_factory=dict)
