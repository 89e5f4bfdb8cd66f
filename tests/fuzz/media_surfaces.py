"""Pictures, masks and videos."""

from __future__ import annotations

import io
import shutil
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from hypothesis import strategies as st

from host.compat.given_frames import picture
from host.media.masks import masks_by_id, read_label_map
from host.media.video import open_source
from hw.spec.errors import SamFabricError
from tests.fuzz import mutations as m
from tests.fuzz.surface import Surface


def _texture(height: int, width: int, channels: int, kind: type) -> np.ndarray:
    rng = np.random.default_rng(1)
    top = np.iinfo(kind).max
    drawn = rng.integers(0, top, (height, width, channels), endpoint=True)
    picture: np.ndarray = drawn.astype(kind)
    return picture[..., 0] if channels == 1 else picture


@cache
def pictures() -> tuple[tuple[str, bytes], ...]:
    """Files of every kind that is read, by suffix."""
    made = []
    for suffix in (".png", ".jpg", ".bmp", ".webp", ".tif"):
        for channels in (1, 3, 4) if suffix in (".png", ".tif") else (3,):
            for kind in (np.uint8, np.uint16) if suffix in (".png", ".tif") else (np.uint8,):
                done, data = cv2.imencode(suffix, _texture(24, 40, channels, kind))
                assert done
                made.append((suffix, data.tobytes()))
    return tuple(made)


@st.composite
def broken_picture(draw: m.DrawFn) -> tuple[str, bytes]:
    suffix, whole = draw(st.sampled_from(pictures()))
    if draw(st.integers(0, 3)) == 0 and suffix == ".png":
        # The size in the header, with a checksum that fits: more pixels than there is memory for.
        side = draw(st.sampled_from((0, 1, 2**15, 2**20 - 1, 2**31 - 1, 2**32 - 1)))
        head = bytearray(whole[:33])
        at = 16 + 4 * draw(st.integers(0, 1))
        head[at : at + 4] = side.to_bytes(4, "big")
        if draw(st.booleans()):
            head[16:24] = side.to_bytes(4, "big") * 2
        head[29:33] = zlib.crc32(head[12:29]).to_bytes(4, "big")
        return suffix, bytes(head) + whole[33:]
    return suffix, draw(m.broken_bytes(st.just(whole)))


def read_picture(given: tuple[str, bytes], folder: Path) -> None:
    suffix, data = given
    place = folder / "frames"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    path = place / f"0{suffix}"
    path.write_bytes(data)
    with suppress(SamFabricError):  # most pictures are no masks
        masks_by_id(read_label_map(path))
    for frame in open_source(place):
        picture(frame.image)


@cache
def videos() -> tuple[tuple[str, bytes], ...]:
    """Small clips in several containers."""
    made = []
    for container, codec in (("mp4", "mpeg4"), ("avi", "mjpeg"), ("matroska", "mpeg4")):
        out = io.BytesIO()
        with av.open(out, "w", format=container) as file:
            stream = file.add_stream(codec, rate=10)
            stream.width, stream.height = 48, 32
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for index in range(5):
                picture = np.roll(_texture(32, 48, 3, np.uint8), index, 1)
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")):
                    file.mux(packet)
            for packet in stream.encode():
                file.mux(packet)
        made.append(({"matroska": ".mkv"}.get(container, f".{container}"), out.getvalue()))
    return tuple(made)


@st.composite
def broken_video(draw: m.DrawFn) -> tuple[str, bytes]:
    suffix, whole = draw(st.sampled_from(videos()))
    return suffix, draw(m.broken_bytes(st.just(whole)))


def read_video(given: tuple[str, bytes], folder: Path) -> None:
    suffix, data = given
    path = folder / f"clip{suffix}"
    path.write_bytes(data)
    for count, frame in enumerate(open_source(path)):
        assert frame.image.dtype == np.uint8 and frame.image.ndim == 3
        if count > 50:  # a header that promises more than five is no reason to read for ever
            break


SURFACES = (
    Surface("picture, mask", lambda: pictures()[1], broken_picture, read_picture, share=1.5),
    Surface("video", lambda: videos()[0], broken_video, read_video, share=0.3),
)
