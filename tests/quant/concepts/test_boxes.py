"""Boxes: overlaps worked out by hand."""

import pytest
import torch

from quant.concepts.boxes import centres, corners, iou


def test_corners_and_centres_undo_each_other():
    boxes = torch.rand(7, 4)
    torch.testing.assert_close(centres(corners(boxes)), boxes)
    torch.testing.assert_close(
        corners(torch.tensor([0.5, 0.5, 0.2, 0.4])), torch.tensor([0.4, 0.3, 0.6, 0.7])
    )


@pytest.mark.parametrize(
    ("a", "b", "overlap", "generalized"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0, 1.0),
        # 1 shared of 4 + 4 - 1 = 7; the hull is 9
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7, 1 / 7 - 2 / 9),
        # apart: hull 3 x 1, union 2
        ((0, 0, 1, 1), (2, 0, 3, 1), 0.0, -1 / 3),
        # inside: 1 of 4, no empty hull
        ((0, 0, 2, 2), (0, 0, 1, 1), 0.25, 0.25),
    ],
)
def test_overlaps_by_hand(a, b, overlap, generalized):
    found = iou(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32))
    assert found[0].item() == pytest.approx(overlap)
    assert found[1].item() == pytest.approx(generalized)


def test_pairs_broadcast():
    a, b = torch.rand(3, 4), torch.rand(5, 4)
    both, generalized = iou(corners(a)[:, None], corners(b)[None])
    assert both.shape == generalized.shape == (3, 5)
    assert (generalized <= both + 1e-6).all()
