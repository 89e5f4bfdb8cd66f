"""Masks stand in files: prompts are read from a PNG, results are written as PNGs named as their
frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import PromptError, SourceError
from host.media.levels import unpacked
from host.media.libav import libav, library_errors
from hw.spec.files import atomic_path

MOST_OBJECTS = 255


def _palette_indices(path: Path) -> NDArray[np.uint8] | None:
    # OpenCV turns a palette PNG into colours, but there the index is the object id (DAVIS 2017).
    try:
        av = libav()
    except SourceError as error:  # what the picture's colours mean is not known without it
        raise PromptError(f"{path}: {error.message}", "pip install av") from error
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            if frame.format.name != "pal8":
                return None
            # Rows are padded to the plane's line size.
            plane = frame.planes[0]
            rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
            return rows[: frame.height, : frame.width].copy()
    except library_errors(OSError, StopIteration, IndexError):
        return None


def read_label_map(path: str | Path) -> NDArray[np.uint8]:
    """Reads the label map (H, W) of a grey or palette PNG, 0 for the background. Raises
    PromptError.
    """
    file = Path(path)
    if not file.is_file():
        raise PromptError(f"no mask file {file}", "check the path given as mask")
    labels = _palette_indices(file)
    if labels is not None:
        return labels
    image = unpacked(np.fromfile(file, np.uint8))
    if image is None:
        raise PromptError(f"{file} is no readable image", "give a PNG")
    if image.ndim == 3:
        grey = image[..., 0]
        if (image[..., :3] != grey[..., None]).any():
            raise PromptError(
                f"mask {file} is in colour", "give a grey PNG {0, 255}, or one of object ids"
            )
        image = grey
    if image.dtype != np.uint8:
        raise PromptError(f"mask {file} has {image.dtype} values", "give an 8-bit PNG")
    return np.asarray(image, np.uint8)


def masks_by_id(labels: NDArray[np.uint8]) -> dict[int, NDArray[np.bool_]]:
    """Returns masks (H, W) bool by object id; a single value, as in {0, 255}, is object 1.

    Raises PromptError for a mask without any object, or one that looks like a grey picture.
    """
    ids = [int(value) for value in np.unique(labels) if value]
    if not ids:
        raise PromptError("the mask is empty", "draw the object with a value above 0")
    if len(ids) == 1:
        return {1: labels != 0}
    if len(ids) > 64 or max(ids) == 255:
        raise PromptError(
            f"the mask has {len(ids)} values up to {max(ids)}",
            "use {0, 255} for one object, or one small number for each of several",
        )
    return {value: labels == value for value in ids}


def label_map(
    logits: Mapping[int, NDArray[np.float32]], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Returns the label map (H, W) of several objects' logits: where masks overlap the surer one
    wins.
    """
    labels = np.zeros(shape, np.uint8)
    best = np.zeros(shape, np.float32)
    for object_id, plane in logits.items():
        wins = plane > best
        labels[wins] = object_id
        best[wins] = plane[wins]
    return labels


class MaskWriter:
    """The writer writes one PNG a frame: {0, 255} for one object, object ids for several.

    object_ids are those that will come, or None where they are not known yet, which counts as
    several. Every file is whole or absent. Raises PromptError for ids that a byte does not hold.
    """

    def __init__(self, folder: str | Path, object_ids: Sequence[int] | None) -> None:
        self.folder = Path(folder)
        self._several = object_ids is None or len(object_ids) > 1
        self._check(object_ids or ())
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(
        self, name: str, logits: Mapping[int, NDArray[np.float32]], shape: tuple[int, int]
    ) -> Path:
        """Writes the masks of one frame, given as logits (H, W) by object id."""
        self._check(list(logits))
        if self._several:
            picture = label_map(logits, shape)
        else:
            picture = np.zeros(shape, np.uint8)
            for plane in logits.values():
                picture[plane > 0] = 255
        target = self.folder / f"{name}.png"
        with atomic_path(target) as part:
            good, stored = cv2.imencode(".png", picture)
            if not good:
                raise PromptError(f"cannot encode mask {name}")
            part.write_bytes(stored.tobytes())
        return target

    def _check(self, object_ids: Sequence[int]) -> None:
        outside = [i for i in object_ids if not 1 <= i <= MOST_OBJECTS]
        if self._several and outside:
            raise PromptError(f"object id {outside[0]}", f"mask files hold ids 1..{MOST_OBJECTS}")
