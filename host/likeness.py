"""Does what is masked look like the object? As pure functions of the image encoder's outputs.

The object score says little of a mask that stands on something else (docs/decisions.md). What the
encoder makes of the masked cells says more: their mean is the object's look, and the cosine of two
looks their likeness. DeepSORT (Wojke et al. 2017, section 2.3) gates tracks by such a cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.device import Arrays
from host.spec import ModelSpec

LEVELS = ("features", "skip8", "skip4")
"""These outputs of the image encoder take part, each with the same weight."""


def length(spec: ModelSpec) -> int:
    """Returns how many numbers a look of a model has."""
    outputs = spec.ports["image_encoder"].outputs
    return sum(int(outputs[level].shape[1] or 0) for level in LEVELS)


def look(image: Arrays, logits: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Returns the look (n,) of what a mask covers, of length 1; None
    for an empty mask.

    image are the image encoder's outputs (1, C, G, G) of some window, logits (R, R) the mask's in
    the same one, R being a multiple of each G. A cell counts by the share of it that is masked.
    """
    mask = (logits > 0).astype(np.float32)
    if not mask.any():
        return None
    parts = []
    for level in LEVELS:
        codes = image[level][0]
        cells = codes.shape[1]
        side = len(mask) // cells
        weights = mask.reshape(cells, side, cells, side).mean((1, 3)).ravel()
        at = weights.nonzero()[0]
        mean = codes.reshape(len(codes), -1)[:, at].astype(np.float32) @ weights[at]
        parts.append(mean / max(float(np.linalg.norm(mean)), 1e-9))
    return np.concatenate(parts).astype(np.float32) / np.float32(len(parts) ** 0.5)


def likeness(one: NDArray[np.float32], others: Sequence[NDArray[Any]]) -> float:
    """Returns the greatest cosine, -1 to 1, of a look (n,) with any of others (n,); 1 where there
    are none.
    """
    return max((float(one @ other) for other in others), default=1.0)
