"""Which query answers for which instance.

One to one: the Hungarian assignment of least cost (Carion et al. 2020, DETR, section 3.1) on class,
L1 and generalized IoU. One to many: the few best queries of each instance (SAM 3's second branch,
Carion et al. 2025, appendix on training).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from quant.concepts.boxes import corners, iou
from quant.training.losses import FOCAL_ALPHA, FOCAL_GAMMA


@dataclass(frozen=True)
class MatchCosts:
    """Weights of the assignment's cost. Source: SAM 3's training configuration."""

    label: float = 2.0
    l1: float = 5.0
    giou: float = 2.0


MATCH_COSTS = MatchCosts()
TOP = 4  # queries an instance in one-to-many matching, SAM 3
MANY_ALPHA = 0.3  # share of the score in a query's quality, SAM 3
MANY_THRESHOLD = 0.4  # least quality of all but the best, SAM 3

Pairs = tuple[Tensor, Tensor]
"""Indices of queries and of the instances they answer for."""


def focal_cost(logits: Tensor) -> Tensor:
    """Cost of calling a query an instance: focal loss as positive less that as negative (Zhu et
    al. 2021).
    """
    p = logits.sigmoid()
    positive = FOCAL_ALPHA * (1 - p) ** FOCAL_GAMMA * -(p + 1e-8).log()
    negative = (1 - FOCAL_ALPHA) * p**FOCAL_GAMMA * -(1 - p + 1e-8).log()
    return positive - negative


def match_costs(logits: Tensor, boxes: Tensor, truth: Tensor) -> Tensor:
    """Costs (N,M) of giving each of N answers to each of M instances, by logits (N,), boxes (N,4)
    and true boxes (M,4), which are centre x, centre y, width, height in [0,1].
    """
    l1 = torch.cdist(boxes, truth, p=1)
    _, generalized = iou(corners(boxes)[:, None], corners(truth)[None])
    w = MATCH_COSTS
    return w.label * focal_cost(logits)[:, None] + w.l1 * l1 - w.giou * generalized


@torch.no_grad()
def one_to_one(logits: Tensor, boxes: Tensor, truth: Tensor) -> Pairs:
    """Each instance's own query, see `match_costs`; at most N pairs."""
    rows, columns = linear_sum_assignment(match_costs(logits, boxes, truth).cpu().numpy())
    return torch.as_tensor(rows), torch.as_tensor(columns)


@torch.no_grad()
def one_to_many(logits: Tensor, boxes: Tensor, truth: Tensor) -> Pairs:
    """Each instance's best query and up to three more of quality p^a IoU^(1-a) >= 0.4; a query
    goes to the instance it suits best.
    """
    overlap, _ = iou(corners(boxes)[:, None], corners(truth)[None])  # (N,M)
    quality = logits.sigmoid()[:, None] ** MANY_ALPHA * overlap ** (1 - MANY_ALPHA)
    top = quality.topk(min(TOP, len(boxes)), dim=0)
    chosen = torch.zeros_like(quality, dtype=torch.bool)
    chosen.scatter_(0, top.indices, top.values >= MANY_THRESHOLD)
    chosen.scatter_(0, top.indices[:1], torch.ones_like(top.values[:1], dtype=torch.bool))
    best = torch.where(chosen, quality, quality.new_tensor(-1.0)).max(1)
    queries = torch.nonzero(best.values >= 0).flatten()
    return queries, best.indices[queries]
