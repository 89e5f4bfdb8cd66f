"""Pixels of any depth and any channels become 8-bit RGB, or are refused with the reason.

A file of 16 bits often holds the 10, 12 or 14 bits of a sensor, at the low end, and would be black
if only its highest bits were shown. The depth follows from the largest value, once for a whole
sequence, so that brightness does not change from frame to frame.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from host.errors import SourceError
from host.media.picture_size import MOST_PIXELS, claimed_pixels, promises_too_much

DEPTHS = (8, 10, 12, 14, 16)
"""Sensors give these numbers of bits."""

log = logging.getLogger(__name__)


def depth_of(largest: int) -> int:
    """Returns how many bits data have whose largest value is this."""
    return next(bits for bits in DEPTHS if largest < 1 << bits or bits == DEPTHS[-1])


class Levels:
    """Levels bring the frames of one sequence to 8 bits.

    bits is the data's depth where it is known beforehand; else the first deep frame tells it.
    """

    def __init__(self, bits: int | None = None) -> None:
        self.bits = bits

    def rgb(self, image: NDArray[Any], what: str, bgr: bool = False) -> NDArray[np.uint8]:
        """Returns RGB (H, W, 3) uint8 of an image (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), grey
        or in colour; alpha is dropped. bgr says that colours come in OpenCV's order.

        what names the image in errors. Raises SourceError for values that are no brightness.
        """
        if image.ndim == 2:
            image = image[..., None]
        if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
            raise SourceError(
                f"{what} has the shape {image.shape}",
                "give grey or RGB pictures, with or without alpha",
            )
        image = self._eight_bits(image[..., :3], what)
        if image.shape[2] == 1:
            return np.repeat(image, 3, 2)
        return np.ascontiguousarray(image[..., ::-1] if bgr else image)

    def _eight_bits(self, image: NDArray[Any], what: str) -> NDArray[np.uint8]:
        if image.dtype == np.uint8:
            return np.asarray(image, np.uint8)
        if image.dtype == np.bool_:
            return image.astype(np.uint8) * np.uint8(255)
        low, high = (image.min(), image.max()) if image.size else (0, 0)
        if image.dtype.kind == "f" and low >= 0 and high <= 1:
            return np.rint(image * np.float32(255)).astype(np.uint8)
        if image.dtype.kind not in "iu" or low < 0 or high >= 1 << DEPTHS[-1]:
            raise SourceError(
                f"{what} holds {image.dtype} values {low}..{high}",
                "convert it to 8 bits, or to floats of 0..1",
            )
        found = depth_of(int(high))
        if self.bits is None:
            self.bits = found
        elif found > self.bits:
            log.warning(
                "%s holds values up to %d, more than the %d bits of the frames before: "
                "brightness changes here",
                what,
                high,
                self.bits,
            )
            self.bits = found
        return (image.astype(np.uint16) >> (self.bits - 8)).astype(np.uint8)


def decode(stored: NDArray[np.uint8], what: str) -> NDArray[Any]:
    """Decodes a file's bytes to an image (H, W), (H, W, 3) or (H, W, 4) in BGR, turned upright.

    Raises SourceError for a file that is damaged or holds several pictures.
    """
    image = None
    if stored.size:
        _check_single(stored, what)
        pixels = claimed_pixels(stored.tobytes())
        if pixels > MOST_PIXELS:
            raise SourceError(
                f"{what} claims {pixels:,} pixels", f"give pictures of {MOST_PIXELS:,} at most"
            )
        image = unpacked(stored, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if image is None:  # OpenCV colours no picture of 32 bits
            image = unpacked(stored)
    if image is None or _is_cut(stored):
        raise SourceError(f"{what} is empty or no readable image", "mend or remove the file")
    return np.asarray(image)


def unpacked(stored: NDArray[np.uint8], how: int = cv2.IMREAD_UNCHANGED) -> NDArray[Any] | None:
    """Image of a file's bytes as OpenCV reads it; None for none, or for one too large to hold."""
    data = stored.tobytes()
    if not data or claimed_pixels(data) > MOST_PIXELS or promises_too_much(data):
        return None
    try:
        return cv2.imdecode(stored, how)
    except (cv2.error, MemoryError):
        return None


def _is_cut(stored: NDArray[np.uint8]) -> bool:
    """Whether a JPEG has no end: some decoders then fill up with grey and say nothing."""
    data = stored.tobytes()
    if not data.startswith(b"\xff\xd8"):
        return False
    # Behind the start of scan an end marker can only be the end; before it may be a thumbnail's.
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data.find(b"\xff\xd9", at) < 0


def _check_single(stored: NDArray[np.uint8], what: str) -> None:
    head = stored[:65536].tobytes()
    several = False
    if head.startswith(b"\x89PNG"):
        several = b"acTL" in head[: head.find(b"IDAT")]
    elif head[8:12] == b"WEBP":
        several = head[12:16] == b"VP8X" and b"ANIM" in head[30:64]
    elif head[:4] in (b"II*\0", b"MM\0*"):
        several = _pages(stored.tobytes()) > 1
    if several:
        raise SourceError(
            f"{what} holds several pictures", "split it into a folder of frames, or make it a video"
        )


def _pages(data: bytes) -> int:
    """Full pictures of a TIFF file, 2 where there are more."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    at, pages, seen = number(4, 4), 0, set()
    while at and at not in seen and at + 2 <= len(data) and pages < 2:
        seen.add(at)
        entries = number(at, 2)
        # Tag 254 with bit 0 marks a smaller copy of another page.
        kinds = [
            number(at + 10 + 12 * i, 4) for i in range(entries) if number(at + 2 + 12 * i, 2) == 254
        ]
        pages += not (kinds and kinds[0] & 1)
        at = number(at + 2 + 12 * entries, 4)
    return pages
