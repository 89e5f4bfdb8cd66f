"""The page looks for phrases: what is new on a frame is found by the rules of the
concept tracker.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from host.concepts.association import Rules, associate
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptDetector
from host.device import Device
from host.errors import UsageError
from host.images import logits_to_video
from host.mask_overlap import mask_iou
from host.prompts import Prompt
from host.serve.limits import MOST_PHRASES
from host.session import ObjectResult, Session

EVERY = 8
"""The detector looks once in this many frames; phrases take turns."""


class Looking:
    """Looking holds the phrases asked for, and the detector that knows them."""

    def __init__(self, device: Device, rules: Rules | None = None) -> None:
        self._device, self._rules = device, rules or Rules()
        self._detector: ConceptDetector | None = None
        self.phrases: list[str] = []

    @property
    def can(self) -> bool:
        """Tells whether the model has a detector."""
        return self._device.spec.detector is not None

    def vocabulary(self) -> tuple[str, ...]:
        """Returns the phrases that are known without a sentence encoder; without a detector there
        are none.
        """
        if self._device.spec.detector is None or self._device.spec.detector.vocabulary is None:
            return ()
        return tuple(self._ready().phrases.phrases)

    def add(self, text: str) -> None:
        """Looks for a phrase from now on. Raises DeviceError for a model without a detector,
        PromptError for a phrase that is unknown, UsageError for one too many.
        """
        prompt = ConceptPrompt(text)
        self._ready().check(prompt)
        if text in self.phrases:
            return
        if len(self.phrases) >= MOST_PHRASES:
            raise UsageError(
                f"{MOST_PHRASES} phrases are looked for, the most at once", "take one away first"
            )
        self.phrases.append(text)

    def forget(self, text: str) -> None:
        """Looks for a phrase no longer."""
        if text in self.phrases:
            self.phrases.remove(text)

    def due(self, number: int) -> str | None:
        """Returns the phrase to look for on frame `number`, or None."""
        if not self.phrases or number % EVERY:
            return None
        return self.phrases[number // EVERY % len(self.phrases)]

    def look(
        self, session: Session, text: str, known: Iterable[ObjectResult], first: bool = False
    ) -> list[Prompt]:
        """Returns prompts for the instances on the session's frame that no known object covers.

        first says that the phrase has just been asked for, so that less sure instances count as
        well.
        """
        size = session.state.frame_size
        assert size is not None  # a step has been taken
        rules = self._rules
        found = self._ready()(
            session.encoded(), ConceptPrompt(text), size, rules.threshold, rules.duplicate_iou
        )
        grid = self._device.spec.grid
        masks = [one.answer.frame_logits() > 0 for one in known if one.present]
        tracked: NDArray[np.bool_] = np.stack(masks) if masks else np.zeros((0, grid, grid), bool)
        overlaps = mask_iou(found.logits > 0, tracked)
        matches = associate(overlaps, found.scores, np.asarray(tracked.any((1, 2))), rules)
        fresh = ~matches.near.any(1) if first else matches.fresh
        planes = (logits_to_video(found.logits[row], *size) > 0 for row in np.flatnonzero(fresh))
        return [Prompt(mask=plane) for plane in planes if plane.any()]

    def _ready(self) -> ConceptDetector:
        if self._detector is None:
            self._detector = ConceptDetector(self._device)
        return self._detector
