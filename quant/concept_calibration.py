"""The offset of a trained detector's scores: soft targets leave them low where boxes are small, and
0.5 is where a score counts. One number, chosen on questions about the training images.
"""

from __future__ import annotations

import numpy as np
import torch

from host.detections import DUPLICATE_IOU, surest
from host.mask_overlap import mask_iou
from quant.concept_cache import MAPS
from quant.concept_data import ConceptSamples, collate
from quant.concept_metrics import CONFIDENCE, ConceptScore, score_pair
from quant.concept_prompts import scores, valid_tokens
from quant.model import Tracker

OFFSETS = np.arange(-10, 41) / 10
QUESTIONS = 768
BATCH = 32


@torch.inference_mode()
def calibrate_scores(model: Tracker, samples: ConceptSamples) -> tuple[float, float, float]:
    """Sets the model's score offset to the best for cgF1 at IoU 0.5, the one nearest to 0 among
    equals; returns it, and cgF1 before and after.
    """
    model.eval()
    totals = [ConceptScore() for _ in OFFSETS]
    for start in range(0, QUESTIONS, BATCH):
        items = [samples[i % len(samples)] for i in range(start, start + BATCH)]
        for probabilities, masks, truth in _answers(model, items):
            for index, row in enumerate(probabilities):
                surer = row >= CONFIDENCE
                totals[index] += score_pair(masks[surer], row[surer], truth)
    values = np.array([total.cgf1_50 for total in totals])
    best = np.flatnonzero(values == values.max())
    chosen = best[np.abs(OFFSETS[best]).argmin()]
    assert model.concept_prompts is not None
    model.concept_prompts.score_offset.fill_(float(OFFSETS[chosen]))
    return float(OFFSETS[chosen]), float(values[OFFSETS == 0][0]), float(values[chosen])


def _answers(model: Tracker, items: list[dict]):
    """By question: probabilities (offsets, n) and masks (n,R,R) bool of the answers that are no
    duplicates, and true masks (M,R,R) bool.
    """
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
        moved = logits[i][kept][None] + OFFSETS[:, None]
        yield present[i] / (1 + np.exp(-moved)), planes[i][kept], item["wanted_masks"].numpy() > 0.5
