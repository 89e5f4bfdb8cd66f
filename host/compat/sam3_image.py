"""SAM 3's image processor, under its own names, finds instances on one picture by a phrase and
example boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from host.compat.given_frames import picture
from host.compat.sam2_prompts import flag_of
from host.compat.tensor import as_tensor
from host.concepts.detections import THRESHOLD
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptSession
from host.device import Device
from host.errors import FrameError, PromptError
from host.names import ModuleNames
from host.prompt_values import numbers

State = dict[str, Any]
"""A state holds what is known of one picture. After a prompt it has `masks` (n, 1, H, W) bool,
`masks_logits`, which are probabilities, of the same shape, `boxes` (n, 4) x0, y0, x1, y1 in pixels,
and `scores` (n,).
"""

RESULTS = ("masks", "masks_logits", "boxes", "scores", "presence", "saturated")


class Sam3Processor(ModuleNames):
    """The processor detects concepts on one picture: call `set_image` once and give prompts as
    often as wanted.

    The model keeps the features of the picture last set, so an older state is encoded anew when it
    is asked again. Raises DeviceError for a device without a detector.
    """

    def __init__(
        self,
        model: Device,
        resolution: int | None = None,
        device: Any = None,
        confidence_threshold: float = THRESHOLD,
    ) -> None:
        """resolution and device are SAM 3's and change nothing here."""
        self.confidence_threshold = confidence_threshold
        self._session = ConceptSession(model)
        self._current: State | None = None

    def set_image(self, image: Any, state: State | None = None) -> State:
        """Takes a picture: (H, W, 3) RGB uint8, a PIL image, or anything else that `picture` reads.

        Raises FrameError for what is no picture.
        """
        frame = picture(image)
        self._session.set_image(frame)
        known = {} if state is None else state
        self.reset_all_prompts(known)
        known["image"] = frame
        known["original_height"], known["original_width"] = frame.shape[:2]
        self._current = known
        return known

    def set_text_prompt(self, prompt: str, state: State) -> State:
        """Looks for a phrase, together with the examples given so far. Raises FrameError,
        PromptError.
        """
        return self._ask(state, ConceptPrompt(prompt, *self._examples(state)))

    def add_geometric_prompt(self, box: Sequence[float], label: bool, state: State) -> State:
        """Adds an example box: centre x, centre y, width and height in 0..1; label says whether it
        holds an instance.

        Raises FrameError, PromptError; the state is then as it was.
        """
        boxes, labels = self._examples(state)
        corners = corners_of_centre(box)
        return self._ask(
            state,
            ConceptPrompt(
                state.get("text_prompt"),
                np.concatenate([boxes, corners[None]]),
                np.append(labels, int(flag_of("label", label))),
            ),
        )

    def reset_all_prompts(self, state: State) -> None:
        """Forgets the state's prompts and results; the picture stays."""
        for key in ("text_prompt", "geometric_prompt", *RESULTS):
            state.pop(key, None)

    def set_confidence_threshold(self, threshold: float, state: State | None = None) -> Any:
        """Sets the least score of an instance from now on; a state that has results is
        asked again.
        """
        self.confidence_threshold = threshold
        if state is not None and "boxes" in state:
            return self._ask(state, ConceptPrompt(state.get("text_prompt"), *self._examples(state)))
        return state

    @staticmethod
    def _examples(state: State) -> tuple[Any, Any]:
        if "image" not in state:
            raise FrameError("no image is set", "call set_image first")
        empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        boxes, labels = state.get("geometric_prompt", empty)
        return boxes, labels

    def _ask(self, state: State, prompt: ConceptPrompt) -> State:
        self._session.detector.check(prompt)
        if self._current is not state:
            self._session.set_image(state["image"])
            self._current = state
        found = self._session.ask(prompt, self.confidence_threshold, overlapping=True)
        if prompt.text is not None:
            state["text_prompt"] = prompt.text
        state["geometric_prompt"] = prompt.boxes, prompt.labels
        state["masks"] = as_tensor(found.masks[:, None])
        state["masks_logits"] = as_tensor(found.soft_masks[:, None])
        state["boxes"] = as_tensor(found.boxes)
        state["scores"] = as_tensor(found.scores)
        state["presence"], state["saturated"] = found.presence, found.saturated
        return state


def corners_of_centre(box: Sequence[float]) -> Any:
    """Turns a box of centre x, centre y, width and height into corners (4,) in 0..1. Raises
    PromptError.
    """
    values = numbers(box, "box").reshape(-1)
    if values.shape != (4,):
        raise PromptError(f"box of {values.size} numbers", "give centre x, centre y, width, height")
    return np.concatenate([values[:2] - values[2:] / 2, values[:2] + values[2:] / 2])
