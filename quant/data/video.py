"""A video with object masks, read lazily: what every loader returns and clips are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quant.data.errors import DataError
from quant.data.images import VOID, read_frame, read_labels

MaskReader = Callable[[], NDArray]
"""Gives one object's mask (H, W), non-zero inside."""

Layers = Mapping[int, MaskReader]
"""Masks of one frame by object id; they may overlap."""

IdReader = Callable[[], NDArray[np.uint8]]
"""Gives one frame's ids (H, W) uint8, 255 where nothing is known."""


class FrameStore(Protocol):
    """Frames that are not one file each, such as those inside a video file."""

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]: ...


@dataclass(eq=False)
class VideoSequence:
    """Frames 0..len-1 of a video and the masks of those that are annotated.

    name: unique in its data set.
    frames: image files, or a store that reads frames by index.
    masks: by frame index, a PNG of object ids, a reader of them, or one mask reader an object.
        Frames without an entry are not annotated, which is not the same as empty.
    known_ids: object ids where the data set lists them; None: found by looking through the masks.
    overlapping: whether masks of different objects may share pixels.
    kind: under which name a split counts it among its sequences, "" where it makes no difference.
    """

    name: str
    frames: Sequence[Path] | FrameStore
    masks: Mapping[int, Path | IdReader | Layers]
    known_ids: tuple[int, ...] | None = None
    overlapping: bool = False
    kind: str = ""
    _found_ids: tuple[int, ...] | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.frames)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Frame (H, W, 3) uint8 RGB. Raises DataError."""
        return self.read([index])[0]

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Several frames, each (H, W, 3) uint8 RGB: cheaper than one by one in a video file."""
        bad = [i for i in indices if not 0 <= i < len(self)]
        if bad:
            raise DataError(
                f"{self.name} has no frame {bad[0]}", f"ask for frames 0 to {len(self) - 1}"
            )
        if isinstance(self.frames, Sequence):
            return [read_frame(self.frames[i]) for i in indices]
        return self.frames.read(indices)

    def mask(self, index: int) -> NDArray[np.uint8] | None:
        """Object ids (H, W) uint8, or None where the frame is not annotated. Raises DataError.

        Of overlapping objects the smaller lies on top, so that a part survives beside its whole.
        """
        labels = self.labels(index)
        return None if labels is None else np.where(labels == VOID, 0, labels).astype(np.uint8)

    def labels(self, index: int) -> NDArray[np.uint8] | None:
        """Object ids as `mask` gives them, but 255 where nothing is known (void)."""
        stored = self.masks.get(index)
        if stored is None:
            return None
        if isinstance(stored, Path):
            return read_labels(stored)
        if callable(stored):
            return stored()
        layers = sorted(
            ((i, np.asarray(read()) != 0) for i, read in stored.items()),
            key=lambda layer: -int(layer[1].sum()),
        )
        return flatten(layers)

    def object_mask(self, index: int, object_id: int) -> NDArray[np.bool_] | None:
        """One object's own mask (H, W), or None where it is not annotated. Raises DataError."""
        stored = self.masks.get(index)
        if stored is None:
            return None
        if isinstance(stored, Path) or callable(stored):
            ids = self.mask(index)
            return None if ids is None else ids == object_id
        return np.asarray(stored[object_id]()) != 0 if object_id in stored else None

    @property
    def annotated(self) -> list[int]:
        """These are the indices of the annotated frames, in order."""
        # Annotations every few frames may run past the video's last one.
        return [index for index in sorted(self.masks) if index < len(self)]

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of all objects, in order."""
        if self.known_ids is not None:
            return self.known_ids
        if self._found_ids is None:
            found: set[int] = set()
            for index, stored in self.masks.items():
                if isinstance(stored, Path) or callable(stored):
                    ids = self.mask(index)
                    found |= set() if ids is None else set(np.unique(ids).tolist())
                else:
                    found |= set(stored)
            self._found_ids = tuple(sorted(found - {0}))
        return self._found_ids


def flatten(layers: Iterable[tuple[int, NDArray[np.bool_]]]) -> NDArray[np.uint8] | None:
    """Ids (H, W) uint8 of (object id, mask (H, W)) pairs, later ones on top; None without any."""
    ids: NDArray[np.uint8] | None = None
    for object_id, mask in layers:
        ids = np.zeros(mask.shape, np.uint8) if ids is None else ids
        ids[mask] = object_id
    return ids


def match_masks(frames: Sequence[Path], folder: Path) -> dict[int, Path]:
    """Mask PNGs of a folder by the index of the frame that has the same stem."""
    index = {path.stem: i for i, path in enumerate(frames)}
    found = folder.glob("*.png") if folder.is_dir() else ()
    return {index[path.stem]: path for path in sorted(found) if path.stem in index}
