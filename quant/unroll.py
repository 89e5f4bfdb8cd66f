"""Unroll the tracker over a batch of clips, with gradients, under the host's own memory policy and
prompts.

What `host.session` does frame by frame for one object, this does for B objects at once in torch:
same bank selection (`host.policy`), same prompt
rasters and token indices (`host.prompts`), same rules for the mask chosen and the mask remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from host.policy import AGE_LANES, Entry, Policy, select
from host.prompts import LOGIT_LIMIT, dense_prompt, token_indices
from host.recurrence import shows
from quant.data.prompts import centre_click, corrective_click, draw_box, draw_click
from quant.losses import frame_loss
from quant.model import Tracker

PROMPTS = ("mask", "box", "click")


@dataclass
class Clicks:
    """Prompt of one object: points (N,2), labels (N,), box or None; normalised coordinates."""

    points: list[tuple[float, float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    box: tuple[float, float, float, float] | None = None

    @property
    def ambiguous(self) -> bool:
        return self.box is None and self.labels == [1]


@dataclass
class Memory:
    """One remembered frame of the batch: keys, values (B,1,G*G,·), pointer (B,2*lanes)."""

    keys: Tensor
    values: Tensor
    pointer: Tensor


@dataclass
class Features:
    """Encoder outputs of one frame of the batch."""

    coarse: Tensor
    skip8: Tensor
    skip4: Tensor


class Unroller:
    """Runs clips through a tracker and sums the losses; one per batch."""

    def __init__(self, model: Tracker, policy: Policy, rng: np.random.Generator) -> None:
        self.model, self.policy, self.rng = model, policy, rng
        self.grid = model.config.grid
        self.history: list[Entry] = []
        self.memories: list[Memory] = []

    def encode(self, frames: Tensor) -> list[Features]:
        """frames (B,N,3,S,S) uint8 -> one Features a frame."""
        b, n = frames.shape[:2]
        image = frames.flatten(0, 1).float() / 128 - 1
        image = image.contiguous(memory_format=torch.channels_last)
        maps = [m.unflatten(0, (b, n)) for m in self.model.image_encoder(image)]
        return [Features(*(m[:, t].contiguous() for m in maps)) for t in range(n)]

    def condition(self, features: Features, now: int) -> Tensor:
        """Features conditioned on the bank at frame `now`; the features themselves when it is
        empty.
        """
        chosen = select(self.history, now, self.policy)
        if not chosen.spatial and not chosen.pointers:
            return features.coarse
        codes = self.model.prompt_encoder.ages()
        keys, values = [], []
        for index, kind, bucket in chosen.spatial:
            memory = self.memories[index]
            keys.append(aged(memory.keys, codes[kind, bucket]))
            values.append(memory.values)
        lanes = self.model.config.lanes
        for index, kind, bucket in chosen.pointers:
            pointer = self.memories[index].pointer[:, None, None]  # (B,1,1,2*lanes)
            keys.append(aged(pointer[..., :lanes], codes[kind, bucket]))
            values.append(pointer[..., lanes:])
        return self.model.memory_attention(
            features.coarse, torch.cat(keys, 2), torch.cat(values, 2)
        )

    def decode(
        self, features: Features, conditioned: Tensor, prompts: list[Clicks], logits: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One decoder call: a prompt a sample, `logits` (B,R,R) in the dense mask channel."""
        dense, indices = [], []
        for p in prompts:
            points = np.asarray(p.points, np.float32).reshape(-1, 2)
            labels = np.asarray(p.labels, np.int64)
            box = None if p.box is None else np.asarray(p.box, np.float32)
            dense.append(dense_prompt(self.grid, None, points, labels, box))
            indices.append(np.stack(token_indices(points, labels, box, self.grid)))
        stacked = torch.from_numpy(np.stack(dense)).to(conditioned.device)
        if logits is not None:
            stacked[:, 0] = logits.detach().float().clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        label, column, row = torch.from_numpy(np.stack(indices, 1)).to(conditioned.device)
        tokens = self.model.prompt_encoder(label, column, row)
        return self.model.mask_decoder(conditioned, features.skip8, features.skip4, stacked, tokens)

    def remember(self, features: Features, logits: Tensor, pointer: Tensor, entry: Entry) -> None:
        """Write frame `entry` to the bank: logits (B,R,R), pointer (B,2*lanes); replaces the same
        frame's entry.
        """
        keys, values = self.model.memory_encoder(logits[:, None], features.coarse)
        if self.history and self.history[-1].frame == entry.frame:
            self.history.pop()
            self.memories.pop()
        self.history.append(entry)
        self.memories.append(Memory(keys, values, pointer))

    def run(
        self,
        frames: Tensor,
        targets: Tensor,
        kind: str,
        *,
        age: int = 0,
        correct: Callable[[int], bool] = lambda frame: False,
    ) -> tuple[Tensor, Tensor]:
        """Track through the clips; the first frame is prompted.

        Args:
            frames: (B,N,3,S,S) uint8.
            targets: (B,N,R,R) share of each cell covered, in [0,1].
            kind: prompt of the first frame, one of PROMPTS.
            age: frames that lie between the prompted frame and the rest, so that every age bucket
                is learned.
            correct: whether to correct a frame by a click, once predicted.
        Returns:
            mean loss a decoder call, and logits (B,N,R,R) as remembered.
        """
        features = self.encode(frames)
        losses, outputs = [], []
        previous: Tensor | None = None
        shown = torch.zeros(len(targets), dtype=torch.bool, device=targets.device)
        for t, feature in enumerate(features):
            target = targets[:, t]
            now = t + age if t else 0
            conditioned = self.condition(feature, now)
            prompts, given = self._first_prompts(target, kind) if t == 0 else (empty(target), None)
            if given is not None:
                previous = given
            shown |= shown_by(prompts, given).to(shown.device)
            logits, pointer, loss = self._step(
                feature, conditioned, prompts, previous, target, given, shown
            )
            losses.append(loss)
            corrected = given is None and correct(t)
            if corrected:
                for _ in range(1 + int(self.rng.integers(2))):
                    prompts = self._corrected(prompts, logits, target)
                    shown |= shown_by(prompts, None).to(shown.device)
                    logits, pointer, loss = self._step(
                        feature, conditioned, prompts, logits, target, None, shown
                    )
                    losses.append(loss)
            self.remember(feature, logits, pointer, Entry(now, prompted=t == 0 or corrected))
            outputs.append(logits.detach())
            previous = logits
        return torch.stack(losses).mean(), torch.stack(outputs, 1)

    def _step(self, feature, conditioned, prompts, logits, target, given, shown):
        """Decode, choose the mask as the session does; returns (logits, pointer, loss)."""
        masks, scores, pointers = self.decode(feature, conditioned, prompts, logits)
        first = not self.history
        ambiguous = first and given is None and all(p.ambiguous for p in prompts)
        loss = frame_loss(masks, scores, target, ambiguous=ambiguous, mask_given=given is not None)
        b = torch.arange(len(masks), device=masks.device)
        choice = torch.zeros(len(masks), dtype=torch.long, device=masks.device)
        if ambiguous:
            choice = 1 + scores[:, 0, 1:4, 0].argmax(1)
        chosen = masks[b, choice] if given is None else given
        pointer = pointers[b, :, choice, 0]
        if given is None:
            # An object that is gone and seen to be gone is remembered as nowhere. A wrong verdict
            # on a visible object is not acted on
            # in training: its mask would get no gradient.
            gone = (scores[:, 0, 4, 0] <= 0) & ~(target > 0.5).flatten(1).any(1)
            gone |= ~shown  # no prompt ever showed it, so that it is nowhere whatever the score
            chosen = torch.where(gone[:, None, None], torch.full_like(chosen, -LOGIT_LIMIT), chosen)
        return chosen, pointer, loss

    def _first_prompts(self, target: Tensor, kind: str) -> tuple[list[Clicks], Tensor | None]:
        if kind == "mask":
            return empty(target), (2 * target - 1) * LOGIT_LIMIT
        prompts = []
        for mask in (target > 0.5).cpu().numpy():
            if not mask.any():
                prompts.append(Clicks())
            elif kind == "box":
                prompts.append(Clicks(box=draw_box(mask, self.rng)))
            else:
                # Half random, half central, as people click.
                draw = draw_click(mask, self.rng) if self.rng.random() < 0.5 else centre_click(mask)
                prompts.append(Clicks([tuple(draw[:2])], [1]))
        return prompts, None

    def _corrected(self, prompts: list[Clicks], logits: Tensor, target: Tensor) -> list[Clicks]:
        result = []
        truth, answer = (target > 0.5).cpu().numpy(), (logits > 0).detach().cpu().numpy()
        for p, wrong, right in zip(prompts, answer, truth, strict=True):
            if (wrong == right).all():
                result.append(p)
                continue
            x, y, label = corrective_click(wrong, right, self.rng)
            result.append(Clicks([*p.points, (x, y)], [*p.labels, int(label)], p.box))
        return result


def shown_by(prompts: list[Clicks], given: Tensor | None) -> Tensor:
    """Which objects (B,) these prompts or masks (B,R,R) show."""
    if given is not None:
        return (given > 0).flatten(1).any(1)
    return torch.tensor([shows(p.labels, p.box, None) for p in prompts])


def empty(target: Tensor) -> list[Clicks]:
    return [Clicks() for _ in target]


def aged(keys: Tensor, code: Tensor) -> Tensor:
    """Keys (B,1,L,Ck) with their last lanes replaced by an age code (AGE_LANES,)."""
    lanes = code.expand(*keys.shape[:3], AGE_LANES)
    return torch.cat([keys[..., :-AGE_LANES], lanes], 3)
