"""A whole video is kept in memory, no larger than a model has use for, for predictors that go to
and fro in it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.compat.given_frames import frames_given, is_given
from host.errors import FrameError
from host.images import check_frame, fitted, to_network
from host.media.video import IMAGE_SUFFIXES, open_source, read_image
from host.spec import ModelSpec

CLOSE_SIDES = 4
"""Frames that are read in windows keep so many times the network's side, as SAM 2's do."""


def read_squares(path: Any, size: int) -> tuple[list[NDArray[np.uint8]], tuple[int, int]]:
    """Returns the frames (S, S, 3), S = size, of a video file, folder of frames, picture or video
    in memory, and the height and width that they had. Raises SourceError and FrameError.
    """
    return _read(path, lambda image: to_network(image, size))


def read_for(spec: ModelSpec, path: Any) -> tuple[list[NDArray[np.uint8]], tuple[int, int]]:
    """Returns what `read_squares` does, or frames of their own proportions where the model reads
    them in windows, their longer side at most `CLOSE_SIDES` times the network's.
    """
    if not spec.policy.window:
        return read_squares(path, spec.image_size)
    return _read(path, lambda image: fitted(image, CLOSE_SIDES * spec.image_size))


def _read(
    path: Any, kept: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> tuple[list[NDArray[np.uint8]], tuple[int, int]]:
    if is_given(path):
        frames = frames_given(path)
        first = frames[0].shape[:2]
        for index, image in enumerate(frames):
            check_frame(image, first, index)
        return [kept(image) for image in frames], first
    if Path(path).is_file() and Path(path).suffix.lower() in IMAGE_SUFFIXES:
        image = read_image(Path(path))
        return [kept(image)], (image.shape[0], image.shape[1])
    squares: list[NDArray[np.uint8]] = []
    shape: tuple[int, int] | None = None
    for frame in open_source(path):
        check_frame(frame.image, shape, frame.index)
        shape = (frame.image.shape[0], frame.image.shape[1])
        squares.append(kept(frame.image))
    if shape is None:
        raise FrameError(f"{path} holds no frames", "give a video with frames in it")
    return squares, shape


def check_count(count: Any) -> None:
    """Raises FrameError unless `count` is None or a number of frames to go on for."""
    try:
        good = count is None or operator.index(count) >= 0
    except TypeError:
        good = False
    if not good:
        raise FrameError(f"{count!r} frames to track", "give a whole number, 0 or more")


def check_index(index: Any, count: int) -> None:
    """Raises FrameError unless `index` is a frame of a video of `count` frames."""
    try:
        inside = 0 <= operator.index(index) < count
    except TypeError:
        inside = False
    if not inside:
        raise FrameError(
            f"frame {index!r} of a video of {count} frames", f"frames are numbered 0..{count - 1}"
        )
