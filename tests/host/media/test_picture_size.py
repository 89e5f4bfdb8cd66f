"""What a picture's header claims is known before it is decoded, and bounded."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from host.errors import SourceError
from host.media.levels import decode, unpacked
from host.media.picture_size import MOST_PIXELS, claimed_pixels, promises_too_much


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_kind_tells_its_size(suffix, channels):
    done, data = cv2.imencode(suffix, np.zeros((24, 41, channels), np.uint8))
    assert done and claimed_pixels(data.tobytes()) == 24 * 41


@pytest.mark.parametrize("quality", [10, 101])
def test_webp_with_and_without_loss(quality):
    picture = np.random.default_rng(0).integers(0, 255, (24, 41, 3), np.uint8)
    _, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert claimed_pixels(data.tobytes()) == 24 * 41


def claiming(width, height):
    """A PNG of one pixel with another size in its header, whose checksum fits."""
    data = bytearray(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return np.frombuffer(bytes(data), np.uint8)


@pytest.mark.parametrize("size", [(1 << 15, 1 << 15), (1 << 14, (1 << 14) + 1), (1 << 31, 1)])
def test_more_pixels_than_any_camera_gives_are_refused(size):
    with pytest.raises(SourceError, match=r"x.png claims [\d,]+ pixels .*268,435,456 at most"):
        decode(claiming(*size), "x.png")
    assert unpacked(claiming(*size)) is None


def test_a_photograph_of_200_million_pixels_is_not_refused_for_its_size():
    assert claimed_pixels(claiming(16320, 12240).tobytes()) < MOST_PIXELS


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"BM", b"II*\0\xff\xff\xff\xff"])
def test_what_breaks_off_is_left_to_the_decoder(data):
    assert claimed_pixels(data) == 0


@pytest.mark.parametrize("length", [1 << 20, 0x7FFFFFFF, 0x8A0007A3])
def test_a_chunk_longer_than_its_file_is_refused_before_memory_is_taken(length):
    whole = cv2.imencode(".png", np.zeros((24, 41, 3), np.uint8))[1].tobytes()
    at = whole.index(b"IDAT") - 4
    data = np.frombuffer(whole[:at] + struct.pack(">I", length) + whole[at + 4 :], np.uint8)
    assert promises_too_much(data.tobytes()) and not promises_too_much(whole)
    assert unpacked(data) is None
    with pytest.raises(SourceError, match="no readable image"):
        decode(data, "x.png")


def test_what_follows_the_end_of_a_png_is_no_chunk():
    whole = cv2.imencode(".png", np.zeros((24, 41, 3), np.uint8))[1].tobytes()
    assert (
        decode(np.frombuffer(whole + b"trailing words of somebody", np.uint8), "x.png").any() == 0
    )
