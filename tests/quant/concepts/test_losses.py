"""Losses of the detector against values worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from quant.concepts.losses import ALIGN_ALPHA, ALIGN_GAMMA, WEIGHTS, Truth, align, detection_loss
from quant.model.concept_prompts import TEXT_TOKENS
from quant.model.detector import Prediction
from quant.training.losses import dice, focal

N, T, R = 3, 3 + 1 + 8, 4
TEXT = torch.tensor([[True] * TEXT_TOKENS + [False] * 4])


def logit(p):
    return math.log(p / (1 - p))


def prediction(scores, boxes, presence=0.0, masks=None):
    """One sample; scores (N,) logits, boxes (N,4) cx cy w h."""
    matches = torch.zeros(1, N + 1, T, 1)
    matches[0, :N, N + 1 : N + 1 + TEXT_TOKENS, 0] = torch.tensor(scores)[:, None]
    matches[0, :, N + 1 + TEXT_TOKENS :] = 7.0  # tokens that are not valid must not count
    placed = torch.zeros(1, 4, N + 1, 1)
    placed[0, :, :N, 0] = torch.logit(torch.tensor(boxes)).T
    told = torch.zeros(1, 1, N + 1, 1)
    told[0, 0, N, 0] = presence
    return Prediction(masks, matches, placed, told)


def truth(boxes, masks=None):
    count = len(boxes)
    masks = torch.zeros(count, R, R) if masks is None else masks
    semantic = masks.amax(0, keepdim=True) if count else torch.zeros(1, R, R)
    wanted = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Truth([wanted], [masks], semantic, torch.tensor([count > 0]))


def test_align_by_hand():
    logits = torch.tensor([logit(0.8), logit(0.3)])
    overlap, matched = torch.tensor([0.5, 0.0]), torch.tensor([True, False])
    target = 0.8**ALIGN_ALPHA * 0.5 ** (1 - ALIGN_ALPHA)
    positive = -(target * math.log(0.8) + (1 - target) * math.log(0.2))
    negative = -math.log(0.7) * 0.3**ALIGN_GAMMA
    wanted = WEIGHTS.positive * positive + negative
    assert align(logits, overlap, matched).item() == pytest.approx(wanted, rel=1e-5)


def test_one_instance_by_hand():
    boxes = [(0.5, 0.5, 0.2, 0.2), (0.2, 0.2, 0.1, 0.1), (0.8, 0.8, 0.1, 0.1)]
    scores = [logit(0.6), logit(0.1), logit(0.2)]
    found = detection_loss(prediction(scores, boxes), TEXT, truth([(0.4, 0.4, 0.6, 0.5)]))
    # truth: centre 0.5 0.45, size 0.2 0.1: half the box of query 0
    target = 0.6**0.25 * 0.5**0.75
    label = 10 * -(target * math.log(0.6) + (1 - target) * math.log(0.4))
    label += -math.log(0.9) * 0.1**2 - math.log(0.8) * 0.2**2
    assert found["label"].item() == pytest.approx(20 * label / 3, rel=1e-4)
    assert found["l1"].item() == pytest.approx(5 * (0.05 + 0.1), rel=1e-4)
    assert found["giou"].item() == pytest.approx(2 * 0.5, rel=1e-4)
    assert found["presence"].item() == pytest.approx(20 * math.log(2), rel=1e-5)
    assert "mask" not in found


def test_an_absent_phrase_teaches_presence_alone():
    boxes = [(0.5, 0.5, 0.2, 0.2)] * N
    found = detection_loss(prediction([3.0] * N, boxes, presence=1.0), TEXT, truth([]))
    assert found["label"] == found["l1"] == found["giou"] == 0
    assert found["presence"].item() == pytest.approx(20 * math.log(1 + math.e), rel=1e-5)


def test_masks_count_for_the_matched_query_and_the_semantic_token():
    boxes = [(0.2, 0.2, 0.1, 0.1), (0.5, 0.5, 0.2, 0.2), (0.8, 0.8, 0.1, 0.1)]
    masks = torch.randn(1, N + 1, R, R)
    wanted = torch.rand(1, R, R)
    given = truth([(0.4, 0.4, 0.6, 0.6)], wanted)
    found = detection_loss(prediction([0.0] * N, boxes, masks=masks), TEXT, given)
    own = masks[0, 1:2]
    torch.testing.assert_close(found["mask"], 200 * focal(own, wanted).sum())
    torch.testing.assert_close(found["dice"], 10 * dice(own, wanted).sum())
    torch.testing.assert_close(found["semantic"], 20 * focal(masks[0, 3:], wanted).mean())
    torch.testing.assert_close(found["semantic_dice"], 30 * dice(masks[0, 3:], wanted).mean())


def test_focal_and_dice_by_hand():
    """For hard targets, the published formulas: Lin et al. 2017 (5), Milletari et al. 2016."""
    logits = torch.tensor([[1.5, -0.5]])
    hard = torch.tensor([[1.0, 0.0]])
    p = logits.sigmoid()
    by_hand = 0.25 * (1 - p[0, 0]) ** 2 * -p[0, 0].log()
    by_hand = by_hand + 0.75 * p[0, 1] ** 2 * -(1 - p[0, 1]).log()
    torch.testing.assert_close(focal(logits, hard), by_hand / 2)
    torch.testing.assert_close(dice(logits, hard), 1 - (2 * p[0, 0] + 1) / (p.sum() + 1 + 1))


def test_many_counts_every_query_that_suits():
    boxes = [(0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.2, 0.22), (0.1, 0.1, 0.1, 0.1)]
    given = truth([(0.4, 0.4, 0.6, 0.6)])
    made = prediction([2.0, 2.0, 2.0], boxes)
    one, many = (detection_loss(made, TEXT, given, many=m) for m in (False, True))
    # one to many: the second query is matched as well, and not pushed down
    share = (0.2 * 0.2) / (0.2 * 0.22)
    assert many["giou"].item() == pytest.approx(2 * (0 + 1 - share) / 2, abs=1e-4)
    assert one["giou"].item() == pytest.approx(0, abs=1e-4)
    pushed = F.softplus(torch.tensor(2.0)).item() * torch.tensor(2.0).sigmoid().item() ** 2
    p = torch.tensor(2.0).sigmoid().item()
    target = p**0.25 * share**0.75
    pulled = 10 * -(target * math.log(p) + (1 - target) * math.log(1 - p))
    difference = (many["label"] - one["label"]).item() * 3 / 20
    assert difference == pytest.approx(pulled - pushed, rel=1e-3)
