"""Points, labels, boxes and masks as users give them are read into arrays, or refused with the
reason.

What can only mean one thing is taken: a box that crosses the border is cut there, a soft mask is
thresholded. What could mean two things is refused, since a wrong guess would only show as a wrong
mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.errors import PromptError

LARGEST_LABEL, FAR = 1e6, 1e30
ROUNDING = 1e-4
"""A normalised coordinate may fall this far outside the frame, by rounding alone."""


def plain(value: Any) -> Any:
    """Returns the value; a tensor of another library comes back as a numpy array."""
    if isinstance(value, np.ndarray) or not hasattr(value, "detach"):
        return value
    tensor = value.detach().cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:  # a type that numpy lacks, as bfloat16
        return np.asarray(tensor.float().numpy())


def numbers(value: Any, what: str) -> NDArray[np.float64]:
    """Reads a value as an array of real numbers of the value's shape, one number as a row of one.
    Raises PromptError where it holds anything else; `what` names the value in the message.
    """
    try:
        given = np.atleast_1d(plain(value))
        if given.dtype.kind not in "biuf":
            raise TypeError(f"values of type {given.dtype}")
        return given.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"{what} {_short(value)} ({error})", "give numbers, in rows") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def points_of(value: Any) -> NDArray[np.float64]:
    """Reads the points (N, 2) of one object; a single point and leading dimensions of 1 pass too.

    Raises PromptError for other shapes and for the points of several objects.
    """
    given = numbers(value, "points")
    if not given.size:
        return np.zeros((0, 2))
    if given.shape[-1] != 2 or int(np.prod(given.shape[:-2])) != 1:
        raise PromptError(
            f"points of shape {given.shape}", "give one object's points as (N, 2), x and y"
        )
    return given.reshape(-1, 2)


def labels_of(value: Any) -> NDArray[np.int64]:
    """Reads labels of any shape as whole numbers. Raises PromptError for fractions and for what is
    no number.
    """
    given = numbers(value, "labels")
    if not ((np.abs(given) < LARGEST_LABEL) & (given == np.rint(given))).all():
        raise PromptError(
            f"labels {_short(given.tolist())}", "use 1 for the object and 0 for the background"
        )
    return given.astype(np.int64)


def box_of(value: Any) -> NDArray[np.float64]:
    """Reads the box (4,) of one object from four numbers in any shape. Raises PromptError for
    another count.
    """
    given = numbers(value, "box").reshape(-1)
    if given.shape != (4,):
        raise PromptError(f"box of {given.size} numbers", "give x0, y0, x1, y1")
    return given


def binary_mask(value: Any) -> NDArray[np.bool_]:
    """Tells where the object is by a mask of any shape: truth values, {0, v}, probabilities (the
    object from 0.5 on) or logits (the object where they are positive).

    Raises PromptError for a mask that could mean several things, such as a map of ids or grey
    values.
    """
    try:
        given = np.asarray(plain(value))
    except ValueError as error:  # rows of several lengths
        raise PromptError(f"mask {_short(value)} ({error})", "give rows of one length") from error
    if given.dtype == np.bool_:
        return given
    if given.dtype.kind not in "iuf":
        raise PromptError(f"mask of {given.dtype} values", "give truth values or numbers")
    if not given.size:
        return given != 0
    low, high = float(given.min()), float(given.max())
    if np.isnan(low):
        raise PromptError("mask with NaN in it", "give truth values, probabilities or logits")
    if low < 0:
        return np.asarray(given > 0)
    drawn = np.asarray(given != 0)
    two_values = bool((given[drawn] == given.max()).all())
    if given.dtype.kind == "f" and high <= 1 + ROUNDING:
        if two_values and 0 < high <= 0.5 and not drawn.all():
            raise PromptError(
                f"mask of the values 0 and {high:g}", "give truth values: is that the object?"
            )
        return np.asarray(given > 0.5)
    if two_values:
        return drawn
    raise PromptError(
        f"mask of many values, {low:g}..{high:g}: ids, grey values or logits",
        "give truth values for one object, as ids == 1 or grey > 127",
    )


def near_frame(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns normalised points as float32, with those pulled in that lie outside 0..1 by rounding
    alone.
    """
    given = np.asarray(points, np.float64)
    given = np.clip(given, -FAR, FAR)  # what is refused need not overflow first
    pulled = np.clip(given, 0, 1)
    return np.where(np.abs(pulled - given) <= ROUNDING, pulled, given).astype(np.float32)


def box_on_frame(box: NDArray[np.floating], what: str = "box") -> NDArray[np.float32]:
    """Cuts a normalised box (4,) at the frame's border.

    Raises PromptError for a box that is empty or has no part on the frame.
    """
    named = f"{what} ({', '.join(f'{value:.4g}' for value in box)})"
    if not np.isfinite(box).all():
        raise PromptError(f"{named} lies outside the frame", "give finite numbers")
    if box[2] <= box[0] or box[3] <= box[1]:
        raise PromptError(f"{named} is empty", "x0 < x1 and y0 < y1 are needed")
    cut = np.clip(box, 0, 1).astype(np.float32)
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        raise PromptError(
            f"{named} lies outside the frame",
            "normalised coordinates run from 0 to 1; Prompt.from_pixels takes pixels",
        )
    return cut


def box_from_pixels(box: Any, height: int, width: int) -> NDArray[np.float32]:
    """Normalises a box (4,) x0, y0, x1, y1 that runs from its first to its last pixel, both
    included, on a frame of the given size: the result (4,) lies in [0, 1], cut at the border.

    An exclusive end, x1 = width, is taken too, since many tools give it. Raises PromptError for a
    box with no part on the frame, or whose corners are the wrong way round.
    """
    given = box_of(box)
    x0, y0, x1, y1 = given.tolist()
    named = f"box ({x0:g}, {y0:g}, {x1:g}, {y1:g})"
    if np.isfinite(given).all() and (x1 < x0 or y1 < y0):
        raise PromptError(f"{named} is empty", "x0 <= x1 and y0 <= y1 are needed")
    if not (np.isfinite(given).all() and x0 < width and y0 < height and min(x1, y1) > -1):
        raise PromptError(
            f"{named} lies outside the {width}x{height} frame",
            f"x must be in 0..{width - 1} and y in 0..{height - 1}",
        )
    size = np.array([width, height])
    # What the border leaves of a box is half a pixel at least, or rounding might make it none.
    low = np.clip([x0, y0], 0, size - 0.5)
    high = np.clip([x1 + 1, y1 + 1], 0.5, size)
    return np.concatenate([low / size, high / size]).astype(np.float32)
