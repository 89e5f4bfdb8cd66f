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
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0  # Lin et al. 2017, as SAM 2


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Sigmoid focal loss with soft targets, mean over the last two dimensions.

    For targets in {0, 1} this is Lin et al.'s formula; between, |p - y| stands for 1 - p_t (Li et
    al. 2020, quality focal loss).
    """
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    distance = (logits.sigmoid() - target).abs() ** FOCAL_GAMMA
    alpha = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    return (alpha * distance * entropy).mean(dim=(-2, -1))


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 - Dice of probabilities over the last two dimensions, smoothed by 1 as in SAM 2."""
    p = logits.sigmoid()
    both = 2 * (p * target).sum(dim=(-2, -1)) + 1
    return 1 - both / (p.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1)) + 1)


def hard_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of thresholded masks over the last two dimensions; empty against empty is 1."""
    a, b = logits > 0, target > 0.5
    union = (a | b).sum(dim=(-2, -1))
    both = (a & b).sum(dim=(-2, -1))
    return torch.where(union > 0, both / union.clamp(min=1), torch.ones_like(both / 1.0))


def frame_loss(
    masks: Tensor, scores: Tensor, target: Tensor, *, ambiguous: bool, mask_given: bool = False
) -> Tensor:
    """Loss of one decoder call, a scalar.

    Args:
        masks: (B,4,R,R) logits.
        scores: (B,1,T,1) logits; 0..3 IoU estimates, 4 the object score.
        target: (B,R,R) in [0,1].
        ambiguous: supervise the best of masks 1..3 (and all their IoU estimates), else mask 0.
        mask_given: the mask was the prompt, so only the object score is learned.
    """
    present = (target > 0.5).flatten(1).any(1).float()  # (B,)
    loss = OBJECT_WEIGHT * F.binary_cross_entropy_with_logits(scores[:, 0, 4, 0], present)
    if mask_given:
        return loss
    chosen = masks[:, 1:] if ambiguous else masks[:, :1]
    estimates = scores[:, 0, 1:4, 0] if ambiguous else scores[:, 0, :1, 0]
    wanted = target[:, None].expand_as(chosen)
    each = FOCAL_WEIGHT * focal(chosen, wanted) + DICE_WEIGHT * dice(chosen, wanted)  # (B,k)
    best = each.min(dim=1).values
    with torch.no_grad():
        truth = hard_iou(chosen, wanted)
    estimate = F.l1_loss(estimates.sigmoid(), truth, reduction="none").mean(1)
    # As SAM 2: masks of an absent object teach nothing.
    return loss + ((best + IOU_WEIGHT * estimate) * present).sum() / present.sum().clamp(min=1)
