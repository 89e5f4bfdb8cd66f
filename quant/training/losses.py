"""Losses of the tracker, weighted as SAM 2 (Ravi et al. 2024, section 4 'Training': focal 20, dice
1, IoU 1, object 1).

Targets are soft: the share of a mask-grid cell that the object covers, so that upsampled logits
    cross zero on the real boundary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

FOCAL_WEIGHT, DICE_WEIGHT, IOU_WEIGHT, OBJECT_WEIGHT = 20.0, 1.0, 1.0, 1.0
ABSENT_WEIGHT = 2.0
"""A frame without its object counts so much more in the object score's loss: there are few."""
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0  # Lin et al. 2017, as SAM 2


def focal(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Sigmoid focal loss with soft targets, mean over the valid cells (by default all) of the last
    two dimensions.

    For targets in {0, 1} this is Lin et al.'s formula; between, |p - y| stands for 1 - p_t (Li et
    al. 2020, quality focal loss).
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    distance = (logits.sigmoid() - target).abs() ** FOCAL_GAMMA
    alpha = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    loss = alpha * distance * entropy
    if valid is None:
        return loss.mean(dim=(-2, -1))
    return (loss * valid).sum(dim=(-2, -1)) / valid.sum(dim=(-2, -1)).clamp(min=1)


def dice(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """1 - Dice of probabilities over the valid cells (by default all), smoothed by 1 as SAM 2."""
    p = logits.sigmoid()
    if valid is not None:
        p, target = p * valid, target * valid
    both = 2 * (p * target).sum(dim=(-2, -1)) + 1
    return 1 - both / (p.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1)) + 1)


def hard_iou(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """IoU of thresholded masks over the last two dimensions; empty against empty is 1."""
    a, b = logits > 0, target > 0.5
    if valid is not None:
        a, b = a & (valid > 0), b & (valid > 0)
    union = (a | b).sum(dim=(-2, -1))
    both = (a & b).sum(dim=(-2, -1))
    return torch.where(union > 0, both / union.clamp(min=1), torch.ones_like(both / 1.0))


def frame_loss(
    masks: Tensor,
    scores: Tensor,
    target: Tensor,
    valid: Tensor,
    *,
    ambiguous: Tensor,
    given: Tensor,
) -> Tensor:
    """Loss of one decoder call on B objects, a scalar.

    Args:
        masks: (B,4,R,R) logits.
        scores: (B,1,T,1) logits; 0..3 IoU estimates, 4 the object score.
        target: (B,R,R) in [0,1].
        valid: (B,R,R), 1 where the target is known, else 0.
        ambiguous: (B,) bool: supervise the best of masks 1..3 (and all their IoU estimates), else
            mask 0.
        given: (B,) bool: the mask was the prompt, so only the object score is learned.
    """
    present = (target > 0.5).flatten(1).any(1).float()  # (B,)
    weight = present + ABSENT_WEIGHT * (1 - present)
    loss = OBJECT_WEIGHT * F.binary_cross_entropy_with_logits(scores[:, 0, 4, 0], present, weight)
    wanted, known = target[:, None].expand_as(masks), valid[:, None].expand_as(masks)
    each = FOCAL_WEIGHT * focal(masks, wanted, known) + DICE_WEIGHT * dice(masks, wanted, known)
    with torch.no_grad():
        truth = hard_iou(masks, wanted, known)
    estimate = (scores[:, 0, :4, 0].sigmoid() - truth).abs()  # (B,4)
    single = each[:, 0] + IOU_WEIGHT * estimate[:, 0]
    several = each[:, 1:].min(1).values + IOU_WEIGHT * estimate[:, 1:].mean(1)
    counts = present * (~given).float()
    learned = torch.where(ambiguous, several, single) * counts
    loss = loss + learned.sum() / counts.sum().clamp(min=1)
    # SAM 2 learns nothing from masks of an absent object. Here the answering mask is to be empty
    # as well, so that a wrong object score alone draws nothing.
    gone = (1 - present) * (~given).float()
    empty = FOCAL_WEIGHT * focal(masks[:, 0], target, valid) * gone
    return loss + empty.sum() / gone.sum().clamp(min=1)
