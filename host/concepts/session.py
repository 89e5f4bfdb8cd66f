"""Finds every instance of a concept on a picture, by a phrase, by example boxes, or by both.

    session = ConceptSession(open_device("golden", detector=True))
    session.set_image(frame)
    found = session.detect("striped cat")
    found = session.detect("cat", boxes=[(40, 30, 120, 90, 1), (200, 10, 240, 60, 0)])

The image encoder runs once a picture, for any number of questions and for the tracker besides:
`session.tracker` is the streaming session on the same frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from host.concepts.detections import (
    DUPLICATE_IOU,
    THRESHOLD,
    Detections,
    check_threshold,
    read_detections,
)
from host.concepts.phrases import Phrases
from host.concepts.prompts import ConceptPrompt, ConceptTokens
from host.device import Arrays, Device
from host.errors import DeviceError, FrameError
from host.session import Session
from host.spec import ModelSpec, require_detector
from hw.spec.manifest import DETECTOR


def check_phrase(spec: ModelSpec, text: str) -> None:
    """Raises DeviceError for a model without a detector, PhraseError for a phrase that is empty or
    unknown, without opening a device.
    """
    detector = require_detector(spec)
    if detector.vocabulary is not None:
        Phrases.load(detector.vocabulary).embed(text)


class ConceptDetector:
    """The detector graph on a device takes prompts and returns detections.

    phrases are embeddings of phrases, by default the bundle's vocabulary, which is read when it is
    first needed. Raises DeviceError for a device whose model has no detector.
    """

    def __init__(self, device: Device, phrases: Phrases | None = None) -> None:
        self.device = device
        self.detector = require_detector(device.spec)
        self._ports = device.spec.ports[DETECTOR]
        self._tokens = ConceptTokens(device.spec)
        self._phrases = phrases

    @property
    def phrases(self) -> Phrases:
        """Returns the embeddings of phrases. Raises BundleError for a vocabulary that cannot be
        read.
        """
        if self._phrases is None:
            if self.detector.vocabulary is None:
                raise DeviceError(
                    f"model {self.device.spec.name} has no vocabulary", "give the phrases yourself"
                )
            self._phrases = Phrases.load(self.detector.vocabulary)
        return self._phrases

    def check(self, prompt: ConceptPrompt) -> None:
        """Raises PromptError for a phrase that is empty or unknown, or too many examples, before
        anything runs.
        """
        self._tokens.check(prompt)
        if prompt.text is not None:
            self.phrases.embed(prompt.text)

    def __call__(
        self,
        image: Arrays,
        prompt: ConceptPrompt,
        frame_size: tuple[int, int],
        threshold: float = THRESHOLD,
        duplicate_iou: float = DUPLICATE_IOU,
    ) -> Detections:
        """Instances on a frame (H, W) = frame_size, of which `image` are the encoder's outputs.

        Raises PromptError, see `check`.
        """
        embedding = None if prompt.text is None else self.phrases.embed(prompt.text)
        inputs = self._tokens(prompt, embedding, image["features"])
        inputs |= {name: image[name] for name in ("features", "skip8", "skip4")}
        found = self.device.run(DETECTOR, inputs)
        valid = self._tokens.valid(prompt)
        gain, offset = self.detector.tables.score_scale
        return read_detections(
            self._ports, found, valid, frame_size, threshold, duplicate_iou, gain, offset
        )


class ConceptSession:
    """A concept session detects concepts on one picture after another. A device serves one session
    at a time.
    """

    def __init__(self, device: Device, phrases: Phrases | None = None) -> None:
        """Raises DeviceError for a device whose model has no detector."""
        self.detector = ConceptDetector(device, phrases)
        self.tracker = Session(device, window=0)

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Takes a picture (H, W, 3) RGB uint8 of any size. Raises FrameError for what is no
        picture.
        """
        self.tracker.reset()
        self.tracker.step(image)

    def detect(
        self,
        text: str | None = None,
        boxes: Iterable[Sequence[float]] = (),
        threshold: float = THRESHOLD,
        overlapping: bool = False,
    ) -> Detections:
        """Returns every instance of what is asked for.

        text is a noun phrase. boxes are examples (x0, y0, x1, y1, label) in pixels, with label 1
        for an instance (also where it is left out) and 0 for what is none. With overlapping, the
        masks may overlap. Raises FrameError before `set_image`, PromptError for a bad prompt.
        """
        prompt = ConceptPrompt.from_pixels(*self.frame_size, text, boxes)
        return self.ask(prompt, threshold, overlapping)

    def ask(
        self, prompt: ConceptPrompt, threshold: float = THRESHOLD, overlapping: bool = False
    ) -> Detections:
        """Does the same as `detect`, for a prompt that is ready."""
        check_threshold(threshold)
        self.detector.check(prompt)
        found = self.detector(self.tracker.encoded(), prompt, self.frame_size, threshold)
        return replace(found, overlapping=overlapping)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Returns height and width of the picture. Raises FrameError before `set_image`."""
        size = self.tracker.state.frame_size
        if size is None:
            raise FrameError("no image is set", "call set_image first")
        return size
