"""The measures by which video segmentation is scored: region similarity J and contour accuracy F.

Both follow the DAVIS benchmark (Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for
Video Object Segmentation", CVPR 2016, section 4) with the conventions of its published evaluation:
the semi-supervised task leaves the first and the last annotated frame of a sequence out, since the
first is given, and a benchmark is the mean over objects (Pont-Tuset et al. 2017, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.spec.errors import SpecError

BOUND_THRESHOLD = 0.008
"""Tolerance of F as a share of the image diagonal (the benchmark's own)."""


def jaccard(pred: ArrayLike, truth: ArrayLike) -> float:
    """Region similarity J of two masks (H, W): intersection over union, 1 where both are empty.

    Raises SpecError when the masks are not two planes of one shape.
    """
    a, b = _planes(pred, truth)
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def boundary_f(pred: ArrayLike, truth: ArrayLike, bound_th: float = BOUND_THRESHOLD) -> float:
    """Contour accuracy F of two masks (H, W): harmonic mean of the contours' precision and recall.

    A contour pixel is matched when the other contour passes within ceil(bound_th * diagonal) pixels
    of it (`bound_th` of 1 or more is taken as pixels). The benchmark approximates the bipartite
    matching of its section 4 by dilating each contour with a disk; so does this. Where only one
    contour is empty F is 0, where both are it is 1.

    Raises SpecError when the masks are not two planes of one shape.
    """
    a, b = _planes(pred, truth)
    radius = bound_th if bound_th >= 1 else math.ceil(bound_th * math.hypot(*a.shape))
    edge_a, edge_b = boundary(a), boundary(b)
    count_a, count_b = np.count_nonzero(edge_a), np.count_nonzero(edge_b)
    if not count_a and not count_b:
        return 1.0
    if not count_a or not count_b:
        return 0.0
    disk = _disk(int(radius))
    precision = np.count_nonzero(edge_a & _dilate(edge_b, disk)) / count_a
    recall = np.count_nonzero(edge_b & _dilate(edge_a, disk)) / count_b
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Contour (H, W) of a mask, one pixel wide, by the benchmark's rule.

    A pixel is on the contour when its right, lower or lower-right neighbour differs; a contour so
    lies half a pixel up and left of the true edge, and the image's own border is never one. What
    has no such neighbour counts as unchanged.
    """
    edge = np.zeros_like(mask)
    edge[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edge[:-1, :] |= mask[:-1, :] ^ mask[1:, :]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def _disk(radius: int) -> NDArray[np.uint8]:
    # cv2.getStructuringElement's ellipse is not a Euclidean disk: it differs at most radii.
    across = np.arange(-radius, radius + 1)
    return (across[:, None] ** 2 + across**2 <= radius**2).astype(np.uint8)


def _dilate(edge: NDArray[np.bool_], disk: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return cv2.dilate(edge.astype(np.uint8), disk) != 0


def _planes(pred: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    a, b = np.asarray(pred) != 0, np.asarray(truth) != 0
    if a.ndim != 2 or a.shape != b.shape:
        raise SpecError(
            f"masks of shapes {a.shape} and {b.shape} cannot be compared",
            "give two masks (H, W) of one size: resize the prediction to the ground truth's",
        )
    return a, b


@dataclass(frozen=True)
class ObjectScore:
    """Measures of one object on its scored frames: frame indices and as many J and F in [0, 1]."""

    object_id: int
    frames: tuple[int, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]

    @property
    def mean_j(self) -> float:
        return _mean(self.j)

    @property
    def mean_f(self) -> float:
        return _mean(self.f)

    @classmethod
    def of(
        cls,
        object_id: int,
        frames: Sequence[int],
        preds: Iterable[ArrayLike],
        truths: Iterable[ArrayLike],
    ) -> ObjectScore:
        """Measures of one object from its masks (H, W) on the annotated `frames`, in order."""
        pairs = list(zip(preds, truths, strict=True))
        return cls(
            object_id,
            tuple(frames),
            tuple(jaccard(*pair) for pair in pairs),
            tuple(boundary_f(*pair) for pair in pairs),
        )

    def without_ends(self) -> ObjectScore:
        """Returns the score without the first frame, which was given, and the last, as the
        benchmark counts.
        """
        return ObjectScore(self.object_id, self.frames[1:-1], self.j[1:-1], self.f[1:-1])


@dataclass(frozen=True)
class SequenceScore:
    """Measures of one sequence, each the mean over its objects of the mean over frames, in [0, 1].

    A sequence that leaves no frame to score (fewer than three annotated ones) has NaN measures.
    """

    name: str
    objects: tuple[ObjectScore, ...]

    @property
    def j(self) -> float:
        return _mean([o.mean_j for o in self.objects])

    @property
    def f(self) -> float:
        return _mean([o.mean_f for o in self.objects])

    @property
    def jf(self) -> float:
        return (self.j + self.f) / 2


def benchmark_mean(scores: Iterable[SequenceScore]) -> SequenceScore:
    """All sequences as one: every object counts once, whichever sequence it is from."""
    return SequenceScore("mean", tuple(o for score in scores for o in score.objects))


def _mean(values: Sequence[float]) -> float:
    kept = [v for v in values if not math.isnan(v)]
    return float(np.mean(kept)) if kept else math.nan
