"""Prompts of a whole batch as tensors: drawn, rastered and indexed on the training device.

What `host.prompts` does for one user's prompt and `quant.data.prompts` draws from one mask, this
does for B objects at once, so that a training step never leaves its device. Coordinates are
normalised as there: x first, in [0, 1] over the whole frame. Masks are cells of the mask grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from host.prompts import (
    BOX_BOTTOM_RIGHT,
    BOX_TOP_LEFT,
    DENSE_CHANNELS,
    LOGIT_LIMIT,
    NEGATIVE,
    PAD,
    POSITIVE,
    PROMPT_TOKENS,
)
from quant.data.prompts import LARGEST_JITTER

DEEPEST = 16  # cells from the boundary beyond which a click counts as central


@dataclass(frozen=True)
class PromptBatch:
    """Clicks and boxes of B objects.

    points: (B,N,2) x, y. labels: (B,N) POSITIVE, NEGATIVE, or PAD for no click. box: (B,4) x0, y0,
    x1, y1. boxed: (B,) whether the box counts.
    """

    points: Tensor
    labels: Tensor
    box: Tensor
    boxed: Tensor

    @classmethod
    def none(cls, batch: int, device: torch.device) -> PromptBatch:
        """Returns a batch without a prompt for any of its B objects."""
        return cls(
            torch.zeros(batch, 0, 2, device=device),
            torch.zeros(batch, 0, dtype=torch.long, device=device),
            torch.zeros(batch, 4, device=device),
            torch.zeros(batch, dtype=torch.bool, device=device),
        )

    def clicked(self, points: Tensor, labels: Tensor) -> PromptBatch:
        """Returns the prompts with one more click each: points (B,2) and labels (B,), PAD where
        there is none.
        """
        return replace(
            self,
            points=torch.cat([self.points, points[:, None]], 1),
            labels=torch.cat([self.labels, labels[:, None]], 1),
        )

    @property
    def ambiguous(self) -> Tensor:
        """Tells (B,) whether a prompt is one positive click and nothing else (host.prompts)."""
        given = self.labels != PAD
        positive = (self.labels == POSITIVE) & given
        return ~self.boxed & (given.sum(1) == 1) & (positive.sum(1) == 1)

    @property
    def shows(self) -> Tensor:
        """Tells (B,) whether a prompt points at the object: a box or a positive click."""
        return self.boxed | (self.labels == POSITIVE).any(1)

    def indices(self, bins: int) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of the token tables: label, column, row, (B,P) each; `host.prompts.token_indices`.

        Raises ValueError for more clicks than there are tokens beside a box.
        """
        b, n = self.labels.shape
        if n > PROMPT_TOKENS - 2:
            raise ValueError(f"{n} clicks, {PROMPT_TOKENS - 2} fit beside a box")
        device = self.labels.device
        where = torch.cat([self.box.unflatten(1, (2, 2)), self.points], 1)  # (B,2+N,2)
        step = BOX_BOTTOM_RIGHT - BOX_TOP_LEFT  # by arithmetic: no copy from the host in a graph
        corners = (BOX_TOP_LEFT + step * torch.arange(2, device=device)).expand(b, 2)
        corners = torch.where(self.boxed[:, None], corners, torch.full_like(corners, PAD))
        label = torch.cat([corners, self.labels], 1)
        cells = (where * bins).floor().clamp(0, bins - 1).long()
        cells = torch.where(label[..., None] == PAD, torch.zeros_like(cells), cells)
        # What is given comes first, in its order; the rest is padding at column = row = 0.
        order = (label == PAD).long().argsort(dim=1, stable=True)
        spare = PROMPT_TOKENS - label.shape[1]
        label = F.pad(label.gather(1, order), (0, spare), value=PAD)
        cells = F.pad(cells.gather(1, order[..., None].expand_as(cells)), (0, 0, 0, spare))
        return label, cells[..., 0], cells[..., 1]

    def dense(self, grid: int, logits: Tensor | None) -> Tensor:
        """Prompts drawn on the mask grid (B,6,R,R): `host.prompts.dense_prompt`; logits (B,R,R)."""
        b, device = len(self.labels), self.labels.device
        drawn = torch.zeros(b, DENSE_CHANNELS, grid, grid, device=device)
        if logits is not None:
            drawn[:, 0] = logits.detach().float().clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        centres = (torch.arange(grid, device=device) + 0.5) / grid
        radius = max(1.0, grid / 32) / grid
        if self.labels.shape[1]:
            dx = (centres - self.points[..., :1]) ** 2  # (B,N,R)
            dy = (centres - self.points[..., 1:]) ** 2
            near = dx[:, :, None, :] + dy[:, :, :, None] <= radius**2
            for channel, kind in ((1, POSITIVE), (2, NEGATIVE)):
                drawn[:, channel] = (near & (self.labels == kind)[..., None, None]).any(1) * (
                    LOGIT_LIMIT
                )
        drawn[:, 3] = self._filled(centres, grid) * LOGIT_LIMIT
        ramp = torch.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, grid, device=device)
        drawn[:, 4], drawn[:, 5] = ramp[None, :], ramp[:, None]
        return drawn

    def _filled(self, centres: Tensor, grid: int) -> Tensor:
        """Cells (B,R,R) inside each box, at least the one in its middle."""
        sides = []
        cells = torch.arange(grid, device=centres.device)
        for low, high in ((self.box[:, :1], self.box[:, 2:3]), (self.box[:, 1:2], self.box[:, 3:])):
            middle = ((low + high) / 2 * grid).long().clamp(max=grid - 1)
            sides.append(((centres >= low) & (centres <= high)) | (cells == middle))
        across, down = sides
        return across[:, None, :] & down[:, :, None] & self.boxed[:, None, None]


def random_click(mask: Tensor) -> Tensor:
    """A random point (B,2) in a random cell of each mask (B,R,R) bool; anywhere in an empty one."""
    chosen = (torch.rand(mask.shape, device=mask.device) * mask).flatten(1).argmax(1)
    return _point(chosen, mask.shape[-1])


def central_click(mask: Tensor) -> Tensor:
    """A point (B,2) in the cell of each mask (B,R,R) bool that is farthest from its boundary."""
    left = F.pad(mask.float(), (1, 1, 1, 1))[:, None]
    depth = torch.zeros_like(left)
    for _ in range(DEEPEST):
        depth = depth + left
        left = -F.max_pool2d(-left, 3, stride=1, padding=1) * left
    depth = depth[:, 0, 1:-1, 1:-1] + 0.5 * torch.rand(mask.shape, device=mask.device) * mask
    return _point(depth.flatten(1).argmax(1), mask.shape[-1])


def _point(cell: Tensor, grid: int) -> Tensor:
    """A random point (B,2) within cells given by their index (B,)."""
    corner = torch.stack([cell % grid, cell // grid], 1)
    return (corner + torch.rand(corner.shape, device=cell.device)) / grid


def corrective_click(answer: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Points (B,2) in wrong cells and labels (B,): POSITIVE on missed ones, NEGATIVE on false ones,
    PAD where nothing is wrong. answer, truth (B,R,R) bool.

    Half of them random, as SAM 2 trains (Ravi et al. 2024, appendix D), half in the depth of the
    errors, as people click and scores are taken.
    """
    wrong = answer != truth
    missed, false = wrong & truth, wrong & answer
    larger = torch.where(
        (missed.flatten(1).sum(1) >= false.flatten(1).sum(1))[:, None, None], missed, false
    )
    at_random = torch.rand(len(wrong), device=wrong.device) < 0.5
    points = torch.where(at_random[:, None], random_click(wrong), central_click(larger))
    size = wrong.shape[-1]
    cells = (points * size).long().clamp(0, size - 1)
    hit = truth[torch.arange(len(wrong), device=wrong.device), cells[:, 1], cells[:, 0]]
    labels = torch.full_like(cells[:, 0], NEGATIVE).masked_fill(hit, POSITIVE)
    return points, labels.masked_fill(~wrong.flatten(1).any(1), PAD)


def draw_box(mask: Tensor, jitter: float = 0.1) -> Tensor:
    """Boxes (B,4) around masks (B,R,R) bool; half of them with each edge shifted at random, as
    `quant.data.prompts.draw_box`.
    """
    size = mask.shape[-1]
    edges = []
    for filled in (mask.any(1), mask.any(2)):  # columns, rows
        first = filled.float().argmax(1)
        last = size - filled.flip(1).float().argmax(1)
        edges.append((first / size, last / size))
    (x0, x1), (y0, y1) = edges
    box = torch.stack([x0, y0, x1, y1], 1)
    sides = (box[:, 2:] - box[:, :2]).repeat(1, 2)
    shift = (torch.randn(box.shape, device=mask.device) * jitter * sides).clamp(
        -LARGEST_JITTER, LARGEST_JITTER
    )
    shift = torch.minimum(torch.maximum(shift, -0.4 * sides), 0.4 * sides)
    exact = torch.rand(len(box), 1, device=mask.device) < 0.5
    return torch.where(exact, box, (box + shift).clamp(0, 1))
