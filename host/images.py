"""Pixels in and out: frames to the network's square, masks to its grid, logits back to the video.

Coordinates: a pixel of index i covers [i, i + 1) of its axis, so resizing keeps edges on edges
(half-pixel centres, as OpenCV does). The network's square is a window of the frame squashed, mostly
one around an object and otherwise the whole frame, never padded: normalised positions are the same
in window, square and grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from host.errors import FrameError
from host.prompts import LOGIT_LIMIT, Prompt

Box = tuple[float, float, float, float]
"""A box is x0, y0, x1, y1, normalised to the frame."""


@dataclass(frozen=True)
class Window:
    """A window is the part of a frame that the network sees: `width` pixels from `left` on and
    `height` from `top` on, of a frame of frame_size (H, W).
    """

    left: int
    top: int
    width: int
    height: int
    frame_size: tuple[int, int]

    @classmethod
    def whole(cls, frame_size: tuple[int, int]) -> Window:
        """Returns the window that is the whole frame."""
        return cls(0, 0, frame_size[1], frame_size[0], frame_size)

    @classmethod
    def around(cls, x: float, y: float, side: float, frame_size: tuple[int, int]) -> Window:
        """Returns the window of the frame's proportions whose sides are `side` times the frame's,
        with its centre at (x, y), normalised, or as near to it as the frame allows.
        """
        height, width = frame_size
        share = min(max(side, 0.0), 1.0)
        wide, high = (max(1, round(share * length)) for length in (width, height))
        left = min(max(round(x * width - wide / 2), 0), width - wide)
        top = min(max(round(y * height - high / 2), 0), height - high)
        return cls(left, top, wide, high, frame_size)

    @property
    def is_whole(self) -> bool:
        """Tells whether the window is the whole frame."""
        return (self.height, self.width) == self.frame_size

    @property
    def side(self) -> float:
        """Returns the larger of the window's sides over the frame's."""
        return max(self.width / self.frame_size[1], self.height / self.frame_size[0])

    @property
    def centre(self) -> tuple[float, float]:
        """Returns the window's centre, x and y normalised to the frame."""
        height, width = self.frame_size
        return (self.left + self.width / 2) / width, (self.top + self.height / 2) / height

    def crop(self, plane: NDArray) -> NDArray:
        """Returns what the window shows of the frame or a mask, as a view. The frame may be kept at
        another size (h, w, ...), of which the nearest whole pixels are shown.
        """
        rows, columns = self._slices(plane.shape[0], plane.shape[1])
        return plane[rows, columns]

    def _slices(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the window on a frame at a size."""
        found = []
        for length, whole, start, count in (
            (height, self.frame_size[0], self.top, self.height),
            (width, self.frame_size[1], self.left, self.width),
        ):
            first = min(round(start * length / whole), length - 1)
            found.append(slice(first, max(first + 1, round((start + count) * length / whole))))
        return found[0], found[1]

    def shows(self, points: ArrayLike) -> bool:
        """Tells whether all points (N, 2), normalised to the frame, lie in the window."""
        moved = self.inside(points, clipped=False)
        return bool(((moved >= 0) & (moved <= 1)).all())

    def inside(self, points: ArrayLike, clipped: bool = True) -> NDArray[np.float32]:
        """Returns points (N, 2), x and y normalised to the frame, normalised to the window; those
        outside move to its border unless told otherwise.
        """
        height, width = self.frame_size
        scale = np.array([width / self.width, height / self.height])
        start = np.array([self.left / self.width, self.top / self.height])
        moved = np.asarray(points, np.float64).reshape(-1, 2) * scale - start
        return (np.clip(moved, 0, 1) if clipped else moved).astype(np.float32)

    def box(self, logits: NDArray[np.floating], spare: float = 0.0) -> Box | None:
        """Returns the box, on the frame, of where logits (R, R) of the window are positive, without
        `spare` of them on each side; None where they are nowhere.
        """
        found = np.asarray(logits) > 0
        total = int(found.sum())
        if not total:
            return None
        height, width = self.frame_size
        edges = []
        for counts, start, length, frame in (
            (found.sum(0), self.left, self.width, width),
            (found.sum(1), self.top, self.height, height),
        ):
            sums = np.cumsum(counts)
            first = int(np.searchsorted(sums, spare * total, side="right"))
            last = int(np.searchsorted(sums, (1 - spare) * total))
            cell = length / len(counts)
            edges.append(((start + first * cell) / frame, (start + (last + 1) * cell) / frame))
        (x0, x1), (y0, y1) = edges
        return x0, y0, x1, y1

    def prompt(self, prompt: Prompt) -> Prompt:
        """Returns what a prompt on the frame says in the window. What lies outside is cut, and
        clicks move to the border.
        """
        if self.is_whole:
            return prompt
        if prompt.logits is not None:
            return Prompt.from_logits(self.logits_of(prompt.logits, Window.whole(self.frame_size)))
        if prompt.mask is not None:
            return Prompt(mask=self.crop(prompt.mask))
        box = None if prompt.box is None else self.inside(prompt.box).reshape(4)
        return Prompt(self.inside(prompt.points), prompt.labels, box)

    def logits_of(self, logits: NDArray[np.floating], other: Window) -> NDArray[np.float32]:
        """Returns logits (R, R) of another window of the frame as this one has them, interpolated;
        -16 where the other one does not reach.
        """
        plane = np.ascontiguousarray(logits, np.float32)
        if other == self:
            return plane
        maps = []
        for side, start, length, from_start, from_length in (
            (plane.shape[1], self.left, self.width, other.left, other.width),
            (plane.shape[0], self.top, self.height, other.top, other.height),
        ):
            centres = start + (np.arange(side) + 0.5) / side * length
            maps.append(((centres - from_start) / from_length * side - 0.5).astype(np.float32))
        columns, rows = np.meshgrid(*maps)
        return np.asarray(
            cv2.remap(
                plane,
                columns,
                rows,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=-LOGIT_LIMIT,
            ),
            np.float32,
        )

    def to_video(
        self, logits: NDArray[np.floating], height: int, width: int
    ) -> NDArray[np.float32]:
        """Interpolates logits (R, R) of the window to the frame at (height, width), as
        `logits_to_video` does; -16 outside the window.
        """
        if self.is_whole:
            return logits_to_video(logits, height, width)
        full = np.full((height, width), -LOGIT_LIMIT, np.float32)
        rows, columns = self._slices(height, width)
        full[rows, columns] = logits_to_video(logits, *full[rows, columns].shape)
        return full


class Placed(NamedTuple):
    """These are logits (R, R) together with the window of the frame that they are of."""

    logits: NDArray[np.float32]
    window: Window

    def within(self, window: Window) -> NDArray[np.float32]:
        """Returns the logits as another window of the frame has them."""
        return window.logits_of(self.logits, self.window)

    def box(self, spare: float = 0.0) -> Box | None:
        """Returns the box on the frame of where the logits are positive, see `Window.box`."""
        return self.window.box(self.logits, spare)


def check_frame(frame: Any, expected: tuple[int, int] | None = None, index: int = 0) -> None:
    """Raises FrameError unless `frame` is (H, W, 3) uint8, not empty, and of the expected size."""
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
        shape = getattr(frame, "shape", type(frame).__name__)
        raise FrameError(f"frame {index} is {shape}", "give an array (height, width, 3) in RGB")
    if frame.dtype != np.uint8:
        raise FrameError(f"frame {index} is {frame.dtype}", "give uint8 values 0..255")
    height, width = frame.shape[:2]
    if not height or not width:
        raise FrameError(
            f"frame {index} is empty ({width}x{height})", "skip it, or mend the source"
        )
    if expected is not None and (height, width) != expected:
        raise FrameError(
            f"frame {index} is {width}x{height}, the stream began with {expected[1]}x{expected[0]}",
            "resize the frames, or reset the session and prompt again",
        )


def _resize(image: NDArray, height: int, width: int, enlarge: int = cv2.INTER_LINEAR) -> NDArray:
    if image.shape[:2] == (height, width):
        return image
    # Averaging areas avoids aliasing, but only means something where both sides shrink.
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else enlarge
    return cv2.resize(image, (width, height), interpolation=how)


def to_network(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Squashes a frame (H, W, 3) RGB uint8 to the network's square (S, S, 3) uint8, S = size."""
    return np.ascontiguousarray(_resize(frame, size, size))


def fitted(frame: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Returns the frame, shrunk where its longer side exceeds `side` pixels."""
    longest = max(frame.shape[:2])
    if longest <= side:
        return frame
    height, width = (max(1, round(n * side / longest)) for n in frame.shape[:2])
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def to_codes(image: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Turns an image (S, S, 3) uint8 into int8 codes (1, 3, S, S): a code is its pixel - 128.

    Colours stay fastest in memory, as the hardware's streams have them.
    """
    # Flipping the top bit of a byte subtracts 128 in two's complement, without widening.
    codes = (image ^ np.uint8(0x80)).view(np.int8)
    return codes.transpose(2, 0, 1)[None]


def mask_to_grid(mask: NDArray, grid: int) -> NDArray[np.float32]:
    """Turns a binary mask (H, W) into logits (R, R) float32 in [-16, 16], R = grid.

    A cell's value is 16 * (2 p - 1) for the share p of it that the mask covers, so the boundary is
    soft and survives the way back.
    """
    share = _resize((np.asarray(mask) != 0).astype(np.float32), grid, grid)
    return (LOGIT_LIMIT * (2 * share - 1)).astype(np.float32)


def logits_to_video(logits: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """Interpolates logits (R, R) to (height, width) float32, to be thresholded at 0.

    Interpolating before the threshold gives outlines finer than the grid; bicubic rounds them.
    """
    plane = np.ascontiguousarray(logits, dtype=np.float32)
    return _resize(plane, height, width, enlarge=cv2.INTER_CUBIC)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns the probabilities in [0, 1] that logits of any shape stand for."""
    limited = np.clip(np.asarray(logits, np.float32), -30, 30)
    return (1 / (1 + np.exp(-limited))).astype(np.float32)
