"""Frames come in from a video file, a folder of frames or a camera, as RGB arrays with names."""

from __future__ import annotations

import gc
import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import SourceError
from host.media.levels import Levels, decode, depth_of
from host.media.libav import libav, library_errors
from host.media.video_pixels import lies_down, rgb_of
from host.media.video_times import Steps, expected_end, frame_length

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
DEFAULT_FPS = 24.0
FASTEST_FPS = 1000.0
DIGITS = "0123456789"
SAMPLED = 8
"""The depth of a folder's pixels is told by this many of its frames."""
COLLECTED = 32
"""A decoded frame and its side data hold each other (PyAV), and Python looks for such rings by the
number of objects, not by their size: every so many frames the young ones are collected.
"""
SLACK_S = 0.1
"""A container may overstate its length by this many seconds."""
ATTACHED_PICTURE = 0x400
"""FFmpeg's AV_DISPOSITION_ATTACHED_PIC: the cover of a piece of music is no video."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame is RGB (H, W, 3) uint8, with its index in the source and the name that its mask gets.

    time is the seconds since the first frame, or None where frames only follow each other. aspect
    is the width of a pixel for its height.
    """

    index: int
    name: str
    image: NDArray[np.uint8]
    time: float | None = None
    aspect: Fraction = Fraction(1)


class FrameSource(Protocol):
    """A source gives its frames once, in order."""

    description: str
    fps: float
    count: int | None
    """The number of frames is given where it is known beforehand."""

    def __iter__(self) -> Iterator[Frame]: ...


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Returns a key for sorting under which frame2 precedes frame10."""
    # ASCII alone: other scripts have digits that `int` does not read.
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part)) if part[0] in DIGITS else (1, part.lower()) for part in parts if part]


def read_image(path: Path, levels: Levels | None = None) -> NDArray[np.uint8]:
    """Reads an image file as RGB (H, W, 3) uint8. levels are those of the sequence that the image
    belongs to.

    Raises SourceError for a file that cannot be read.
    """
    return (levels or Levels()).rgb(_decoded(path), str(path), bgr=True)


def _decoded(path: Path) -> NDArray[Any]:
    # Through memory: OpenCV cannot open every path that the file system allows.
    try:
        stored = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", "check the path") from error
    return decode(stored, str(path))


class FolderSource:
    """The source is a folder of frames (JPEG, PNG, ...) in natural order of their names."""

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
        stem, most = Counter(path.stem for path in files).most_common(1)[0]
        if most > 1:
            raise SourceError(f"folder {folder} holds frame {stem} twice", "keep one file a frame")

    def __iter__(self) -> Iterator[Frame]:
        levels = Levels(self._depth())
        for index, path in enumerate(self.files):
            yield Frame(index, path.stem, read_image(path, levels))

    def _depth(self) -> int | None:
        """Bits of deep frames, by some of them over the whole sequence; None for 8-bit ones."""
        if _decoded(self.files[0]).dtype == np.uint8:
            return None
        largest = 0
        for path in self.files[:: max(1, len(self.files) // SAMPLED)]:
            try:
                image = _decoded(path)
            except SourceError:
                continue  # reported in its turn
            if image.dtype == np.uint16:
                largest = max(largest, int(image.max(initial=0)))
        return depth_of(largest)


class VideoSource:
    """The source is a video file, decoded as it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.description = str(path)
        with self._open() as container:
            stream = self._stream(container)
            self.fps = float(stream.average_rate or stream.guessed_rate or DEFAULT_FPS)
            # Containers only estimate; 0 means that they do not even do that.
            self.count = stream.frames or None

    def _open(self) -> av.container.InputContainer:
        library = libav()
        try:
            container: av.container.InputContainer = library.open(str(self._path))
        except library_errors(OSError) as error:
            raise self._broken(error) from error
        return container

    def _stream(self, container: av.container.InputContainer) -> av.VideoStream:
        moving = [
            stream
            for stream in container.streams.video
            if not getattr(stream, "disposition", 0) & ATTACHED_PICTURE
        ]
        if not moving:
            raise SourceError(f"{self._path} has no video in it", "give a file with a video stream")
        if getattr(moving[0], "codec_context", None) is None:
            raise self._broken("its codec is unknown")
        if len(moving) > 1:
            log.warning("%s holds %d videos; the first is taken", self._path, len(moving))
        return moving[0]

    def _broken(self, error: Exception | str, index: int | None = None) -> SourceError:
        where = "" if index is None else f" at frame {index}"
        reason = getattr(error, "strerror", None) or error
        return SourceError(
            f"cannot decode {self._path}{where}: {reason}", "check that it plays; convert it to MP4"
        )

    def __iter__(self) -> Iterator[Frame]:
        index, began, end, levels, steps = 0, None, 0.0, Levels(), Steps()
        with self._open() as container:
            stream = self._stream(container)
            stream.thread_type = "AUTO"
            if stream.codec_context.name == "mjpeg":
                # Every frame stands alone, so one with an error in it is worth nothing; else FFmpeg
                # drops it without a word.
                stream.codec_context.options = {"err_detect": "explode"}
            expected = expected_end(stream)
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets, None)
                    # A file cut short ends in a packet that is not whole.
                    frames = [] if packet is None else packet.decode()
                    damaged = packet is not None and packet.is_corrupt
                except library_errors() as error:
                    raise self._broken(error, index) from error
                for decoded in frames:
                    if decoded.is_corrupt:
                        raise self._broken("it is damaged", index)
                    what = f"{self._path} at frame {index}"
                    try:
                        image = rgb_of(decoded, levels, what)
                    except library_errors() as error:
                        raise self._broken(error, index) from error
                    if decoded.time is not None:
                        began = decoded.time if began is None else began
                        steps.add(decoded.time)
                        end = max(end, decoded.time + (frame_length(decoded) or 1 / self.fps))
                    at = None if decoded.time is None or began is None else decoded.time - began
                    aspect = stream.sample_aspect_ratio or Fraction(1)
                    aspect = 1 / aspect if lies_down(decoded) else aspect
                    yield Frame(index, f"{index:05d}", image, at, aspect)
                    index += 1
                    if index % COLLECTED == 0:
                        gc.collect(1)
                if damaged:
                    raise self._broken("it is damaged", index)
                if packet is None:
                    break
        if not index:
            raise SourceError(f"{self._path} holds no frames", "check that it plays")
        if (hole := steps.hole()) is not None:
            log.warning(
                "%s: no frame from second %.2f to %.2f: some are missing", self._path, *hole
            )
        if expected is not None and end + max(SLACK_S, 1.5 / self.fps) < expected:
            raise SourceError(
                f"{self._path} ends after {index} frames, at {end:.2f} of {expected:.2f} seconds",
                "it is cut short or damaged: get it whole, or convert it to accept what is there",
            )


class CameraSource:
    """The source is a camera, opened by its number; it never ends by itself."""

    count: int | None = None

    def __init__(self, number: int) -> None:
        self.description = f"camera {number}"
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise SourceError(
                f"camera {number} does not open", "check that it is plugged in and not in use"
            )
        said = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = said if 1 <= said <= FASTEST_FPS else DEFAULT_FPS

    def __iter__(self) -> Iterator[Frame]:
        index, levels, began = 0, Levels(), time.monotonic()
        try:
            while True:
                good, image = self._capture.read()
                if not good or image is None or not image.size:
                    raise SourceError(
                        f"{self.description} gave no frame {index}",
                        "check its cable and start again",
                    )
                # By the clock: frames that the model had no time for are not delivered.
                now = time.monotonic()
                began = began if index else now
                rgb = levels.rgb(image, f"frame {index} of {self.description}", bgr=True)
                yield Frame(index, f"{index:05d}", rgb, now - began)
                index += 1
        finally:
            self._capture.release()


def open_source(source: str | Path | int) -> FrameSource:
    """Opens a path (file or folder) or a camera by its number. Raises SourceError for what is none
    of these.
    """
    if isinstance(source, int):
        return CameraSource(source)
    path = Path(source).expanduser()
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty", "give a video with frames in it")
        return VideoSource(path)
    if re.fullmatch("[0-9]+", str(source)):
        return CameraSource(int(str(source)))
    raise SourceError(
        f"no video, folder or camera {str(source)!r}",
        "give a video file, a folder of frames, or a camera number",
    )
