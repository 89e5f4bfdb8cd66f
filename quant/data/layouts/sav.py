"""SA-V layouts (SAM 2, Ravi et al. 2024, and the data set's own README).

Validation and test: JPEGImages_24fps/<video>/*.jpg, Annotations_6fps/<video>/<object>/*.png with
one binary mask a file, <name>.txt listing the videos.
Training: <video>.mp4 beside <video>_manual.json and _auto.json, whose "masklet" holds run-length
encoded masks as masklet[annotation][object], annotations on every fourth frame (6 of 24 a second).
Masks of different objects may overlap in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.spec.plain import read_json, whole
from quant.data.errors import DataError
from quant.data.images import list_frames, read_list, read_values, subfolders
from quant.data.layouts.video_file import VideoFile
from quant.data.video import Layers, MaskReader, VideoSequence, match_masks

FRAMES, MASKS = "JPEGImages_24fps", "Annotations_6fps"
FRAMES_AN_ANNOTATION = 4
LARGEST_SIDE = 1 << 13
"""A mask's side has at most so many pixels, since a broken file may claim any."""
KINDS = ("manual", "auto")


def is_sav_frames(root: Path) -> bool:
    """Tells whether a folder has the layout of SA-V's validation and test sets."""
    return (root / FRAMES).is_dir()


def is_sav_videos(root: Path, split: str) -> bool:
    """Tells whether a folder, or its subfolder `split`, has the layout of SA-V's training set."""
    return any(next(_annotation_files(folder), None) for folder in (root, root / split))


def load_sav_frames(root: Path, split: str) -> list[VideoSequence]:
    """Sequences of SA-V's validation and test layout that <split>.txt or sav_<split>.txt lists.

    Objects count from 1 in the order of their folders. Raises DataError naming what is missing.
    """
    lists = [root / f"{split}.txt", root / f"sav_{split}.txt"]
    listed = next((path for path in lists if path.is_file()), None)
    if listed is None:
        raise DataError(f"no list {lists[0]} or {lists[1].name}", "write one video a line there")
    sequences = []
    for name in read_list(listed):
        frames = list_frames(root / FRAMES / name)
        masks: dict[int, dict[int, MaskReader]] = {}
        for number, folder in enumerate(subfolders(root / MASKS / name), start=1):
            for index, path in match_masks(frames, folder).items():
                masks.setdefault(index, {})[number] = partial(read_values, path)
        if not masks:
            raise DataError(
                f"no masks of {name} in {root / MASKS / name}", "expected <object>/<frame>.png"
            )
        ids = tuple(sorted({i for layers in masks.values() for i in layers}))
        sequences.append(VideoSequence(name, frames, masks, known_ids=ids, overlapping=True))
    return sequences


def load_sav_videos(root: Path, split: str = "train") -> list[VideoSequence]:
    """Sequences of SA-V's training layout in `root` or `root/split`, one level of folders down.

    Nothing of a video is read before it is used: the set has fifty thousand. Raises DataError.
    """
    folder = root / split if next(_annotation_files(root), None) is None else root
    videos: dict[Path, list[Path]] = {}
    for kind in KINDS:
        for path in sorted(_annotation_files(folder, (kind,))):
            video = path.with_name(path.name.removesuffix(f"_{kind}.json") + ".mp4")
            videos.setdefault(video, []).append(path)
    if not videos:
        raise DataError(f"no <video>_manual.json in {root}", "expected them beside <video>.mp4")
    for video in videos:
        if not video.is_file():
            raise DataError(f"no video {video}", "it belongs beside its .json masks")
    return [
        VideoSequence(video.stem, VideoFile(video), Masklets(tuple(files)), overlapping=True)
        for video, files in sorted(videos.items())
    ]


def _annotation_files(folder: Path, kinds: tuple[str, ...] = KINDS) -> Iterator[Path]:
    if folder.is_dir():
        for kind in kinds:
            yield from folder.glob(f"*_{kind}.json")
            yield from folder.glob(f"*/*_{kind}.json")


class Masklets(Mapping[int, Layers]):
    """Masks by frame index and object id out of a video's .json files, read when first needed.

    Manual masklets come first, then automatic ones; ids count from 1. An object without an entry
    on an annotated frame (null) is unknown there and left out, one with an empty mask is hidden.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        self.files = files

    def __getitem__(self, index: int) -> Layers:
        return _masklets(self.files)[index]

    def __iter__(self) -> Iterator[int]:
        return iter(_masklets(self.files))

    def __len__(self) -> int:
        return len(_masklets(self.files))


@lru_cache(maxsize=8)  # a video's masklets take megabytes: keep those of the clips at hand
def _masklets(files: tuple[Path, ...]) -> dict[int, dict[int, MaskReader]]:
    frames: dict[int, dict[int, MaskReader]] = {}
    first_id = 1
    for path in files:
        annotations = _read_json(path)
        for number, objects in enumerate(annotations):
            layers = frames.setdefault(number * FRAMES_AN_ANNOTATION, {})
            for i, code in enumerate(objects, start=first_id):
                # Ids are bytes; a video with more objects than that keeps the first.
                if code is not None and i <= 255:
                    layers[i] = partial(decode_rle, code, path)
        first_id += max((len(objects) for objects in annotations), default=0)
    return frames


def _read_json(path: Path) -> list[list[dict | None]]:
    try:
        found = read_json(path)["masklet"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"cannot read {path}: {error!r}", "restore it from the data set's archive"
        ) from error
    if not isinstance(found, list) or not all(isinstance(objects, list) for objects in found):
        raise DataError(
            f'"masklet" of {path} is no list of lists', "restore it from the data set's archive"
        )
    return found


def decode_rle(code: dict, path: Path) -> NDArray[np.uint8]:
    """Mask (H, W) of a compressed run-length code {"size": [H, W], "counts": str}.

    Raises DataError, naming `path`, for a broken code or a missing pycocotools.
    """
    try:
        from pycocotools import mask as coco
    except ImportError as error:
        raise DataError(
            f"masks of {path} need pycocotools", "install it: pip install pycocotools"
        ) from error
    try:
        height, width = (whole(side, "a side of a mask", 1, LARGEST_SIDE) for side in code["size"])
        counts = code["counts"]
        counts = counts.encode("ascii") if isinstance(counts, str) else counts
        return np.asarray(coco.decode({"size": [height, width], "counts": counts}), np.uint8)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f"broken run-length code in {path}: {error!r}", "restore the file from its archive"
        ) from error
