"""What a picture file says of its size, before anything decodes it: a few bytes may claim more than
there is memory for.
"""

from __future__ import annotations

import struct

MOST_PIXELS = 1 << 28
"""Larger pictures are refused: cameras give up to 200 million pixels, this is 268 million."""
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG segments with the size: start of frame, not tables or extensions (ITU-T T.81, B.1.1.3)."""
_TIFF_SIZE = (256, 257)
"""Tags ImageWidth and ImageLength (TIFF 6.0, section 3)."""


def claimed_pixels(data: bytes) -> int:
    """Returns the pixels of a PNG, JPEG, BMP, WebP or TIFF file by its header; 0 for what is none
    of these or breaks off, which the decoder then judges.
    """
    try:
        width, height = _size(data)
    except (struct.error, IndexError, ValueError):
        return 0
    return abs(width) * abs(height)


def promises_too_much(data: bytes) -> bool:
    """Tells whether a PNG has a chunk that is longer than the rest of the file (PNG 3rd edition,
    section 5.3): a decoder may take that much memory, up to 2 GiB, before it notices.
    """
    if not data.startswith(_PNG):
        return False
    at = len(_PNG)
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":  # what follows is of no chunk
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")  # length, kind, contents, checksum
        if at > len(data):
            return True
    return False


def _size(data: bytes) -> tuple[int, int]:
    if data.startswith(b"\x89PNG"):
        return struct.unpack_from(">II", data, 16)
    if data.startswith(b"\xff\xd8"):
        return _size_of_jpeg(data)
    if data.startswith(b"BM"):
        return struct.unpack_from("<ii", data, 18)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _size_of_webp(data)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _size_of_tiff(data, "<" if data[:1] == b"I" else ">")
    raise ValueError("of another kind")


def _size_of_jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("no start of frame")


def _size_of_webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        both = int.from_bytes(data[24:30], "little")
        return 1 + (both & 0xFFFFFF), 1 + (both >> 24)
    if kind == b"VP8L":
        both = int.from_bytes(data[21:25], "little")
        return 1 + (both & 0x3FFF), 1 + (both >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _size_of_tiff(data: bytes, order: str) -> tuple[int, int]:
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    found: dict[int, int] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", data, entry)
        if tag in _TIFF_SIZE:  # 3 is a short, 4 a long
            found[tag] = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8)[
                0
            ]
    if len(found) < len(_TIFF_SIZE):
        raise ValueError("no size")
    return found[_TIFF_SIZE[0]], found[_TIFF_SIZE[1]]
