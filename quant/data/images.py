"""Image files to arrays: RGB frames and the id masks of VOS data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.errors import PromptError, SourceError
from host.media.masks import read_label_map
from host.media.video import natural_key, read_image
from quant.data.errors import DataError

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
VOID = 255


def read_frame(path: Path) -> NDArray[np.uint8]:
    """RGB (H, W, 3) uint8 of an image file. Raises DataError."""
    try:
        return read_image(path)
    except SourceError as error:
        raise DataError(error.message, error.remedy) from error


def read_values(path: Path) -> NDArray[np.uint8]:
    """Stored values (H, W) uint8 of a mask PNG: palette indices or greys. Raises DataError."""
    try:
        return read_label_map(path)
    except PromptError as error:
        raise DataError(error.message, error.remedy) from error


def read_ids(path: Path) -> NDArray[np.uint8]:
    """Object ids (H, W) uint8 of a mask PNG, 0 the background and what is void. Raises
    DataError.
    """
    labels = read_labels(path)
    labels[labels == VOID] = 0
    return labels


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Object ids (H, W) uint8 of a mask PNG, 0 the background, 255 void.

    A mask of 0 and 255 alone is a merged foreground (DAVIS-2016) and becomes object 1. Raises
    DataError.
    """
    ids = read_values(path)
    void = ids == VOID
    if void.any() and not ids[~void].any():
        ids[void] = 1
    return ids


def list_frames(folder: Path) -> list[Path]:
    """Image files of a folder in the order of their numbers. Raises DataError without any."""
    files = (
        [path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES]
        if folder.is_dir()
        else []
    )
    if not files:
        raise DataError(f"no frames in {folder}", "put the sequence's .jpg files there")
    return sorted(files, key=lambda path: natural_key(path.name))


def subfolders(folder: Path) -> list[Path]:
    """Folders inside a folder, by name; none when it does not exist."""
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def read_list(path: Path) -> list[str]:
    """Lines of a list file without blanks. Raises DataError when it is missing or empty."""
    if not path.is_file():
        raise DataError(f"no list {path}", "write one sequence name a line there")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise DataError(f"list {path} is empty", "write one sequence name a line there")
    return lines
