"""A stream: a tensor as the beats of an AXI4-Stream. The only packer and unpacker of the project.

One beat holds `lanes` codes, the first in the lowest bits, filled up with zeros to whole bytes.
Codes come in row-major order of the shape, whose last axis is the fastest: maps are (H, W, C),
tokens (L, C), so that channels run fastest, then x, then y.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.spec.dtypes import IntType
from hw.spec.errors import SpecError
from hw.spec.sizes import whole_bytes


@dataclass(frozen=True)
class Stream:
    """A stream is what one port of a kernel carries in a frame.

    shape: of one frame, the greatest where the length varies. dtype: of a code. lanes: codes a
    beat. last: does the port carry tlast, high on a frame's final beat?
    """

    shape: tuple[int, ...]
    dtype: IntType
    lanes: int = 1
    last: bool = True

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.shape):
            raise SpecError(f"stream of shape {self.shape}", "dimensions are at least 1")
        if self.lanes < 1 or self.size % self.lanes:
            raise SpecError(
                f"stream of {self.lanes} lanes and shape {self.shape}",
                f"lanes divide the {self.size} codes of a frame",
            )

    @property
    def size(self) -> int:
        """A frame of the stream has this many codes."""
        return math.prod(self.shape)

    @property
    def beats(self) -> int:
        """A frame of the stream takes this many beats."""
        return self.size // self.lanes

    @property
    def bits(self) -> int:
        """Bits of a beat that carry codes."""
        return self.lanes * self.dtype.bits

    @property
    def width(self) -> int:
        """The width of tdata is `bits` filled up to whole bytes."""
        return whole_bytes(self.bits)

    def pack(self, codes: NDArray[Any]) -> NDArray[np.uint8]:
        """Codes of any length that fills beats -> (beats, width / 8) bytes, little end first.

        Raises SpecError for codes outside the type or a last beat left half full.
        """
        self.dtype.check(codes)
        if codes.size % self.lanes:
            raise SpecError(f"{codes.size} codes", f"a beat holds {self.lanes}")
        lanes = codes.reshape(-1, self.lanes).astype(np.int64)
        planes = np.arange(self.dtype.bits, dtype=np.int64)
        bits = ((lanes[:, :, None] >> planes) & 1).astype(np.uint8).reshape(len(lanes), self.bits)
        return np.packbits(bits, axis=1, bitorder="little")

    def unpack(self, beats: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Returns the codes that `pack` packed into (beats, width / 8) bytes, in stream order,
        flat.
        """
        bits = np.unpackbits(beats, axis=1, bitorder="little")[:, : self.bits]
        planes = bits.reshape(-1, self.dtype.bits).astype(np.int64)
        codes = planes @ (np.int64(1) << np.arange(self.dtype.bits, dtype=np.int64))
        if self.dtype.signed:
            codes -= (codes >> (self.dtype.bits - 1)) << self.dtype.bits
        return codes

    def words(self, codes: NDArray[Any]) -> list[int]:
        """Returns one integer a beat for the codes, as tdata shows it."""
        return [int.from_bytes(beat.tobytes(), "little") for beat in self.pack(codes)]

    def codes(self, words: Sequence[int]) -> NDArray[np.int64]:
        """Returns the codes that `words` made one integer a beat of, in stream order, flat."""
        size = self.width // 8
        raw = b"".join(word.to_bytes(size, "little") for word in words)
        return self.unpack(np.frombuffer(raw, np.uint8).reshape(-1, size))
