"""Losses of the concept detector, weighted as SAM 3 (Carion et al. 2025; its published training
configuration).

A query's class target is soft: t = p^a IoU^(1-a), so that score and box quality agree (Cai et al.
2023, Align-DETR; SAM 3's IA-BCE). Where the phrase is absent, the presence token alone is taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from quant.concepts.boxes import centres, corners, iou
from quant.concepts.matching import Pairs, one_to_many, one_to_one
from quant.model.concept_prompts import scores
from quant.model.detector import Prediction
from quant.training.losses import dice, focal


@dataclass(frozen=True)
class ConceptWeights:
    """Each loss of the detector has a weight. Source: SAM 3's training configuration."""

    label: float = 20.0
    presence: float = 20.0
    l1: float = 5.0
    giou: float = 2.0
    mask: float = 200.0
    dice: float = 10.0
    semantic: float = 20.0
    semantic_dice: float = 30.0
    one_to_many: float = 2.0
    positive: float = 10.0  # a matched query against the many that are not


WEIGHTS = ConceptWeights()
ALIGN_ALPHA = 0.25  # of the soft target, SAM 3
ALIGN_GAMMA = 2.0  # focal exponent of the negatives, SAM 3
LEAST_TARGET = 0.01
MASK_POINTS = 12544
"""Points of a mask that SAM 3 samples for its losses: more than the R x R cells of every
configuration here, so all cells are taken."""


@dataclass(frozen=True)
class Truth:
    """What a batch shows of its phrases: boxes a sample (M,4) as x0 y0 x1 y1 in [0,1], masks a
    sample (M,R,R) in [0,1], semantic (B,R,R), present (B,) bool.
    """

    boxes: list[Tensor]
    masks: list[Tensor]
    semantic: Tensor
    present: Tensor


def align(logits: Tensor, overlap: Tensor, matched: Tensor) -> Tensor:
    """Sum over queries (N,) of the IoU-aware cross-entropy; overlap (N,) counts where matched."""
    p = logits.detach().sigmoid()
    target = (p**ALIGN_ALPHA * overlap ** (1 - ALIGN_ALPHA)).clamp(min=LEAST_TARGET)
    target = torch.where(matched, target, torch.zeros_like(target))
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weight = torch.where(matched, torch.full_like(p, WEIGHTS.positive), p**ALIGN_GAMMA)
    return (weight * entropy).sum()


def detection_loss(
    found: Prediction, valid: Tensor, truth: Truth, *, many: bool = False
) -> dict[str, Tensor]:
    """Losses of one layer's prediction by name, weighted.

    valid: (B,8) prompt tokens to score against. many: one-to-many matching. Masks are judged where
    the prediction holds them.
    """
    found = found.float()
    logits = scores(found.matches, valid)  # (B,N)
    boxes = found.boxes[:, :, :-1, 0].transpose(1, 2).sigmoid()  # (B,N,4)
    match = one_to_many if many else one_to_one
    zero = logits.sum() * 0
    sums = dict.fromkeys(("label", "l1", "giou", "mask", "dice"), zero)
    count = max(1, sum(len(b) for b in truth.boxes))
    present = max(1, sum(len(b) > 0 for b in truth.boxes))
    pairs = 0
    # Unbound once: the gradient of masks[i] would be a whole batch of zeros, sample by sample.
    masks = None if found.masks is None else found.masks.unbind()
    for i, (score, box) in enumerate(zip(logits.unbind(), boxes.unbind(), strict=True)):
        wanted = truth.boxes[i]
        if not len(wanted):
            continue
        chosen, of = match(score, box, centres(wanted))
        pairs += len(chosen)
        _box_losses(sums, score, box, wanted, (chosen, of))
        if masks is not None:
            own, want = masks[i][chosen], truth.masks[i][of]
            sums["mask"] = sums["mask"] + focal(own, want).sum()
            sums["dice"] = sums["dice"] + dice(own, want).sum()
    w = WEIGHTS
    losses = {
        "label": w.label * sums["label"] / (present * logits.shape[1]),
        "l1": w.l1 * sums["l1"] / max(1, pairs),
        "giou": w.giou * sums["giou"] / max(1, pairs),
    }
    if not many:  # the branch is about queries
        told = found.presence[:, 0, -1, 0]
        presence = F.binary_cross_entropy_with_logits(told, truth.present.float())
        losses["presence"] = w.presence * presence
    if found.masks is not None:
        losses["mask"] = w.mask * sums["mask"] / count
        losses["dice"] = w.dice * sums["dice"] / count
        semantic = found.masks[:, -1]
        losses["semantic"] = w.semantic * focal(semantic, truth.semantic).mean()
        losses["semantic_dice"] = (
            w.semantic_dice * (dice(semantic, truth.semantic) * truth.present).mean()
        )
    return losses


def _box_losses(
    sums: dict[str, Tensor], logits: Tensor, boxes: Tensor, wanted: Tensor, pairs: Pairs
) -> None:
    """Adds one sample's class and box losses to `sums`."""
    chosen, of = pairs
    overlap, generalized = iou(corners(boxes[chosen]), wanted[of])
    matched = torch.zeros_like(logits, dtype=torch.bool)
    matched[chosen] = True
    quality = torch.zeros_like(logits)
    quality[chosen] = overlap.detach()
    sums["label"] = sums["label"] + align(logits, quality, matched)
    l1 = F.l1_loss(boxes[chosen], centres(wanted[of]), reduction="none").sum()
    sums["l1"] = sums["l1"] + l1
    sums["giou"] = sums["giou"] + (1 - generalized).sum()
