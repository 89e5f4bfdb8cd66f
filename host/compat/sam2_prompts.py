"""SAM 2's prompt arguments become prompts of single objects, by their batch dimension.

For B objects the shapes are points (B, N, 2) with labels (B, N), boxes (B, 4) and mask_input (B, 1,
R, R); without the leading dimension they are those of one object. Label -1 fills up short rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.errors import PromptError
from host.prompt_values import box_of, labels_of, numbers, points_of
from host.prompts import Prompt

PADDING = -1
"""A point with this label is padding and no point (SAM 2, prompt encoder)."""


def flag_of(name: str, given: Any) -> bool:
    """Returns a switch that SAM 2's names take: True or False, or a number or array of one value
    that means one of them. Raises PromptError for anything else.
    """
    array = np.asarray(given) if np.ndim(given) or isinstance(given, np.generic) else given
    value = (
        array.item() if isinstance(array, np.ndarray | np.generic) and array.size == 1 else array
    )
    if value is None or (isinstance(value, bool | int | float) and value in (0, 1)):
        return bool(value)
    raise PromptError(f"{name} is {str(given)[:60]!r}", "give True or False")


def prompt_of(points: Any, labels: Any, box: Any, size: tuple[int, int], pixels: bool) -> Prompt:
    """Returns the prompt of one object; any of the arguments may be None and have leading
    dimensions of 1.

    size is (height, width) of the frame. pixels says whether coordinates are pixels; else they are
    in 0..1. Raises PromptError, also for the arguments of several objects.
    """
    _both_or_none(points, labels)
    where, kinds = np.zeros((0, 2)), np.zeros(0, np.int64)
    if points is not None:
        where, kinds = points_of(points), labels_of(labels)
        if kinds.size != len(where):
            raise PromptError(
                f"{len(where)} points but {kinds.size} labels", "give each point one label, 0 or 1"
            )
        meant = kinds.reshape(-1) != PADDING
        where, kinds = where[meant], kinds.reshape(-1)[meant]
    corners = None if box is None else box_of(box)
    if pixels:
        return Prompt.from_pixels(*size, where, kinds, corners)
    if corners is not None:
        # A box that begins and ends on one coordinate holds the pixel there.
        for end, pixel in ((2, 1 / size[1]), (3, 1 / size[0])):
            if corners[end] == corners[end - 2]:
                corners[end] += pixel
    # The prompt itself rounds the corners to float32, once they are cut at the frame's border.
    return Prompt(where.astype(np.float32), kinds, corners)  # type: ignore[arg-type]


def prompts_of(
    points: Any, labels: Any, box: Any, size: tuple[int, int], pixels: bool
) -> list[Prompt]:
    """Returns the prompts of B objects, or [] where points and box are None. The arguments are
    those of `prompt_of`.

    Raises PromptError, also where points and boxes are not for equally many objects.
    """
    _both_or_none(points, labels)
    if points is None and box is None:
        return []
    where, kinds = _rows_of_points(points, labels)
    boxes: list[Any] | None = None
    if box is not None:
        given = numbers(box, "box")
        if given.size % 4 or (given.shape[-1] != 4 and given.shape[-2:] != (2, 2)):
            raise PromptError(f"boxes of shape {given.shape}", "give x0, y0, x1, y1 of each object")
        boxes = list(given.reshape(-1, 4))
    counts = {len(rows) for rows in (where, boxes) if rows is not None}
    if len(counts) > 1 and where is not None and boxes is not None:
        raise PromptError(
            f"points of {_objects(len(where))} with {_objects(len(boxes), 'box', 'boxes')}",
            "give points (B, N, 2), labels (B, N) and boxes (B, 4) of the same B objects",
        )
    (count,) = counts
    return [
        prompt_of(
            None if where is None else where[row],
            None if kinds is None else kinds[row],
            None if boxes is None else boxes[row],
            size,
            pixels,
        )
        for row in range(count)
    ]


def masks_of(mask_input: Any, grid: int, count: int) -> list[NDArray[np.float32] | None]:
    """Returns the logits (R, R), R = grid, of each of `count` objects; a count of 0 means that
    their number is not known.

    mask_input is (B, 1, R, R), or (R, R), (1, R, R) or (1, 1, R, R), which then count for every
    object. Raises PromptError for other shapes.
    """
    if mask_input is None:
        return [None] * count
    given = numbers(mask_input, "mask_input")
    if given.shape[-2:] != (grid, grid) or given.size % (grid * grid):
        raise PromptError(
            f"mask_input of shape {given.shape}", f"give the logits (1, {grid}, {grid})"
        )
    objects = given.size // (grid * grid)
    if objects > 1 and (given.ndim != 4 or given.shape[1] != 1 or count not in (0, objects)):
        raise PromptError(
            f"mask_input of shape {given.shape} for {_objects(count or 1)}",
            f"give one mask an object, ({count or 'B'}, 1, {grid}, {grid})",
        )
    if np.isnan(given).any():
        raise PromptError("mask_input with NaN in it", "give the logits of an earlier answer")
    rows = given.reshape(-1, grid, grid).astype(np.float32)
    return list(rows) if objects > 1 else [rows[0]] * max(count, 1)


def _both_or_none(points: Any, labels: Any) -> None:
    if (points is None) != (labels is None):
        raise PromptError("points and labels must come together", "give one label a point")


def _rows_of_points(
    points: Any, labels: Any
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """Points (B, N, 2) and labels (B, N)."""
    if points is None:
        return None, None
    where, kinds = numbers(points, "points"), labels_of(labels)
    if where.ndim == 3 and len(where) > 1:
        if where.shape[2] != 2 or kinds.shape != where.shape[:2]:
            raise PromptError(
                f"points of shape {where.shape} with labels of shape {kinds.shape}",
                "give (B, N, 2) with (B, N): points and labels of each object in a row",
            )
        return where, kinds
    rows = points_of(where)[None]
    if kinds.size != rows.shape[1]:
        raise PromptError(
            f"{rows.shape[1]} points but {kinds.size} labels", "give each point one label, 0 or 1"
        )
    return rows, kinds.reshape(1, -1)


def _objects(count: int, one: str = "object", several: str = "objects") -> str:
    return f"{count} {one if count == 1 else several}"
