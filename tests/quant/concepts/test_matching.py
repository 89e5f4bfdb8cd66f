"""Matching against brute force on small cases."""

from itertools import permutations

import pytest
import torch

from quant.concepts.boxes import corners, iou
from quant.concepts.matching import (
    MANY_ALPHA,
    MANY_THRESHOLD,
    TOP,
    focal_cost,
    match_costs,
    one_to_many,
    one_to_one,
)


def scene(queries, instances, seed):
    made = torch.Generator().manual_seed(seed)
    boxes = torch.rand(queries, 4, generator=made) * 0.5 + 0.2
    truth = torch.rand(instances, 4, generator=made) * 0.5 + 0.2
    return torch.randn(queries, generator=made), boxes, truth


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("queries", "instances"), [(5, 1), (5, 3), (4, 4)])
def test_assignment_is_the_cheapest_of_all(queries, instances, seed):
    logits, boxes, truth = scene(queries, instances, seed)
    costs = match_costs(logits, boxes, truth)
    cheapest = min(
        sum(costs[q, i].item() for i, q in enumerate(chosen))
        for chosen in permutations(range(queries), instances)
    )
    chosen, of = one_to_one(logits, boxes, truth)
    assert costs[chosen, of].sum().item() == pytest.approx(cheapest, rel=1e-5)
    assert len(set(chosen.tolist())) == len(set(of.tolist())) == instances


def test_more_instances_than_queries_leaves_the_worst_unmatched():
    logits, boxes, truth = scene(3, 5, 0)
    chosen, of = one_to_one(logits, boxes, truth)
    assert sorted(chosen.tolist()) == [0, 1, 2]
    assert len(set(of.tolist())) == 3


def test_costs_by_hand():
    # a sure query on the spot: p = 1 gives -(0.75) * 1 * log(1 - p + 1e-8), bounded; take p = 1/2
    logits = torch.zeros(1)
    half = torch.tensor(0.5)
    by_hand = 0.25 * 0.25 * -half.log() - 0.75 * 0.25 * -half.log()
    torch.testing.assert_close(focal_cost(logits)[0], by_hand, rtol=1e-5, atol=1e-6)
    box = torch.tensor([[0.5, 0.5, 0.2, 0.2]])
    moved = torch.tensor([[0.6, 0.5, 0.2, 0.2]])
    overlap = 0.1 * 0.2 / (2 * 0.04 - 0.02)  # the hull is the union
    wanted = 2 * by_hand + 5 * 0.1 - 2 * overlap
    torch.testing.assert_close(match_costs(logits, box, moved)[0, 0], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_many_takes_the_best_four_above_the_threshold(seed):
    logits, boxes, truth = scene(12, 2, seed)
    boxes[:5] = truth[0] + 0.02 * torch.randn(5, 4, generator=torch.Generator().manual_seed(seed))
    overlap, _ = iou(corners(boxes)[:, None], corners(truth)[None])
    quality = logits.sigmoid()[:, None] ** MANY_ALPHA * overlap ** (1 - MANY_ALPHA)
    wanted: dict[int, list[int]] = {}
    for i in range(2):
        ranked = sorted(range(12), key=lambda q: -quality[q, i].item())
        for rank, q in enumerate(ranked[:TOP]):
            if rank == 0 or quality[q, i] >= MANY_THRESHOLD:
                wanted.setdefault(q, []).append(i)
    chosen, of = one_to_many(logits, boxes, truth)
    assert set(chosen.tolist()) == set(wanted)
    for q, i in zip(chosen.tolist(), of.tolist(), strict=True):
        assert i == max(wanted[q], key=lambda one: quality[q, one].item())
