"""Pictures and videos in memory are read here: PIL's images, arrays and other
libraries' tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.errors import FrameError, SourceError
from host.media.levels import Levels
from host.prompt_values import plain

HOW = "give RGB as uint8, or as floats of 0..1"


def picture(image: Any, levels: Levels | None = None, index: int = 0) -> NDArray[np.uint8]:
    """Returns as RGB (H, W, 3) uint8 a PIL image, or an array or tensor (H, W), (H, W, C) or (C, H,
    W) with C of 1, 3 or 4 channels.

    levels are those of the sequence that the picture belongs to. Raises FrameError for what is no
    picture.
    """
    if hasattr(image, "getbands") and hasattr(image, "convert"):  # PIL's, which the host can lack
        deep = image.mode.startswith(("I", "F"))  # else it would be cut at 255
        image = np.asarray(image if deep else image.convert("RGB"))
    values = plain(image)
    if not isinstance(values, np.ndarray):
        try:
            values = np.asarray(values)
        except ValueError as error:
            raise FrameError(f"frame {index} is {type(image).__name__}", HOW) from error
    if values.ndim == 3 and values.shape[2] not in (1, 3, 4) and values.shape[0] in (1, 3, 4):
        values = values.transpose(1, 2, 0)
    if levels is None and values.dtype.kind == "f" and values.size and not values.any():
        raise FrameError(f"frame {index} is {values.dtype}, and all of it 0", HOW)
    if values.ndim not in (2, 3) or values.dtype.kind not in "biuf":
        raise FrameError(f"frame {index} is {values.dtype} of shape {values.shape}", HOW)
    try:
        found = (levels or Levels()).rgb(values, f"frame {index}")
    except SourceError as error:
        raise FrameError(error.message, HOW) from error
    if not found.size:
        height, width = found.shape[:2]
        raise FrameError(
            f"frame {index} is empty ({width}x{height})", "skip it, or mend the source"
        )
    return found


def is_given(video: Any) -> bool:
    """Tells whether a video is in memory, and no path or number of a camera."""
    return not isinstance(video, (str, Path, int)) and not hasattr(video, "__fspath__")


def frames_given(video: Any) -> Sequence[NDArray[np.uint8]]:
    """Yields the frames of a list of what `picture` takes, of an array or tensor of such, or of one
    picture.

    Raises FrameError for what holds no pictures.
    """
    levels = Levels()
    if not isinstance(video, (list, tuple)):
        values = plain(video)
        if hasattr(values, "getbands") or getattr(values, "ndim", 0) in (2, 3):
            return [picture(values)]
        if getattr(values, "ndim", 0) != 4:
            shape = getattr(values, "shape", type(video).__name__)
            raise FrameError(
                f"a video of {shape}", "give a path, a list of pictures, or (T, H, W, 3)"
            )
        if values.dtype.kind == "f" and values.any():
            # A frame that is all black would be refused alone; among others it is one of them.
            low, high = values.min(), values.max()
            if low < 0 or high > 1:
                raise FrameError(f"a video of {values.dtype} values {low}..{high}", HOW)
            values = np.rint(values * 255).astype(np.uint8)
        video = list(values)
    if not len(video):
        raise FrameError("a video of no frames", "give one frame at least")
    return [picture(frame, levels, index) for index, frame in enumerate(video)]
