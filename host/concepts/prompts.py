"""Prompts of the concept detector, a phrase, example boxes or both, become tokens and geometry.

Boxes are normalised, x0, y0, x1, y1 in [0, 1] of the frame; `ConceptPrompt.from_pixels` converts.
As in SAM 3 (Carion et al. 2025, section 3) an example is a box with a label, given by its place and
by what is under it; `quant.model.concept_prompts` learns the tables that are summed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.detector_spec import GEOMETRY_CHANNELS
from host.errors import PromptError
from host.prompt_values import box_from_pixels, box_on_frame, labels_of, numbers
from host.prompts import LOGIT_LIMIT, NEGATIVE, POSITIVE
from host.spec import ModelSpec, require_detector
from hw.spec.manifest import DETECTOR

SAME_BOX = 0.9
"""A positive and a negative example with this IoU are one box, and so contradict each other."""


def _no_boxes() -> NDArray[np.float32]:
    return np.zeros((0, 4), np.float32)


def _no_labels() -> NDArray[np.int64]:
    return np.zeros((0,), np.int64)


@dataclass(frozen=True, eq=False)
class ConceptPrompt:
    """A concept's prompt says what to look for: a phrase, example boxes on the frame, or both.

    text is a noun phrase, or None. boxes (E, 4) float32 are in [0, 1], cut at the frame's border.
    labels (E,) are 1 for an instance and 0 for what is none. Raises PromptError for a prompt that
    says nothing or contradicts itself.
    """

    text: str | None = None
    boxes: NDArray[np.float32] = field(default_factory=_no_boxes)
    labels: NDArray[np.int64] = field(default_factory=_no_labels)

    def __post_init__(self) -> None:
        rows = numbers(self.boxes, "example boxes")
        if rows.size and rows.shape[-1] != 4:
            raise PromptError(
                f"example boxes of shape {rows.shape}", "give x0, y0, x1, y1 of each example"
            )
        boxes = np.array(
            [box_on_frame(box, "example box") for box in rows.reshape(-1, 4)], np.float32
        ).reshape(-1, 4)
        labels = labels_of(self.labels).reshape(-1)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", labels)
        if len(boxes) != len(labels):
            raise PromptError(
                f"{len(boxes)} example boxes but {len(labels)} labels", "give each box 1 or 0"
            )
        if not np.isin(labels, (NEGATIVE, POSITIVE)).all():
            raise PromptError(
                f"example labels {labels.tolist()}", "use 1 for an instance and 0 for what is none"
            )
        if self.text is None and not (labels == POSITIVE).any():
            said = "only examples of what not to find" if len(labels) else "an empty prompt"
            raise PromptError(said, "give a phrase or a positive example box")
        both = box_iou(boxes[labels == POSITIVE], boxes[labels == NEGATIVE])
        if (both >= SAME_BOX).any():
            row = int(np.argmax(both.max(1)))
            raise PromptError(
                f"example box {_named(boxes[labels == POSITIVE][row])} is positive and negative",
                "give one label to what is in it",
            )

    @classmethod
    def from_pixels(
        cls,
        height: int,
        width: int,
        text: str | None = None,
        examples: Iterable[Sequence[float]] = (),
    ) -> ConceptPrompt:
        """Makes a prompt with examples (x0, y0, x1, y1) or (x0, y0, x1, y1, label) in pixels of a
        frame.

        A box runs from the first to the last pixel that it holds, both included; without a label it
        is positive. It is cut at the border. Raises PromptError for a box with no part on the
        frame.
        """
        boxes, labels = [], []
        for example in examples:
            if len(example) not in (4, 5):
                raise PromptError(
                    f"example of {len(example)} numbers", "give x0, y0, x1, y1 and 1 or 0"
                )
            boxes.append(box_from_pixels(example[:4], height, width))
            labels.append(example[4] if len(example) == 5 else POSITIVE)
        return cls(text, np.asarray(boxes, np.float32).reshape(-1, 4), labels_of(labels))


def _named(box: NDArray[np.float32]) -> str:
    return f"({', '.join(f'{value:.4g}' for value in box)})"


def box_iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns the IoU of every pair of boxes x0, y0, x1, y1: (n, 4) and (m, 4) give (n, m)."""
    a, b = np.asarray(first, np.float32)[:, None], np.asarray(second, np.float32)[None]
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - both
    return np.asarray(both / np.maximum(union, 1e-12), np.float32)


def coverage(boxes: NDArray[np.floating], cells: int) -> NDArray[np.float32]:
    """Returns the share of each cell of a square grid that a box covers: (E, 4) gives (E, cells,
    cells).
    """
    edges = np.arange(cells + 1, dtype=np.float32) / cells

    def along(start: NDArray, end: NDArray) -> NDArray:
        overlap = np.minimum(end[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
        return np.clip(overlap, 0, None) * cells

    given = np.asarray(boxes, np.float32).reshape(-1, 4)
    across, down = along(given[:, 0], given[:, 2]), along(given[:, 1], given[:, 3])
    return np.asarray(down[:, :, None] * across[:, None, :], np.float32)


def pool(features: NDArray[np.floating], boxes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns the mean of the features (C, G, G) under each box (E, 4), weighted by
    area: (E, C).
    """
    weight = coverage(boxes, features.shape[-1])
    total = np.maximum(weight.sum((1, 2)), 1e-6)
    return np.asarray(np.einsum("ehw,chw->ec", weight, features) / total[:, None], np.float32)


def geometry(prompt: ConceptPrompt, cells: int) -> NDArray[np.float32]:
    """Draws the prompt on the coarse grid: (4, G, G) in [-16, 16], G = cells.

    Channel 0 is the cover of the cell by positive examples, channel 1 that by negative ones;
    channels 2 and 3 are x and y ramps.
    """
    drawn = np.empty((GEOMETRY_CHANNELS, cells, cells), np.float32)
    cover = coverage(prompt.boxes, cells)
    for channel, label in enumerate((POSITIVE, NEGATIVE)):
        drawn[channel] = cover[prompt.labels == label].max(0, initial=0).clip(max=1) * LOGIT_LIMIT
    ramp = np.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, cells, dtype=np.float32)
    drawn[2], drawn[3] = ramp[None, :], ramp[:, None]
    return drawn


class ConceptTokens:
    """These are the detector's inputs `tokens` (1, C, T, 1) and `geometry` (1, 4, G, G), built from
    a prompt.

    Rows are summed in float32 and encoded once, so that a float model reads the same values.
    """

    def __init__(self, spec: ModelSpec) -> None:
        """Raises DeviceError for a model without a detector."""
        detector = require_detector(spec)
        self._tables, self._sizes = detector.tables, detector.sizes
        self._tokens = spec.ports[DETECTOR].inputs["tokens"]
        self._geometry = spec.ports[DETECTOR].inputs["geometry"]
        self._features = spec.ports[DETECTOR].inputs["features"]
        self._grid, self._coarse = spec.grid, spec.coarse

    def check(self, prompt: ConceptPrompt) -> None:
        """Raises PromptError for more examples than the model has tokens for."""
        most = self._sizes.exemplar_tokens
        if len(prompt.boxes) > most:
            raise PromptError(
                f"{len(prompt.boxes)} example boxes, this model reads {most}",
                "give fewer, the most telling ones",
            )

    def __call__(
        self, prompt: ConceptPrompt, embedding: NDArray[np.float32] | None, features: NDArray[Any]
    ) -> dict[str, NDArray[Any]]:
        """Codes of `tokens` and `geometry`.

        embedding: (384,) of the prompt's text, None without. features: codes (1, C, G, G) of the
        frame that the boxes are on. Raises PromptError, see `check`.
        """
        self.check(prompt)
        tables, sizes = self._tables, self._sizes
        text = tables.none[:-1]
        if embedding is not None:
            text = (embedding @ tables.text_weight + tables.text_bias).reshape(text.shape)
        examples = np.repeat(tables.none[-1:], sizes.exemplar_tokens, 0)
        if len(prompt.boxes):
            bins = np.clip(np.floor(prompt.boxes * self._grid), 0, self._grid - 1).astype(np.int64)
            pooled = pool(self._features.decode(features)[0], prompt.boxes)
            examples[: len(prompt.boxes)] = (
                tables.label[prompt.labels]
                + tables.column[bins[:, 0]]
                + tables.row[bins[:, 1]]
                + tables.column_end[bins[:, 2]]
                + tables.row_end[bins[:, 3]]
                + pooled @ tables.pool_weight
            )
        tokens = self._tokens.encode(np.concatenate([tables.queries, text, examples]))
        drawn = self._geometry.encode(geometry(prompt, self._coarse))
        return {"tokens": np.ascontiguousarray(tokens.T)[None, :, :, None], "geometry": drawn[None]}

    def valid(self, prompt: ConceptPrompt) -> NDArray[np.int64]:
        """Returns the tokens that a query is scored against: the text's, and those of positive
        examples.
        """
        sizes = self._sizes
        first = sizes.queries + 1
        text = range(first, first + (0 if prompt.text is None else sizes.text_tokens))
        positive = np.flatnonzero(prompt.labels == POSITIVE) + first + sizes.text_tokens
        return np.concatenate([np.asarray(text, np.int64), positive])
