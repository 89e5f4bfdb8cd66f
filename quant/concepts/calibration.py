"""The scale of a trained detector's scores. Soft targets leave them huddled below what a box is
worth, while 0.5 is where a score counts and 0.7 where a track begins: one gain and one offset of
all logits, chosen on questions about training images, make them probabilities that decide at 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from host.concepts.detections import DUPLICATE_IOU, scaled_scores, surest
from host.mask_overlap import mask_iou
from quant.concepts.cache import MAPS
from quant.concepts.data import ConceptSamples, collate
from quant.concepts.metrics import CONFIDENCE, ConceptScore, mask_ious, score_pair
from quant.model.concept_prompts import scores, valid_tokens
from quant.model.tracker import Tracker

GAINS = np.arange(2, 17) / 4
OFFSETS = np.arange(-10, 41) / 10
QUESTIONS = 768
BATCH = 32
RIGHT_IOU = 0.5
"""IoU with a true mask from which an answer is right."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the detector says to a question, duplicates taken out: presence in 0..1, logits (n,) and
    masks (n,R,R) bool of the answers, true masks (M,R,R) bool.
    """

    present: float
    logits: NDArray[np.floating]
    masks: NDArray[np.bool_]
    truth: NDArray[np.bool_]

    def scores(self, gain: float, offset: float) -> NDArray[np.floating]:
        """Returns the scores (n,) that the host gives the answers with this gain and offset."""
        return scaled_scores(self.logits, self.present, gain, offset)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Tells of each of the n answers whether it is an instance."""
        return np.any(mask_ious(self.masks, self.truth) >= RIGHT_IOU, axis=1)


@torch.inference_mode()
def calibrate_scores(model: Tracker, samples: ConceptSamples) -> tuple[float, float, float, float]:
    """Sets the scale of the model's scores; returns gain, offset, and cgF1 at IoU 0.5 without and
    with them.

    The gain is the likeliest (Platt 1999, one parameter: the answers right with the probability
    that their score says) at the offset that is best for cgF1; the offset is then chosen again.
    """
    model.eval()
    answers = []
    for start in range(0, QUESTIONS, BATCH):
        items = [samples[i % len(samples)] for i in range(start, start + BATCH)]
        answers += list(_answers(model, items))
    before = _decided(answers, 1.0, 0.0)
    offset, _ = _best_offset(answers, 1.0)
    right = np.concatenate([answer.right for answer in answers])
    gain = float(GAINS[np.argmin([_surprise(answers, right, g, offset) for g in GAINS])])
    offset, after = _best_offset(answers, gain)
    assert model.concept_prompts is not None
    model.concept_prompts.score_scale.copy_(torch.tensor([gain, offset]))
    return gain, offset, before, after


def _best_offset(answers: list[Answer], gain: float) -> tuple[float, float]:
    """The offset with the best cgF1, the one nearest to 0 among equals, and that cgF1."""
    values = np.array([_decided(answers, gain, offset) for offset in OFFSETS])
    best = np.flatnonzero(values == values.max())
    chosen = best[np.abs(OFFSETS[best]).argmin()]
    return float(OFFSETS[chosen]), float(values[chosen])


def _decided(answers: list[Answer], gain: float, offset: float) -> float:
    """cgF1 at IoU 0.5 of the answers whose score counts."""
    total = ConceptScore()
    for answer in answers:
        row = answer.scores(gain, offset)
        surer = row >= CONFIDENCE
        total += score_pair(answer.masks[surer], row[surer], answer.truth)
    return total.cgf1_50


def _surprise(answers: list[Answer], right: NDArray[np.bool_], gain: float, offset: float) -> float:
    """Cross-entropy of the answers' scores with which of them are right, one after another."""
    said = np.concatenate([answer.scores(gain, offset) for answer in answers]).clip(1e-6, 1 - 1e-6)
    return float(-np.where(right, np.log(said), np.log1p(-said)).sum())


def _answers(model: Tracker, items: list[dict]) -> Iterator[Answer]:
    batch = collate(items)
    assert model.detector is not None and model.concept_prompts is not None
    masks, matches, _, presence = model.detector(
        *(batch[name] for name in MAPS), *model.concept_prompts.ask(batch)
    )
    logits = scores(matches, valid_tokens(batch["has_text"], batch["labels"])).numpy()
    present = presence[:, 0, -1, 0].sigmoid().numpy()
    planes = (masks[:, :-1] > 0).numpy()
    for i, item in enumerate(items):
        order = np.argsort(-logits[i], kind="stable")
        order = order[planes[i][order].any((1, 2))]
        own = planes[i][order]
        kept = order[surest(mask_iou(own, own), DUPLICATE_IOU)]
        truth = item["wanted_masks"].numpy() > 0.5
        yield Answer(float(present[i]), logits[i][kept], planes[i][kept], truth)
