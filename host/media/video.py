"""Frames in: a video file, a folder of frames or a camera, as RGB arrays with names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from host.errors import SourceError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
DEFAULT_FPS = 24.0


@dataclass(frozen=True, eq=False)
class Frame:
    """Frame number `index` of a source: RGB (H, W, 3) uint8, and the name its mask gets."""

    index: int
    name: str
    image: NDArray[np.uint8]


class FrameSource(Protocol):
    """Something that frames can be read from, once, in order."""

    description: str
    fps: float
    count: int | None
    """Number of frames where it is known beforehand."""

    def __iter__(self) -> Iterator[Frame]: ...


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which frame2 precedes frame10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in parts if part]


def read_image(path: Path) -> NDArray[np.uint8]:
    """RGB (H, W, 3) uint8 of an image file. Raises SourceError."""
    # Through memory: OpenCV cannot open every path that the file system allows.
    try:
        stored = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", "check the path") from error
    image = cv2.imdecode(stored, cv2.IMREAD_COLOR) if stored.size else None
    if image is None:
        raise SourceError(f"{path} is empty or no readable image", "mend or remove the file")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


class FolderSource:
    """A folder of frames (JPEG, PNG, ...) in natural order of their names."""

    def __init__(self, folder: Path, fps: float = DEFAULT_FPS) -> None:
        files = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        ]
        if not files:
            raise SourceError(f"folder {folder} holds no frames", "put .jpg or .png files there")
        self.files = sorted(files, key=lambda path: natural_key(path.name))
        self.description, self.fps = str(folder), fps
        self.count: int | None = len(files)
        twice = [a for a, b in zip(self.files, self.files[1:], strict=False) if a.stem == b.stem]
        if twice:
            raise SourceError(
                f"folder {folder} holds frame {twice[0].stem} twice", "keep one file a frame"
            )

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self.files):
            yield Frame(index, path.stem, read_image(path))


class VideoSource:
    """A video file, decoded as it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.description = str(path)
        with self._open() as container:
            stream = container.streams.video[0]
            self.fps = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
            # Containers only estimate; 0 means that they do not even do that.
            self.count = stream.frames or None

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self._path))
        except (FFmpegError, OSError, ValueError) as error:
            raise self._broken(error) from error
        if not container.streams.video:
            container.close()
            raise SourceError(f"{self._path} has no video in it", "give a file with a video stream")
        return container

    def _broken(self, error: Exception, index: int | None = None) -> SourceError:
        where = "" if index is None else f" at frame {index}"
        reason = getattr(error, "strerror", None) or error
        return SourceError(
            f"cannot decode {self._path}{where}: {reason}", "check that it plays; convert it to MP4"
        )

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        with self._open() as container:
            container.streams.video[0].thread_type = "AUTO"
            frames = container.decode(video=0)
            while True:
                try:
                    decoded = next(frames)
                    image = np.asarray(decoded.to_ndarray(format="rgb24"), np.uint8)
                except StopIteration:
                    break
                except (FFmpegError, ValueError) as error:
                    raise self._broken(error, index) from error
                # Phones store upright videos lying down, with a note to turn them.
                turns = round(getattr(decoded, "rotation", 0) / 90) % 4
                if turns:
                    image = np.asarray(np.rot90(image, turns), np.uint8, order="C")
                yield Frame(index, f"{index:05d}", image)
                index += 1
        if not index:
            raise SourceError(f"{self._path} holds no frames", "check that it plays")


class CameraSource:
    """A camera by its number; it never ends by itself."""

    count: int | None = None

    def __init__(self, number: int) -> None:
        self.description = f"camera {number}"
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise SourceError(
                f"camera {number} does not open", "check that it is plugged in and not in use"
            )
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or DEFAULT_FPS

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        try:
            while True:
                good, image = self._capture.read()
                if not good:
                    raise SourceError(
                        f"{self.description} gave no frame {index}",
                        "check its cable and start again",
                    )
                rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
                yield Frame(index, f"{index:05d}", rgb)
                index += 1
        finally:
            self._capture.release()


def open_source(source: str | Path | int) -> FrameSource:
    """Source of a path (file or folder) or a camera number. Raises SourceError."""
    if isinstance(source, int):
        return CameraSource(source)
    path = Path(source)
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty", "give a video with frames in it")
        return VideoSource(path)
    if str(source).isdigit():
        return CameraSource(int(str(source)))
    raise SourceError(
        f"no video, folder or camera {str(source)!r}",
        "give a video file, a folder of frames, or a camera number",
    )
