"""These functions tell how much masks overlap, all pairs at once, which of them are duplicates, on
which most agree, and which object gets a pixel.

Masks are packed as bits, 64 cells to a word, and only pairs that share a row and a column are
compared: a board's cores are slow, and most instances are far apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.tracker import Answer
from hw.spec.sizes import whole_bytes

YIELDED = -10.0
"""A mask's logit is at most this where another mask has the pixel (SAM 2)."""

_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns the IoU of every pair of masks (n, R, R) and (m, R, R) as (n, m); it is 0 where both
    masks are empty.
    """
    both, union = both_and_either(first, second)
    return (both / np.maximum(union, 1)).astype(np.float32)


def both_and_either(
    first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts, for every pair of masks (n, H, W) and (m, H, W), the cells that both hold and those
    that either holds: two arrays (n, m).
    """
    a = _Packed(first)
    b = a if second is first else _Packed(second)
    near = _meet(a.rows, b.rows) & _meet(a.columns, b.columns)
    i, j = np.nonzero(np.triu(near) if a is b else near)
    both = np.zeros(near.shape, np.int64)
    both[i, j] = _count(a.words[i] & b.words[j])
    if a is b:
        both[j, i] = both[i, j]
    return both, a.area[:, None] + b.area[None] - both


def most_agreed(masks: Sequence[NDArray[np.bool_]], ious: Sequence[float]) -> int:
    """Returns the index of the mask (H, W) on which the others agree most.

    Two masks agree by their IoU, and a mask's voice is the model's own estimate of its IoU with the
    object. If the object is one of the masks, as likely as its voice says, this is the mask whose
    IoU with it is expected to be greatest (empirical minimum Bayes risk: Premachandran et al. 2014,
    section 3). The root of its own estimate counts too: of masks that agree, the surest.
    """
    planes = np.stack(masks)
    voices = np.maximum(np.asarray(ious, np.float32), 1e-3)
    return int(np.argmax(mask_iou(planes, planes) @ voices * np.sqrt(voices)))


def surest(overlaps: NDArray[np.floating], limit: float) -> NDArray[np.intp]:
    """Suppresses duplicates greedily: of n answers in order of falling score it returns the indices
    that are kept.

    overlaps (n, n) says how much answers overlap; an answer goes if it overlaps a surer one that is
    kept by more than the limit.
    """
    kept = np.ones(len(overlaps), bool)
    for index in np.flatnonzero((overlaps > limit).sum(1) > 1):  # each overlaps itself
        if kept[index]:
            kept[index + 1 :] &= overlaps[index, index + 1 :] <= limit
    return np.flatnonzero(kept)


def share(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the logits (n, H, W) of n objects with each pixel left to the surest of them, the
    first of equals (SAM 2, `_apply_non_overlapping_constraints`). The input stays as it is.
    """
    if len(logits) < 2:
        return logits
    owner = logits.argmax(0)
    others = owner[None] != np.arange(len(logits))[:, None, None]
    return np.where(others, np.minimum(logits, np.float32(YIELDED)), logits)


def share_frame(planes: Mapping[int, NDArray[np.float32]]) -> dict[int, NDArray[np.float32]]:
    """Does the same as `share` for logits (H, W) by object id."""
    if len(planes) < 2:
        return dict(planes)
    return dict(zip(planes, share(np.stack(list(planes.values()))), strict=True))


class _Packed:
    """Masks (n, R, R) as words (n, W) of 64 bits, their areas (n,), the rows and columns that each
    touches, as bytes of 8 bits (n, R / 8).
    """

    def __init__(self, masks: NDArray[np.bool_]) -> None:
        lines = np.packbits(masks, 2)  # (n, R, R / 8)
        count, size = len(masks), lines.shape[1] * lines.shape[2]
        flat = np.zeros((count, whole_bytes(size)), np.uint8)
        flat[:, :size] = lines.reshape(count, size)
        self.words = flat.view(np.uint64)
        self.area = _count(self.words)
        self.columns = np.bitwise_or.reduce(lines, 1)
        self.rows = np.packbits(lines.any(2), 1)


def _meet(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether two rows of bits share one: (n, k), (m, k) -> (n, m)."""
    return np.asarray((a[:, None] & b[None]).any(2))


def _count(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Ones in each row of words (n, W)."""
    counter: Any = getattr(np, "bitwise_count", None)  # numpy 2; a board's image may have 1.24
    ones = _ONES[words.view(np.uint8)] if counter is None else counter(words)
    return np.asarray(ones.sum(1, dtype=np.int64))


class SharedFrame:
    """The answers for all objects of one frame are brought to a size together, so that masks do not
    overlap.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self._size: tuple[int, int] | None = None
        self._planes: NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)

    def logits_of(self, answer: Answer, size: tuple[int, int]) -> NDArray[np.float32]:
        """Returns the logits of one of the answers at a size (height, width), without the pixels
        that are another object's.
        """
        if self._size != size:
            self._planes = share(np.stack([one.video_logits(*size) for one in self._answers]))
            self._size = size
        row = next(row for row, one in enumerate(self._answers) if one is answer)
        return self._planes[row].copy()
