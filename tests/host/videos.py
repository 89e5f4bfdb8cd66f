"""Writes small videos with the properties that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.host.scenes import HEIGHT, WIDTH, both_frame


def write(
    path: Path,
    count: int = 40,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[float] | None = None,
    picture: Callable[[int], np.ndarray] = both_frame,
    container: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    stream: Callable[[Any], None] = lambda _stream: None,
    frame: Callable[[Any], None] = lambda _frame: None,
) -> Path:
    """Frames of `picture`, RGB or already in `pixels` where grey or deep, 25 a second or at `times`
    in seconds. stream and frame set what else there is to set.
    """
    with av.open(str(path), "w", options=container or {}) as file:
        track = file.add_stream(codec, rate=25)
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, pixels
        track.options = options or {}
        if times is not None:
            track.time_base = track.codec_context.time_base = Fraction(1, 1000)
        stream(track)
        for index in range(count if times is None else len(times)):
            image = np.ascontiguousarray(picture(index))
            shown = av.VideoFrame.from_ndarray(
                image, "rgb24" if image.dtype == np.uint8 else pixels
            )
            if times is not None:
                shown.pts, shown.time_base = round(times[index] * 1000), Fraction(1, 1000)
            frame(shown)
            file.mux(track.encode(shown))
        file.mux(track.encode())
    return path


def noisy(index: int) -> np.ndarray:
    """A frame with noise on it, so that damage hits picture data."""
    frame = both_frame(index % 20)
    frame[:, 100:] = np.random.default_rng(index).integers(0, 255, (HEIGHT, 60, 3))
    return frame


def cut(path: Path, share: float = 0.6) -> Path:
    """The beginning of a file."""
    whole = path.read_bytes()
    part = path.with_name(f"cut_{path.name}")
    part.write_bytes(whole[: int(len(whole) * share)])
    return part


def damaged(path: Path, count: int = 2000) -> Path:
    """A file with zeros in its middle."""
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half : half + count] = bytes(count)
    bad = path.with_name(f"bad_{path.name}")
    bad.write_bytes(bytes(data))
    return bad
