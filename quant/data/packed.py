"""A data folder packed into one small file, for a machine that rents by the minute.

    python -m quant.training.pack --data /path/to/data --out pack.zip

holds the videos and stills for training (nothing that is held out): pictures as WebP, ids as
lossless WebP, 255 where nothing is known. A pack is read whole into memory, so that loaders never
decode a picture twice.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from host.media.levels import unpacked
from hw.spec.files import atomic_path
from hw.spec.plain import parse_json, typed
from quant.data.errors import DataError
from quant.data.images import VOID
from quant.data.stills import Still
from quant.data.video import VideoSequence

INDEX = "index.json"
WHOLE = VOID - 1
"""The id of what belongs to the whole of a still cut into parts and to none of its parts."""
LOSSLESS = 101  # OpenCV's quality for lossless WebP


class FramesInMemory:
    """A store of a video whose frames are decoded and held in memory."""

    def __init__(self, frames: list[NDArray[np.uint8]]) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        return [self.frames[i] for i in indices]


def is_pack(path: Path) -> bool:
    """Tells whether a path is a pack and not a folder."""
    return path.suffix == ".zip" and path.is_file()


def write_pack(
    videos: Sequence[VideoSequence],
    stills: Sequence[Still],
    path: Path,
    quality: int = 30,
    side: int = 256,
) -> None:
    """Pack videos and stills; pictures whose shorter side is above `side` are shrunk to it."""
    index: dict[str, list] = {"videos": [], "stills": []}
    with (
        atomic_path(path) as scratch,
        zipfile.ZipFile(scratch, "w", zipfile.ZIP_STORED) as archive,
    ):

        def store(name: str, image: NDArray[np.uint8], ids: NDArray[np.uint8]) -> None:
            scale = min(1.0, side / min(image.shape[:2]))
            size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
            if scale < 1:
                small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                image = np.asarray(small, np.uint8)
            if ids.shape != image.shape[:2]:
                near = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT)
                ids = np.asarray(near, np.uint8)
            archive.writestr(f"{name}.webp", _encode(image[..., ::-1], quality))
            archive.writestr(f"{name}.ids.webp", _encode(np.dstack([ids] * 3), LOSSLESS))

        for number, video in enumerate(videos):
            annotated = video.annotated
            for position, i in enumerate(annotated):
                ids = video.labels(i)
                assert ids is not None  # annotated frames have ids
                store(f"videos/{number}/{position}", video.frame(i), ids)
            index["videos"].append({"name": video.name, "frames": len(annotated)})
        for number, still in enumerate(stills):
            image, masks = still.read()
            store(f"stills/{number}", image, _flat(still, masks, image.shape[:2]))
            index["stills"].append(
                {
                    "name": still.name.rsplit("/", 1)[-1],
                    "source": still.source,
                    "parts": still.parts,
                }
            )
        archive.writestr(INDEX, json.dumps(index))


def _encode(image: NDArray[np.uint8], quality: int) -> bytes:
    return cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def _flat(still: Still, masks: list[NDArray[np.bool_]], size: tuple[int, ...]) -> NDArray[np.uint8]:
    ids = np.zeros(size, np.uint8)
    ids[still.void(*size)] = VOID
    if still.parts and masks:
        ids[masks[0]] = WHOLE
        masks = masks[1:]
    for number, mask in enumerate(masks[: WHOLE - 1], start=1):
        ids[mask] = number
    return ids


@dataclass(frozen=True)
class _Video:
    name: str
    frames: int


@dataclass(frozen=True)
class _Still:
    name: str
    source: str
    parts: bool


@dataclass(frozen=True)
class _Index:
    """What index.json says."""

    videos: tuple[_Video, ...]
    stills: tuple[_Still, ...]


@lru_cache(maxsize=1)
def load_pack(path: Path, threads: int = 16) -> tuple[list[VideoSequence], list[Still]]:
    """Videos and stills of a pack. Raises DataError where it is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise ValueError("what is in it is compressed")
            index = typed(_Index, parse_json(archive.read(INDEX)))
            names = [name for name in archive.namelist() if name.endswith(".webp")]
            stored = {name: archive.read(name) for name in names}
        with ThreadPoolExecutor(threads) as pool:
            # Each is let go as it is decoded: a pack may be of gigabytes.
            decoded = dict(zip(names, pool.map(partial(_decode, stored), names), strict=True))
        return _videos(index, decoded), _stills(index, decoded)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{path} is no readable pack: {error}", "make it again") from error
    except (zipfile.BadZipFile, struct.error, EOFError, cv2.error) as error:
        raise DataError(f"{path} is no readable pack: {error}", "make it again") from error


def _videos(index: _Index, decoded: dict[str, NDArray[np.uint8]]) -> list[VideoSequence]:
    videos = []
    for number, entry in enumerate(index.videos):
        if entry.frames < 1:
            raise ValueError(f"{entry.name} has {entry.frames} frames")
        stems = [f"videos/{number}/{i}" for i in range(min(entry.frames, len(decoded)))]
        frames = FramesInMemory([decoded[f"{stem}.webp"] for stem in stems])
        ids = {i: partial(_same, decoded[f"{stem}.ids.webp"]) for i, stem in enumerate(stems)}
        if len(stems) != entry.frames:
            raise ValueError(f"{entry.name} has fewer than {entry.frames} frames")
        videos.append(VideoSequence(entry.name, frames, ids))
    return videos


def _stills(index: _Index, decoded: dict[str, NDArray[np.uint8]]) -> list[Still]:
    return [
        Still(
            entry.name,
            partial(_same, decoded[f"stills/{number}.webp"]),
            partial(_masks, decoded[f"stills/{number}.ids.webp"], entry.parts),
            entry.source,
            entry.parts,
            partial(_void, decoded[f"stills/{number}.ids.webp"]),
        )
        for number, entry in enumerate(index.stills)
    ]


def _decode(stored: dict[str, bytes], name: str) -> NDArray[np.uint8]:
    image = unpacked(np.frombuffer(stored.pop(name), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{name} is no picture")
    image = image[..., 0] if name.endswith(".ids.webp") else image[..., ::-1]
    return np.ascontiguousarray(image)


def _same(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return array


def _masks(ids: NDArray[np.uint8], parts: bool, height: int, width: int) -> list[NDArray[np.bool_]]:
    present = [int(i) for i in np.unique(ids) if i not in (0, WHOLE, VOID)]
    masks = [ids == i for i in present]
    whole = (ids > 0) & (ids != VOID)
    return [whole, *masks] if parts and whole.any() else masks


def _void(ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return ids == VOID
