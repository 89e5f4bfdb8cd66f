"""Frames go out as an H.264 MP4 that is whole or absent, or as one that is whole at any moment."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from host.errors import UsageError
from host.media.libav import libav

if TYPE_CHECKING:
    import av

SUFFIXES = (".mp4", ".mkv", ".mov")
TICKS = 60_000
"""A clip's clock has this many ticks in a second: 2002 a frame of 29.97, and few enough
for MPEG-4.
"""
FRAGMENT_S = 1
"""Losing power costs a live recording this many seconds."""
LIVE = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
"""A live clip is an MP4 whose fragments stand alone, each handed to the system when it ends."""


class ClipWriter:
    """The writer encodes RGB frames into a temporary file; `finish` closes it and gives it its
    name.

    Interrupted work can be finished too: the file then holds the frames written so far. fps is the
    rate of frames that come without a time. A live clip has no temporary file but fragments of a
    second, each on the disk when the next begins, so that what losing power leaves plays; it must
    be a .mp4, and no file of that name may exist. Raises UsageError for a suffix that names no
    container.
    """

    def __init__(self, path: str | Path, fps: float = 24.0, live: bool = False) -> None:
        self.path, self._live = Path(path), live
        if self.path.suffix.lower() not in SUFFIXES:
            raise UsageError(
                f"cannot write video {self.path}", f"end the name in {' or '.join(SUFFIXES)}"
            )
        self._rate = Fraction(fps).limit_denominator(1001)
        self._last = -1  # time of the last frame, in ticks
        self._synced = 0  # ticks of a live clip that are on the disk
        self._part: Path | None = None
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None

    def _start(self, height: int, width: int, aspect: Fraction) -> None:
        library = libav()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._live:
            self.path.touch(exist_ok=False)
            self._part = self.path
        else:
            handle, name = tempfile.mkstemp(
                prefix=".part-", suffix=self.path.suffix, dir=self.path.parent
            )
            os.close(handle)
            self._part = Path(name)
        options = LIVE if self._live else {}
        container = library.open(str(self._part), "w", container_options=options)
        self._container = container
        # Builds of FFmpeg without x264 still carry their own MPEG-4 encoder.
        codec = "libx264" if "libx264" in library.codecs_available else "mpeg4"
        stream: av.VideoStream = container.add_stream(codec, rate=self._rate)
        # 4:2:0 halves the colour planes, so both sides must be even.
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        # Finer than any frame rate: frames may come at any time.
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        if aspect != 1:
            stream.codec_context.sample_aspect_ratio = aspect
        if codec == "libx264":
            stream.options = {"crf": "18", "preset": "veryfast"}
            if self._live:  # no frame waits in the encoder
                stream.options |= {"tune": "zerolatency"}
        else:
            stream.bit_rate = max(1_000_000, 4 * width * height)
        if self._live:
            stream.codec_context.gop_size = max(1, round(FRAGMENT_S * self._rate))
        self._stream = stream

    def write(
        self,
        frame: NDArray[np.uint8],
        time: float | None = None,
        aspect: Fraction = Fraction(1),
    ) -> None:
        """Appends a frame (H, W, 3) RGB; all frames have one size.

        time is the seconds since the first frame; where it is None, or not after the frame before,
        the frame follows one frame later. aspect is the width of a pixel for its height.
        """
        height, width = frame.shape[:2]
        if self._container is None:
            self._start(height, width, aspect)
        assert self._container is not None and self._stream is not None
        padded = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = libav().VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        tick = -1 if time is None else round(time * TICKS)
        if tick <= self._last:
            tick = 0 if self._last < 0 else self._last + round(TICKS / self._rate)
        picture.pts, picture.time_base, self._last = tick, Fraction(1, TICKS), tick
        for packet in self._stream.encode(picture):
            self._container.mux(packet)
        if self._live and tick - self._synced >= FRAGMENT_S * TICKS:
            self._synced = tick
            self._sync()

    def _sync(self) -> None:
        assert self._part is not None  # it is being written
        handle = os.open(self._part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def finish(self) -> Path | None:
        """Closes the file and renames it into place, and returns its path, or None when no frame
        was written.
        """
        if self._container is None or self._stream is None or self._part is None:
            return None
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        if self._live:
            self._sync()
        else:
            mask = os.umask(0)
            os.umask(mask)
            self._part.chmod(0o666 & ~mask)
            os.replace(self._part, self.path)
        self._container = self._part = None
        return self.path

    def abort(self) -> None:
        """Drops what was written; after `finish` it does nothing."""
        if self._container is not None:
            with suppress(Exception):
                self._container.close()
            self._container = None
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
