"""From rendered clips to a training batch, on the training device: a window of frames, the objects
to follow, and what makes a clip hard.

Cuts to another clip while the object is gone, objects that vanish while the scene goes on, smoke
that drifts past, and blur are drawn here, so that a clip that is seen twice is another clip the
second time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from quant.data.images import VOID

NO_OBJECT = VOID - 1
"""An id that no clip has: a target that is empty on every frame."""
SMALLEST_TARGET = 8e-4  # of the frame: below it no cell of the mask grid would be covered
REVERSED_SHARE = 0.3
EMPTY_SHARE = 0.03  # of the objects: an empty prompt, and nothing to be found afterwards
CUT_SHARE = 0.1  # of the clips: another clip is shown for a while
VANISH_SHARE = 0.2  # of the clips: an object vanishes for a while, the scene goes on without it
WIDEST_RIM = 3  # cells of the mask grid around a vanished object that are painted over with it
SMOKE_SHARE = 0.07
BLUR_SHARE = 0.07


@dataclass
class Batch:
    """Clips of a training step: frames (B,N,3,S,S) uint8, targets (B,K,N,R,R) in [0,1], valid
    (B,N,R,R) in {0,1}.
    """

    frames: Tensor
    targets: Tensor
    valid: Tensor


def assemble(frames: Tensor, ids: Tensor, size: int, grid: int, length: int, objects: int) -> Batch:
    """A batch out of rendered clips: frames (B,M,3,S,S) uint8, ids (B,M,S,S) uint8, M >= length.

    size, grid: S and R of the model. length: N. objects: K for each clip; where a clip shows fewer,
    some are asked for twice, with other prompts.
    """
    frames, ids = _window(frames, ids, length)
    chosen = choose_objects(ids[:, 0], objects)
    valid = _pooled((ids != VOID).float(), grid) > 0.5
    targets = torch.stack(
        [_pooled((ids == chosen[:, k, None, None, None]).float(), grid) for k in range(objects)], 1
    )
    frames, targets = _vanish(frames, targets)
    frames, targets, valid = _cut(frames, targets, valid)
    frames = _film(frames)
    if frames.shape[-1] != size:
        small = F.interpolate(frames.flatten(0, 1).float(), size=(size, size), mode="area")
        frames = small.round().to(torch.uint8).unflatten(0, frames.shape[:2])
    return Batch(frames, targets, valid.float())


def _pooled(planes: Tensor, grid: int) -> Tensor:
    """Returns means over cells: (B,N,S,S) -> (B,N,R,R)."""
    return F.avg_pool2d(planes, planes.shape[-1] // grid)


def _window(frames: Tensor, ids: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """A window of `length` frames of each clip, at a stride that fits, some backwards and some
    mirrored.
    """
    b, there = frames.shape[:2]
    device = frames.device
    widest = max(1, (there - 1) // max(1, length - 1))
    stride = torch.randint(1, widest + 1, (b, 1), device=device)
    room = there - 1 - stride * (length - 1)
    start = (torch.rand(b, 1, device=device) * (room + 1)).long()
    where = start + stride * torch.arange(length, device=device)
    backwards = torch.rand(b, 1, device=device) < REVERSED_SHARE
    where = torch.where(backwards, where.flip(1), where)
    rows = torch.arange(b, device=device)[:, None]
    frames, ids = frames[rows, where], ids[rows, where]
    mirrored = torch.rand(b, device=device) < 0.5
    frames = torch.where(mirrored[:, None, None, None, None], frames.flip(-1), frames)
    return frames, torch.where(mirrored[:, None, None, None], ids.flip(-1), ids)


def choose_objects(ids: Tensor, objects: int) -> Tensor:
    """Ids (B,K) of random objects on first frames (B,S,S) that are large enough to track, each
    once as long as there are others; NO_OBJECT where there are none, and now and then.
    """
    b = len(ids)
    counts = torch.zeros(b, 256, device=ids.device)
    flat = ids.flatten(1).long()
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=counts.dtype))
    large = counts >= SMALLEST_TARGET * flat.shape[1]
    large[:, [0, VOID]] = False
    order = (torch.rand(b, 256, device=ids.device) + large.float()).topk(objects, 1).indices
    there = large.gather(1, order)
    order = torch.where(there, order, order[:, :1])  # the first again
    empty = torch.rand(b, objects, device=ids.device) < EMPTY_SHARE
    empty = empty | ~large.any(1, keepdim=True)
    return torch.where(empty, torch.full_like(order, NO_OBJECT), order)


def _cut(frames: Tensor, targets: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Some clips show another clip of the batch for a while after their first frame."""
    b, n = frames.shape[:2]
    if b < 2 or n < 3:
        return frames, targets, valid
    away = _a_while(b, n, CUT_SHARE, frames.device)
    other = frames.roll(1, 0)
    frames = torch.where(away[..., None, None, None], other, frames)
    targets = torch.where(away[:, None, :, None, None], torch.zeros_like(targets), targets)
    return frames, targets, valid | away[..., None, None]


def _a_while(clips: int, frames: int, share: float, device: torch.device) -> Tensor:
    """Some consecutive frames after the first in a share of the clips, (B,N) bool."""
    time = torch.arange(frames, device=device)
    start = torch.randint(1, frames, (clips, 1), device=device)
    stop = start + torch.randint(1, frames, (clips, 1), device=device)
    return (time >= start) & (time < stop) & (torch.rand(clips, 1, device=device) < share)


def _vanish(frames: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """In some clips the first object vanishes for a while: what it covered is painted over, with
    another part of its own frame where that does not show it, else with another clip.

    An object that leaves takes nothing else with it, so that the background must not be enough for
    a mask. Frames (B,N,3,S,S) uint8, targets (B,K,N,R,R).
    """
    b, n, _, size, _ = frames.shape
    if b < 2 or n < 3:
        return frames, targets
    grid = targets.shape[-1]
    away = _a_while(b, n, VANISH_SHARE, frames.device)
    which = away.any(1).nonzero()[:, 0]
    if not len(which):
        return frames, targets
    shape = targets[which, 0]  # (M,N,R,R)
    rim = 1 + int(torch.randint(WIDEST_RIM, ()))
    covered = F.max_pool2d((shape > 0).float(), 2 * rim + 1, stride=1, padding=rim)
    covered = covered * away[which][:, :, None, None]
    # Elsewhere in the frame: half its sides away, and mirrored.
    moved = (grid // 2, grid // 2), (-2, -1)
    elsewhere = shape.flip(-1).roll(*moved)
    clean = ((elsewhere * covered).flatten(2).amax(2) == 0)[:, :, None, None, None]
    steps = (size // 2, size // 2), (-2, -1)
    there = torch.where(clean, frames[which].flip(-1).roll(*steps), frames.roll(1, 0)[which])
    cover = covered.repeat_interleave(size // grid, -1).repeat_interleave(size // grid, -2)
    cover = F.avg_pool2d(cover, 5, stride=1, padding=2, count_include_pad=False)[:, :, None]
    picked = frames[which].float()
    frames, targets = frames.clone(), targets.clone()
    frames[which] = (picked + cover * (there.float() - picked)).round().to(torch.uint8)
    targets[which] = targets[which] * (1 - covered[:, None])
    return frames, targets


def _film(frames: Tensor) -> Tensor:
    """Smoke before some clips, blur over others; frames (B,N,3,S,S) uint8."""
    b, n, _, size, _ = frames.shape
    device = frames.device
    smoky = torch.rand(b, device=device) < SMOKE_SHARE
    blurred = torch.rand(b, device=device) < BLUR_SHARE
    which = (smoky | blurred).nonzero()[:, 0]
    if not len(which):
        return frames
    picked = frames[which].float()
    # Clouds: smooth noise of two scales, drifting and changing from frame to frame.
    m = len(which)
    start, end = torch.rand(2, m, 1, 5, 5, device=device)
    share = torch.linspace(0, 1, n, device=device)[None, :, None, None, None]
    cloud = (start[:, None] * (1 - share) + end[:, None] * share).flatten(0, 1)
    cloud = F.interpolate(cloud, size=(size, size), mode="bicubic", align_corners=False)
    cloud = (cloud.unflatten(0, (m, n)) * 1.6 - 0.5).clamp(0, 0.75)
    grey = 120 + 120 * torch.rand(m, 1, 1, 1, 1, device=device)
    smoke = picked + cloud * (grey - picked)
    picked = torch.where(smoky[which][:, None, None, None, None], smoke, picked)
    soft = F.avg_pool2d(picked.flatten(0, 1), 5, stride=1, padding=2, count_include_pad=False)
    soft = soft.unflatten(0, (m, n))
    picked = torch.where(blurred[which][:, None, None, None, None], soft, picked)
    result = frames.clone()
    result[which] = picked.round().clamp(0, 255).to(torch.uint8)
    return result
