"""Masks are written as COCO's run lengths, plain and compressed (pycocotools, maskApi.c)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Returns COCO's uncompressed form of a mask (H, W): lengths of runs down the columns, zeros
    first.
    """
    flat = np.concatenate([[False], mask.T.reshape(-1), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], edges, [mask.size]]))
    # A mask that ends in ones has its last edge at its end: no zeros follow.
    kept = counts[:-1] if counts[-1] == 0 and len(counts) > 1 else counts
    return {"size": list(mask.shape), "counts": kept.tolist()}


def compressed(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Returns COCO's compressed form of a mask (H, W): each run is its difference from the last but
    one, in digits of five bits, and a sixth bit says that more digits follow.
    """
    plain = run_lengths(mask)
    counts, text = plain["counts"], []
    for index, length in enumerate(counts):
        value = length - counts[index - 2] if index > 2 else length
        more = True
        while more:
            digit, value = value & 0x1F, value >> 5
            more = value != (-1 if digit & 0x10 else 0)
            text.append(chr(digit + (0x20 if more else 0) + 48))
    return {"size": plain["size"], "counts": "".join(text)}
