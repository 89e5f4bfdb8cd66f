"""`detect` finds a concept on one picture and writes what is asked for: a picture, a JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from host.cli.stats import write_json
from host.cli.streaming import Outputs
from host.concepts.detections import THRESHOLD, Detections
from host.concepts.outputs import detection_outputs, plain
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptSession
from host.device import Device
from host.errors import UsageError
from host.media import overlay
from host.media.video import IMAGE_SUFFIXES, read_image
from hw.spec.files import atomic_path

Example = tuple[float, float, float, float, int]


@dataclass(frozen=True)
class ConceptRequest:
    """A request says what to look for: a phrase, examples (x0, y0, x1, y1, label) in pixels, or
    both.
    """

    text: str | None = None
    examples: Sequence[Example] = ()

    def __post_init__(self) -> None:
        if self.text is None and not self.examples:
            raise UsageError("nothing to look for", "say what with --text or --example")

    def prompt(self, height: int, width: int) -> ConceptPrompt:
        """Returns the prompt on a frame of that size. Raises PromptError for a box with no part on
        it.
        """
        return ConceptPrompt.from_pixels(height, width, self.text, self.examples)


def detect(
    image: Path,
    device: Device,
    request: ConceptRequest,
    threshold: float = THRESHOLD,
    picture: Path | None = None,
    result: Path | None = None,
    overlapping: bool = False,
) -> Detections:
    """Finds every instance on a picture, draws them on `picture` and writes them with SAM 3's keys
    to the JSON file `result`, where these are given. With overlapping, masks may overlap in the
    picture.

    Bad input is reported before the first graph runs.
    """
    if picture is not None and picture.suffix.lower() not in IMAGE_SUFFIXES:
        raise UsageError(f"cannot write picture {picture}", "end the name in .png or .jpg")
    Outputs(clip=picture, stats=result).check()
    frame = read_image(image)
    prompt = request.prompt(frame.shape[0], frame.shape[1])
    session = ConceptSession(device)
    session.detector.check(prompt)
    session.set_image(frame)
    found = session.ask(prompt, threshold, overlapping)
    if picture is not None:
        _write_picture(picture, draw(frame, found, prompt))
    if result is not None:
        write_json(result, _described(image, device, request, threshold, found))
    return found


def draw(frame: NDArray[np.uint8], found: Detections, prompt: ConceptPrompt) -> NDArray[np.uint8]:
    """Returns a picture of the frame (H, W, 3) RGB with numbered masks and the examples on it."""
    logits = dict(enumerate(found.video_logits, 1))
    labels = {i: f"{i}: {score:.2f}" for i, score in enumerate(found.scores, 1)}
    drawn = overlay.draw(frame, logits, labels=labels)
    overlay.draw_examples(drawn, prompt.boxes, prompt.labels)
    return drawn


def detection_table(found: Detections, model: str) -> Table:
    """Returns a table for a terminal: score, box in pixels, and the share of the frame that the
    mask covers.
    """
    count = f"{len(found)} instance{'' if len(found) == 1 else 's'}"
    height, width = found.frame_size
    table = Table(
        title=f"{count} on {width}x{height}, presence {found.presence:.2f}, {model}",
        title_justify="left",
    )
    for column in ("", "score", "x0", "y0", "x1", "y1", "mask"):
        table.add_column(column, justify="right")
    shares = found.masks.mean((1, 2))
    for number, (score, box, part) in enumerate(
        zip(found.scores, found.boxes, shares, strict=True), 1
    ):
        corners = (f"{value:.0f}" for value in box)
        table.add_row(str(number), f"{score:.2f}", *corners, f"{part:.1%}")
    return table


def _write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    good, stored = cv2.imencode(path.suffix.lower(), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not good:
        raise UsageError(f"cannot write picture {path}", "end the name in .png or .jpg")
    with atomic_path(path) as part:
        part.write_bytes(stored.tobytes())


def _described(
    image: Path, device: Device, request: ConceptRequest, threshold: float, found: Detections
) -> dict[str, Any]:
    return {
        "image": str(image),
        "image_height": found.frame_size[0],
        "image_width": found.frame_size[1],
        "text": request.text,
        "examples": [list(example) for example in request.examples],
        "threshold": threshold,
        "device": device.name,
        "model": device.spec.name,
        "precision": device.spec.precision,
        "presence": round(found.presence, 4),
        "saturated": found.saturated,
        **plain(detection_outputs(found)),
    }
