"""Unroll the tracker over a batch of clips, with gradients, under the host's own memory policy and
prompts.

What `host.session` does frame by frame for one object, this does for B*K objects at once in torch,
K of each of B clips: same bank selection (`host.policy`), same prompt rasters and token indices,
same rules for the mask chosen and the mask remembered, each decided object by object. Which frames
are corrected is settled before a step begins (`Plan`), so that a step is one fixed sequence of
operations.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from host.policy import AGE_BUCKETS, AGE_LANES, Entry, Policy, select
from host.prompts import LOGIT_LIMIT, PAD, POSITIVE
from quant.model.tracker import Tracker
from quant.training.losses import frame_loss
from quant.training.prompt_batch import (
    PromptBatch,
    central_click,
    corrective_click,
    draw_box,
    random_click,
)

PROMPTS = ("mask", "box", "click")
MASK, BOX, CLICK = range(len(PROMPTS))


@dataclass(frozen=True)
class Plan:
    """What happens in a step beside what the model decides.

    length: frames. rounds: corrections of the first frame. corrected: another frame that is
    corrected once, or None. age: frames that lie between the prompted frame and the rest, so that
    every age bucket is learned.
    """

    length: int
    rounds: int = 0
    corrected: int | None = None
    age: int = 0

    @property
    def shape(self) -> tuple[int, int, int | None]:
        """What the sequence of operations depends on; the age only enters as numbers."""
        return self.length, self.rounds, self.corrected


@dataclass(frozen=True)
class Reading:
    """What one frame reads of the bank: indices of memories whose maps, and whose pointers, it
    attends to, and the row of the flat table of age codes for each of both.
    """

    spatial: tuple[int, ...]
    obj_ptrs: tuple[int, ...]
    ages: tuple[int, ...]


def readings(plan: Plan, policy: Policy) -> list[Reading]:
    """Readings of every frame of a plan, by the host's policy."""
    history: list[Entry] = []
    found = []
    for t in range(plan.length):
        now = t + plan.age if t else 0
        chosen = select(history, now, policy)
        rows = [*chosen.spatial, *chosen.obj_ptrs]
        found.append(
            Reading(
                tuple(i for i, _, _ in chosen.spatial),
                tuple(i for i, _, _ in chosen.obj_ptrs),
                tuple(kind * AGE_BUCKETS + bucket for _, kind, bucket in rows),
            )
        )
        history.append(Entry(now, prompted=t in (0, plan.corrected)))
    return found


def age_rows(found: list[Reading]) -> Tensor:
    """Rows of the age table for all frames (N, most), padded by 0: the numbers of a plan."""
    most = max(1, *(len(reading.ages) for reading in found))
    return torch.tensor([[*r.ages, *[0] * (most - len(r.ages))] for r in found])


@dataclass
class MemoryBatch:
    """One remembered frame of the batch: keys, values (B,1,G*G,·), obj_ptr (B,2*lanes)."""

    keys: Tensor
    values: Tensor
    obj_ptr: Tensor


@dataclass
class Features:
    """Features are the encoder's outputs of one frame of the batch."""

    coarse: Tensor
    skip8: Tensor
    skip4: Tensor


class Unroller:
    """Runs clips through a tracker and sums the losses; one for each batch."""

    def __init__(
        self,
        model: Tracker,
        policy: Policy,
        encoder_batch: int = 0,
        layout: torch.memory_format = torch.channels_last,
    ) -> None:
        """layout: how images lie in memory, and so all maps of the encoder. encoder_batch: frames
        that go through the image encoder at once, 0 for all: on a CPU one at a time keeps its maps
        in the cache (docs/decisions.md).
        """
        self.model, self.policy, self.encoder_batch = model, policy, encoder_batch
        self.layout = layout
        self.grid = model.config.grid
        self.memories: list[MemoryBatch] = []

    def encode(self, frames: Tensor, objects: int) -> list[Features]:
        """Encodes frames (B,N,3,S,S) uint8; returns, for each of the N frames, the Features of B*K
        objects.
        """
        b, n = frames.shape[:2]
        images = frames.flatten(0, 1)
        parts = images.split(self.encoder_batch or len(images))
        maps = [torch.cat(m) for m in zip(*map(self._encode, parts), strict=True)]
        maps = [m.unflatten(0, (b, n)) for m in maps]
        return [Features(*(m[:, t].repeat_interleave(objects, 0) for m in maps)) for t in range(n)]

    def _encode(self, images: Tensor) -> tuple[Tensor, ...]:
        image = images.float() / 128 - 1
        return self.model.image_encoder(image.contiguous(memory_format=self.layout))

    def condition(self, features: Features, reading: Reading, rows: Tensor) -> Tensor:
        """Features conditioned on the bank; the features themselves when it is empty.

        rows: (most,) the frame's rows of the age table.
        """
        if not reading.ages:
            return features.coarse
        codes = self.model.prompt_encoder.ages().flatten(0, 1)[rows]
        keys, values = [], []
        for position, index in enumerate(reading.spatial):
            memory = self.memories[index]
            keys.append(aged(memory.keys, codes[position]))
            values.append(memory.values)
        lanes = self.model.config.lanes
        for position, index in enumerate(reading.obj_ptrs, start=len(reading.spatial)):
            obj_ptr = self.memories[index].obj_ptr[:, None, None]  # (B,1,1,2*lanes)
            keys.append(aged(obj_ptr[..., :lanes], codes[position]))
            values.append(obj_ptr[..., lanes:])
        return self.model.memory_attention(
            features.coarse, torch.cat(keys, 2), torch.cat(values, 2)
        )

    def decode(
        self, features: Features, conditioned: Tensor, prompts: PromptBatch, logits: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One decoder call: `logits` (B,R,R) in the dense mask channel."""
        dense = prompts.dense(self.grid, logits)
        tokens = self.model.prompt_encoder(*prompts.indices(self.grid))
        return self.model.mask_decoder(conditioned, features.skip8, features.skip4, dense, tokens)

    def run(
        self,
        frames: Tensor,
        targets: Tensor,
        kinds: Tensor,
        plan: Plan,
        *,
        valid: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Track through the clips; the first frame is prompted.

        Args:
            frames: (B,N,3,S,S) uint8.
            targets: (B,K,N,R,R) share of each cell covered by each of K objects, in [0,1].
            kinds: (B*K,) prompt of the first frame, indices into PROMPTS.
            plan: see Plan; `length` is N.
            valid: (B,N,R,R), 0 where nothing is known; None where everything is.
            rows: `age_rows` of the plan's readings, where they lie on the device already.
        Returns:
            mean loss a decoder call, and logits (B*K,N,R,R) as remembered.
        """
        objects = targets.shape[1]
        wanted = targets.flatten(0, 1).float()
        known = torch.ones_like(wanted) if valid is None else valid.repeat_interleave(objects, 0)
        known = known.float()
        found = readings(plan, self.policy)
        rows = age_rows(found).to(frames.device) if rows is None else rows
        losses, outputs = [], []
        previous: Tensor | None = None
        nothing = PromptBatch.none(len(wanted), frames.device)
        unprompted = torch.zeros(len(wanted), dtype=torch.bool, device=frames.device)
        shown = unprompted  # by any prompt so far: host.recurrence.ever_shown
        for t, feature in enumerate(self.encode(frames, objects)):
            target, certain = wanted[:, t], known[:, t]
            conditioned = self.condition(feature, found[t], rows[t])
            prompts, given = nothing, unprompted
            if t == 0:
                prompts, given = first_prompts(target, kinds), kinds == MASK
                drawn = (2 * target - 1) * LOGIT_LIMIT
                previous = torch.where(given[:, None, None], drawn, torch.zeros_like(drawn))
                shown = prompts.shows | (given & (target > 0).flatten(1).any(1))
            assert previous is not None
            rounds = plan.rounds if t == 0 else int(t == plan.corrected)
            logits, obj_ptr, loss = self._step(
                feature, conditioned, prompts, previous, target, certain, given, shown
            )
            losses.append(loss)
            for _ in range(rounds):
                prompts = self._corrected(prompts, logits, target, certain, given)
                shown = shown | prompts.shows
                logits, obj_ptr, loss = self._step(
                    feature, conditioned, prompts, logits, target, certain, given, shown
                )
                losses.append(loss)
            keys, values = self.model.memory_encoder(logits[:, None], feature.coarse)
            self.memories.append(MemoryBatch(keys, values, obj_ptr))
            outputs.append(logits.detach())
            previous = logits
        return torch.stack(losses).mean(), torch.stack(outputs, 1)

    def _step(
        self,
        feature: Features,
        conditioned: Tensor,
        prompts: PromptBatch,
        logits: Tensor,
        target: Tensor,
        certain: Tensor,
        given: Tensor,
        shown: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode, choose the mask as the session does; returns (logits, obj_ptr, loss)."""
        masks, scores, obj_ptr = self.decode(feature, conditioned, prompts, logits)
        first = not self.memories
        ambiguous = prompts.ambiguous & first & ~given
        loss = frame_loss(masks, scores, target, certain, ambiguous=ambiguous, given=given)
        best = 1 + scores[:, 0, 1:4, 0].argmax(1)
        choice = torch.where(ambiguous, best, torch.zeros_like(best))
        b = torch.arange(len(masks), device=masks.device)
        chosen = masks[b, choice].float()
        # An object that is gone and seen to be gone is remembered as nowhere. A wrong verdict on a
        # visible object is not acted on in training: its mask would get no gradient.
        gone = (scores[:, 0, 4, 0] <= 0) & ~(target > 0.5).flatten(1).any(1) & ~prompts.shows
        # What no prompt ever showed is nowhere whatever the score, as in the session.
        gone = gone | ~shown
        chosen = torch.where(gone[:, None, None], torch.full_like(chosen, -LOGIT_LIMIT), chosen)
        chosen = torch.where(given[:, None, None], (2 * target - 1) * LOGIT_LIMIT, chosen)
        return chosen, obj_ptr[b, :, choice, 0], loss

    def _corrected(
        self, prompts: PromptBatch, logits: Tensor, target: Tensor, certain: Tensor, given: Tensor
    ) -> PromptBatch:
        truth = target > 0.5
        answer = torch.where(certain > 0, logits.detach() > 0, truth)
        points, labels = corrective_click(answer, truth)
        return prompts.clicked(points, torch.where(given, torch.full_like(labels, PAD), labels))


def first_prompts(target: Tensor, kinds: Tensor) -> PromptBatch:
    """A box or a click for each object (B,R,R) of that kind that shows on the frame; half of the
    clicks random, half central, as people click.
    """
    mask = target > 0.5
    shown = mask.flatten(1).any(1)
    prompts = PromptBatch.none(len(target), target.device)
    at_random = torch.rand(len(target), 1, device=target.device) < 0.5
    points = torch.where(at_random, random_click(mask), central_click(mask))
    labels = torch.full_like(kinds, PAD).masked_fill((kinds == CLICK) & shown, POSITIVE)
    boxed = (kinds == BOX) & shown
    return PromptBatch(prompts.points, prompts.labels, draw_box(mask), boxed).clicked(
        points, labels
    )


def aged(keys: Tensor, code: Tensor) -> Tensor:
    """Keys (B,1,L,Ck) with their last lanes replaced by an age code (AGE_LANES,)."""
    lanes = code.expand(*keys.shape[:3], AGE_LANES)
    return torch.cat([keys[..., :-AGE_LANES], lanes], 3)
