"""Boxes as tensors: centre form, corners, IoU and generalized IoU (Rezatofighi et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor


def corners(boxes: Tensor) -> Tensor:
    """Converts boxes (...,4) from centre x, centre y, width, height to x0, y0, x1, y1."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], -1)


def centres(boxes: Tensor) -> Tensor:
    """Converts boxes (...,4) from x0, y0, x1, y1 to centre x, centre y, width, height."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], -1)


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns IoU and generalized IoU of corner boxes that broadcast: (...,4), (...,4) -> (...),
    (...).
    """
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    union = (_areas(a) + _areas(b) - both).clamp(min=1e-9)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    whole = hull.clamp(min=0).prod(-1).clamp(min=1e-9)
    found = both / union
    return found, found - (whole - union) / whole
