"""Losses against values worked out by hand."""

import math

import pytest
import torch

from quant.training.losses import (
    ABSENT_WEIGHT,
    FOCAL_WEIGHT,
    dice,
    focal,
    frame_loss,
    hard_iou,
)

BIG = 30.0
ALL = torch.ones(1, 1, 1)
NO, YES = torch.tensor([False]), torch.tensor([True])


def test_focal_by_hand():
    # p = 1/2: object cells 0.25 * 0.5^2 * ln 2, background cells 0.75 * 0.5^2 * ln 2, two of each.
    logits = torch.zeros(1, 2, 2)
    target = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    expected = 0.5 * (0.25 + 0.75) * 0.25 * math.log(2)
    assert focal(logits, target, torch.ones(1, 2, 2)).item() == pytest.approx(expected)


def test_focal_is_least_at_the_soft_target():
    target = torch.full((1, 1, 1), 0.3)
    logits = torch.linspace(-6, 6, 241)
    values = torch.stack([focal(x.view(1, 1, 1), target, ALL)[0] for x in logits])
    assert torch.sigmoid(logits[values.argmin()]).item() == pytest.approx(0.3, abs=0.02)


def test_dice_by_hand():
    logits = torch.tensor([[[BIG, -BIG], [BIG, -BIG]]])
    target = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    assert dice(logits, target, torch.ones(1, 2, 2)).item() == pytest.approx(
        1 - (2 * 1 + 1) / (2 + 2 + 1)
    )


def test_iou_of_empty_is_one():
    empty = torch.full((1, 3, 3), -1.0)
    assert hard_iou(empty, torch.zeros(1, 3, 3)).item() == 1.0


def scores(b, iou=0.0, present=0.0):
    result = torch.zeros(b, 1, 13, 1)
    result[:, 0, :4, 0] = iou
    result[:, 0, 4, 0] = present
    return result


def test_absent_object_teaches_the_object_score_and_an_empty_answer():
    target = torch.zeros(1, 4, 4)
    masks = torch.randn(1, 4, 4, 4, requires_grad=True)
    loss = frame_loss(masks, scores(1), target, torch.ones_like(target), ambiguous=NO, given=NO)
    empty = FOCAL_WEIGHT * focal(masks[:, 0], target).item()
    assert loss.item() == pytest.approx(ABSENT_WEIGHT * math.log(2) + empty)
    loss.backward()
    assert (masks.grad[:, 0] > 0).all()  # descent lowers every logit of the answering mask
    assert masks.grad[:, 1:].abs().sum() == 0


def test_ambiguous_prompt_trains_the_best_of_three():
    target = torch.zeros(1, 4, 4)
    target[:, :2] = 1
    masks = torch.full((1, 4, 4, 4), -BIG)
    masks[0, 2] = torch.where(target[0] > 0, BIG, -BIG)
    masks.requires_grad_()
    loss = frame_loss(
        masks, scores(1, present=BIG), target, torch.ones_like(target), ambiguous=YES, given=NO
    )
    # Candidate 2 is right: no mask loss; IoU estimates 1/2 against 0, 1, 0 cost 1/2 each.
    assert loss.item() == pytest.approx(0.5, abs=1e-4)
    loss.backward()
    assert masks.grad[0, 0].abs().sum() == 0


def test_given_mask_trains_only_the_object_score():
    target = torch.ones(2, 4, 4)
    loss = frame_loss(
        torch.zeros(2, 4, 4, 4),
        scores(2, present=2.0),
        target,
        torch.ones_like(target),
        ambiguous=NO.expand(2),
        given=YES.expand(2),
    )
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2.0)))


def test_objects_of_a_batch_are_judged_one_by_one():
    """One ambiguous, one not, one given: each adds what it adds alone."""
    torch.manual_seed(0)
    target = (torch.rand(3, 4, 4) > 0.4).float()
    masks, found = torch.randn(3, 4, 4, 4), scores(3, iou=0.7, present=1.0)
    ambiguous, given = torch.tensor([True, False, False]), torch.tensor([False, False, True])

    def of(rows, present=0.0):
        return frame_loss(
            masks[rows],
            found[rows],
            target[rows],
            torch.ones_like(target[rows]),
            ambiguous=ambiguous[rows],
            given=given[rows],
        )

    one, two, three = (of(slice(i, i + 1)) for i in range(3))
    presence = math.log(1 + math.exp(-1.0))
    expected = presence + ((one - presence) + (two - presence)) / 2
    assert three.item() == pytest.approx(presence)
    assert of(slice(0, 3)).item() == pytest.approx(expected.item(), rel=1e-5)


def test_what_nobody_knows_costs_nothing():
    torch.manual_seed(0)
    target, valid = (torch.rand(1, 4, 4) > 0.5).float(), torch.ones(1, 4, 4)
    valid[:, :, 2:] = 0
    other = target.clone()
    other[:, :, 2:] = 1 - other[:, :, 2:]
    masks = torch.randn(1, 4, 4, 4)
    values = [
        frame_loss(masks, scores(1), t, valid, ambiguous=NO, given=NO).item()
        for t in (target, other)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
