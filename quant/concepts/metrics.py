"""The measures by which concept detection is scored: pmF1, IL_MCC and cgF1, as SAM 3 defines them.

"SAM 3: Segment Anything with Concepts" (arXiv 2511.16719), section on metrics, with the conventions
of its published evaluator. Everything is counted over pairs of an image and a phrase:
- predictions with a confidence of 0.5 or more count, the others do not exist;
- pmF1, the positive micro F1, says how well objects are found where there are some: over the pairs
  with at least one true mask, predictions and true masks are matched one to one so that the sum of
  IoUs is largest; TP, FP and FN are summed over those pairs and give one F1 for each IoU threshold
  0.50, 0.55 ... 0.95; pmF1 is their mean;
- IL_MCC, the image-level Matthews correlation, says how well presence is told: over all pairs,
  "there is at least one true mask" against "there is at least one prediction";
- cgF1 = 100 * pmF1 * IL_MCC.
Where a measure divides nothing by nothing it is 0 here; SAM 3 adds 1e-4 to divisors instead, which
comes to the same but for that much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from host.mask_overlap import both_and_either
from hw.spec.errors import SpecError

CONFIDENCE = 0.5
IOU_THRESHOLDS = np.arange(50, 100, 5) / 100


def _zeros() -> NDArray[np.int64]:
    return np.zeros(len(IOU_THRESHOLDS), np.int64)


@dataclass(frozen=True, eq=False)
class ConceptScore:
    """Counts over pairs of image and phrase, and the measures they give.

    hits, false_alarms, misses: (10,) TP, FP and FN of the pairs with true masks, by IoU threshold.
    presence: pairs by what is true and what is told: [[neither, told only], [true only, both]].
    instances: true masks.
    """

    hits: NDArray[np.int64] = field(default_factory=_zeros)
    false_alarms: NDArray[np.int64] = field(default_factory=_zeros)
    misses: NDArray[np.int64] = field(default_factory=_zeros)
    presence: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 2), np.int64))
    instances: int = 0

    def __add__(self, other: ConceptScore) -> ConceptScore:
        return ConceptScore(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.presence + other.presence,
            self.instances + other.instances,
        )

    @property
    def f1(self) -> NDArray[np.float64]:
        """Positive micro F1 is (10,), one at each IoU threshold."""
        total = 2 * self.hits + self.false_alarms + self.misses
        return np.divide(2 * self.hits, total, out=np.zeros(len(total)), where=total > 0)

    @property
    def pmf1(self) -> float:
        """Positive micro F1 in [0, 1], mean over the IoU thresholds."""
        return float(self.f1.mean())

    @property
    def pmf1_50(self) -> float:
        """Positive micro F1 in [0, 1] at IoU 0.5 alone."""
        return float(self.f1[0])

    @property
    def il_mcc(self) -> float:
        """Matthews correlation of presence, -1 to 1; 0 where one side has but one answer."""
        (tn, fp), (fn, tp) = self.presence.tolist()
        scale = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        return (tp * tn - fp * fn) / scale if scale else 0.0

    @property
    def cgf1(self) -> float:
        """Classification-gated F1 is 100 times pmF1 times IL_MCC, -100 to 100."""
        return 100 * self.pmf1 * self.il_mcc

    @property
    def cgf1_50(self) -> float:
        """This is classification-gated F1 with pmF1 at IoU 0.5 alone."""
        return 100 * self.pmf1_50 * self.il_mcc

    @property
    def positives(self) -> int:
        """The number of pairs of image and phrase that have a true mask."""
        return int(self.presence[1].sum())

    @property
    def pairs(self) -> int:
        """There are this many pairs of image and phrase."""
        return int(self.presence.sum())

    def as_dict(self) -> dict[str, float]:
        """Returns the measures and the sizes behind them, for JSON."""
        names = ("cgf1", "pmf1", "il_mcc", "cgf1_50", "pmf1_50", "pairs", "positives", "instances")
        return {name: getattr(self, name) for name in names}


class ConceptScores:
    """Accumulates pairs by group: a concept, a source, seen or unseen phrases ..."""

    def __init__(self) -> None:
        self.groups: dict[str, ConceptScore] = {}
        self.overall = ConceptScore()

    def add(
        self,
        groups: str | Iterable[str],
        masks_pred: ArrayLike,
        probs: ArrayLike,
        masks_true: ArrayLike,
    ) -> ConceptScore:
        """Counts one image and phrase in one group or several, and overall. Gives its counts alone.

        masks_pred: M predictions (H, W) bool; probs: (M,) confidences in [0, 1].
        masks_true: K true masks (H, W) bool of the same size; none when the concept is absent.
        An empty list is a valid prediction and a valid truth. Raises SpecError on shapes that do
        not fit each other and on confidences outside [0, 1].
        """
        score = score_pair(masks_pred, probs, masks_true)
        for group in dict.fromkeys([groups] if isinstance(groups, str) else groups):
            self.groups[group] = self.groups.get(group, ConceptScore()) + score
        self.overall += score
        return score

    def __getitem__(self, group: str) -> ConceptScore:
        return self.groups[group]

    def together(self, groups: Iterable[str]) -> ConceptScore:
        """Several groups as one, their counts summed: what a micro average is over."""
        return sum((self.groups[group] for group in dict.fromkeys(groups)), ConceptScore())


def score_pair(masks_pred: ArrayLike, probs: ArrayLike, masks_true: ArrayLike) -> ConceptScore:
    """Counts of one image and phrase; arguments and errors as of `ConceptScores.add`."""
    pred, true = _planes(masks_pred, "predictions"), _planes(masks_true, "true masks")
    confidence = np.asarray(probs, np.float64).reshape(-1)
    if len(confidence) != len(pred):
        raise SpecError(f"{len(pred)} predictions with {len(confidence)} confidences", "give each")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise SpecError(f"confidences {confidence.tolist()}", "they lie in [0, 1]")
    if len(pred) and len(true) and pred.shape[1:] != true.shape[1:]:
        raise SpecError(
            f"predictions of shape {pred.shape[1:]} and true masks of shape {true.shape[1:]}",
            "bring them to one size",
        )
    pred = pred[confidence >= CONFIDENCE]
    presence = np.zeros((2, 2), np.int64)
    presence[int(len(true) > 0), int(len(pred) > 0)] = 1
    if not len(true):
        return ConceptScore(presence=presence)
    ious = mask_ious(pred, true)
    matched = ious[linear_sum_assignment(ious, maximize=True)]
    hits = (matched[None, :] >= IOU_THRESHOLDS[:, None]).sum(1).astype(np.int64)
    return ConceptScore(hits, len(pred) - hits, len(true) - hits, presence, len(true))


def mask_ious(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """IoU (M, K) of M masks with K masks, all (H, W); 0 where both are empty."""
    a, b = _planes(first, "masks"), _planes(second, "masks")
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    common, union = both_and_either(a, b)
    return np.divide(common, union, out=np.zeros(common.shape), where=union > 0)


def _planes(masks: ArrayLike | Sequence[ArrayLike], what: str) -> NDArray[np.bool_]:
    """Returns masks as (M, H, W) bool. Raises SpecError when they are not planes of one size."""
    try:
        planes = np.asarray(masks)
    except ValueError as error:
        raise SpecError(f"{what} of different sizes", "bring them to one size") from error
    if not planes.size and (planes.ndim == 1 or len(planes) == 0):
        return np.zeros((0, *planes.shape[1:3]) if planes.ndim == 3 else (0, 0, 0), bool)
    if planes.ndim != 3:
        raise SpecError(f"{what} of shape {planes.shape}", "expected (M, H, W)")
    return planes.astype(bool)
