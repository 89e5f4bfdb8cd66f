"""A prompt is what a user says about an object; this module also makes of it what the mask decoder
reads.

Coordinates are normalised: x and y run over [0, 1] on the whole frame, edges included, so that
pixel i of a row of W has its centre at (i + 0.5) / W. `Prompt.from_pixels` converts. Training draws
its prompts through the same functions (SAM, Kirillov et al. 2023, section 3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.errors import PromptError
from host.prompt_values import (
    binary_mask,
    box_from_pixels,
    box_of,
    box_on_frame,
    labels_of,
    near_frame,
    points_of,
)

NEGATIVE, POSITIVE, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT, PAD = 0, 1, 2, 3, 4
"""Labels of tokens are rows of the table `token_label`."""

PROMPT_TOKENS = 8
"""The decoder reads this many prompt tokens, P; unused ones are padded."""

LOGIT_LIMIT = 16.0
"""No mask logit and no channel of a dense prompt has a larger absolute value, in value units."""

DENSE_CHANNELS = 6


def _no_points() -> NDArray[np.float32]:
    return np.zeros((0, 2), np.float32)


def _no_labels() -> NDArray[np.int64]:
    return np.zeros((0,), np.int64)


@dataclass(frozen=True, eq=False)
class Prompt:
    """A prompt holds clicks, a box or a mask for one object on one frame.

    points are (N, 2) float32 x, y in [0, 1], with labels (N,), 1 for the object and 0 for the
    background. box is (4,) float32 x0, y0, x1, y1 in [0, 1], cut at the frame's border, or None.
    mask is (H, W) bool at the video's resolution, or None; it excludes points and box.
    Probabilities and logits are thresholded, see `binary_mask`. logits are (R, R) float32, those of
    a mask that a model found on its own grid, or None; mask then is where they are positive.
    """

    points: NDArray[np.float32] = field(default_factory=_no_points)
    labels: NDArray[np.int64] = field(default_factory=_no_labels)
    box: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None
    logits: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        points = near_frame(points_of(self.points))
        labels = labels_of(self.labels).reshape(-1)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "labels", labels)
        if len(points) != len(labels):
            raise PromptError(
                f"{len(points)} points but {len(labels)} labels",
                "give each point one label, 0 or 1",
            )
        if not np.isin(labels, (NEGATIVE, POSITIVE)).all():
            raise PromptError(
                f"point labels {labels.tolist()}", "use 1 for the object and 0 for the background"
            )
        _require_inside(points, "point")
        if self.box is not None:
            object.__setattr__(self, "box", box_on_frame(box_of(self.box)))
        if self.mask is not None:
            mask = binary_mask(self.mask)
            if mask.ndim != 2:
                raise PromptError(
                    f"mask prompt of shape {mask.shape}", "give a two-dimensional mask"
                )
            object.__setattr__(self, "mask", mask)
            if len(points) or self.box is not None:
                raise PromptError("a mask prompt together with points or a box", "give one of them")
        elif not len(points) and self.box is None:
            raise PromptError("an empty prompt", "give points, a box or a mask")

    @classmethod
    def from_pixels(
        cls,
        height: int,
        width: int,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        box: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> Prompt:
        """Makes a prompt from pixel coordinates of a (height, width) frame.

        A point names a pixel, that is its centre; a box runs from the first to the last pixel that
        it holds, both included, and is cut at the border. Raises PromptError for a point outside
        the frame or a box with no part on it.
        """
        scaled_box = None if box is None else box_from_pixels(box, height, width)
        scaled = _no_points()
        if points is not None:
            pixels = points_of(points)
            for x, y in pixels:
                if not (-0.5 <= x < width and -0.5 <= y < height):
                    raise PromptError(
                        f"point ({x:g}, {y:g}) lies outside the {width}x{height} frame",
                        f"x must be in 0..{width - 1} and y in 0..{height - 1}",
                    )
            scaled = np.clip((pixels + 0.5) / (width, height), 0, 1).astype(np.float32)
        drawn = None
        if mask is not None:
            drawn = binary_mask(mask)
            if drawn.shape[-2:] != (height, width) or drawn.size != height * width:
                raise PromptError(
                    f"mask of shape {drawn.shape} for a frame of shape {(height, width)}",
                    "give the mask at the video's own resolution",
                )
            drawn = drawn.reshape(height, width)
        kept = _no_labels() if labels is None else labels_of(labels)
        return cls(scaled, kept, scaled_box, drawn)

    @classmethod
    def from_logits(cls, logits: NDArray[np.floating]) -> Prompt:
        """Makes a prompt of a mask that a model found: its logits (R, R) on the grid of the masks,
        which go to the memory as they are. Raises PromptError for logits of another shape.
        """
        kept = np.clip(np.asarray(logits, np.float32), -LOGIT_LIMIT, LOGIT_LIMIT)
        if kept.ndim != 2 or kept.shape[0] != kept.shape[1] or np.isnan(kept).any():
            raise PromptError(
                f"logits of shape {kept.shape}", "give numbers on the square grid of the masks"
            )
        return cls(mask=kept > 0, logits=kept)

    @property
    def outlines(self) -> bool:
        """Tells whether the prompt has a box or a mask, which clicks alone are not."""
        return self.box is not None or self.mask is not None

    def replaces(self, earlier: Prompt) -> bool:
        """Tells whether this prompt outlines the object anew, after an outline given before."""
        return earlier.outlines and self.outlines

    def then(self, later: Prompt) -> Prompt:
        """Returns this prompt followed by a correction: clicks add up, a later box or mask takes
        the place of the earlier one.
        """
        if later.mask is not None or self.mask is not None:
            return later
        return Prompt(
            np.concatenate([self.points, later.points]),
            np.concatenate([self.labels, later.labels]),
            later.box if later.box is not None else self.box,
        )


def _require_inside(points: NDArray[np.float32], what: str) -> None:
    inside = np.isfinite(points) & (points >= 0) & (points <= 1)
    if not inside.all():
        bad = points[~inside.all(axis=-1)][0]
        raise PromptError(
            f"{what} ({bad[0]:g}, {bad[1]:g}) lies outside the frame",
            "normalised coordinates run from 0 to 1; Prompt.from_pixels takes pixels",
        )


def checked_prompts(
    prompts: Mapping[int, Prompt], size: tuple[int, ...], grid: int, known: Collection[int]
) -> dict[int, Prompt]:
    """Returns prompts by object id, if they fit a frame of size (H, W) and masks of R = grid cells
    a side. known are the ids of objects that were prompted before. Raises PromptError.
    """
    for object_id, prompt in prompts.items():
        if not isinstance(object_id, (int, np.integer)) or isinstance(object_id, bool):
            raise PromptError(f"object id {object_id!r}", "object ids are integers")
        if not isinstance(prompt, Prompt):
            raise PromptError(
                f"object {object_id}: a prompt of type {type(prompt).__name__}",
                "give a Prompt, as Prompt.from_pixels makes it",
            )
        if prompt.logits is not None:
            if prompt.logits.shape != (grid, grid):
                raise PromptError(
                    f"object {object_id}: logits of shape {prompt.logits.shape}",
                    f"give the {grid}x{grid} logits of the model's masks",
                )
        elif prompt.mask is not None and prompt.mask.shape != tuple(size):
            raise PromptError(
                f"object {object_id}: mask {prompt.mask.shape[1]}x{prompt.mask.shape[0]} on a "
                f"frame of {size[1]}x{size[0]}",
                "give the mask at the video's own resolution",
            )
        if not (object_id in known or prompt.outlines or (prompt.labels == POSITIVE).any()):
            raise PromptError(
                f"object {object_id} is new and has only background clicks",
                "start it with a positive click, a box or a mask",
            )
    return dict(prompts)


def token_indices(
    points: ArrayLike,
    labels: ArrayLike,
    box: ArrayLike | None,
    bins: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the rows of the token tables that the P prompt tokens are summed of: label (P,),
    column (P,) and row (P,).

    points (N, 2) and box (4,) are normalised, and bins = R. The box comes first, then the clicks,
    of which the latest are kept when there are more than fit; the rest is PAD at column = row = 0.
    """
    where = np.asarray(points, np.float32).reshape(-1, 2)
    kinds = np.asarray(labels, np.int64).reshape(-1)
    if box is not None:
        corners = np.asarray(box, np.float32).reshape(2, 2)
        room = PROMPT_TOKENS - 2
        where = np.concatenate([corners, where[-room:]])
        kinds = np.concatenate([[BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], kinds[-room:]])
    where, kinds = where[-PROMPT_TOKENS:], kinds[-PROMPT_TOKENS:]
    label = np.full(PROMPT_TOKENS, PAD, np.int64)
    cells = np.zeros((PROMPT_TOKENS, 2), np.int64)
    label[: len(kinds)] = kinds
    cells[: len(kinds)] = np.clip(np.floor(where * bins), 0, bins - 1).astype(np.int64)
    return label, cells[:, 0].copy(), cells[:, 1].copy()


def dense_prompt(
    grid: int,
    logits: NDArray[np.floating] | None = None,
    points: ArrayLike = (),
    labels: ArrayLike = (),
    box: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """Draws a prompt on the mask grid: (6, R, R) float32 in [-16, 16], R = grid.

    Channel 0 holds the previous mask's logits, or zeros without one; channels 1 and 2 positive and
    negative clicks as discs of radius max(1, R / 32) cells; channel 3 the filled box; channels 4
    and 5 the x and y ramps.
    """
    drawn = np.zeros((DENSE_CHANNELS, grid, grid), np.float32)
    if logits is not None:
        drawn[0] = np.clip(np.asarray(logits).reshape(grid, grid), -LOGIT_LIMIT, LOGIT_LIMIT)
    centres = (np.arange(grid, dtype=np.float32) + 0.5) / grid
    radius = max(1.0, grid / 32) / grid
    where = np.asarray(points, np.float32).reshape(-1, 2)
    for (x, y), label in zip(where, np.asarray(labels, np.int64).reshape(-1), strict=True):
        near = (centres[None, :] - x) ** 2 + (centres[:, None] - y) ** 2 <= radius**2
        drawn[1 if label == POSITIVE else 2][near] = LOGIT_LIMIT
    if box is not None:
        x0, y0, x1, y1 = np.asarray(box, np.float32).reshape(4)
        across = (centres >= x0) & (centres <= x1)
        down = (centres >= y0) & (centres <= y1)
        # A box thinner than a cell still has to show: take the cell that it lies in.
        across[min(int((x0 + x1) / 2 * grid), grid - 1)] = True
        down[min(int((y0 + y1) / 2 * grid), grid - 1)] = True
        drawn[3][np.ix_(down, across)] = LOGIT_LIMIT
    ramp = np.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, grid, dtype=np.float32)
    drawn[4] = ramp[None, :]
    drawn[5] = ramp[:, None]
    return drawn


def is_ambiguous(
    labels: Sequence[int] | NDArray[np.int64],
    box: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    memory: bool = False,
) -> bool:
    """Tells whether the best of the three candidate masks is to answer: for one positive click and
    nothing else.

    memory says whether the object has any memory, which settles what the click means.
    """
    kinds = np.asarray(labels).reshape(-1)
    single = kinds.size == 1 and int(kinds[0]) == POSITIVE
    return single and box is None and mask is None and not memory
