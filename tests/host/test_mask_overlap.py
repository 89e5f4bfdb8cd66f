"""Overlaps of masks and suppression of duplicates, against plain counting."""

import numpy as np
import pytest

from host.mask_overlap import mask_iou, most_agreed, surest


@pytest.fixture(params=["numpy 2", "numpy 1"])
def counter(request, monkeypatch):
    """With the count of ones that numpy 2 has, and without."""
    if request.param == "numpy 1":
        monkeypatch.delattr(np, "bitwise_count", raising=False)


def blobs(rng, count, size):
    """Boxes of all sizes, some masks empty, some ragged."""
    masks = np.zeros((count, size, size), bool)
    for mask in masks:
        y, x = rng.integers(0, size, 2)
        mask[y : y + rng.integers(0, size), x : x + rng.integers(0, size)] = True
        mask &= rng.random((size, size)) > rng.choice([0, 0.5])
    return masks


@pytest.mark.parametrize("size", [3, 8, 16, 61, 64])
def test_iou_against_counting(size, counter):
    rng = np.random.default_rng(size)
    a, b = blobs(rng, 9, size), blobs(rng, 5, size)
    a[2] = b[1] = False
    expected = [[(x & y).sum() / max((x | y).sum(), 1) for y in b] for x in a]
    assert mask_iou(a, b) == pytest.approx(np.array(expected))
    same = mask_iou(a, a)
    assert same == pytest.approx(mask_iou(a, a.copy())) and (same == same.T).all()
    assert mask_iou(a, b[:0]).shape == (9, 0) and mask_iou(a[:0], b).shape == (0, 5)
    assert mask_iou(a[:0], a[:0]).shape == (0, 0)


def test_suppression_spares_what_only_the_suppressed_overlap():
    overlaps = np.array([[1, 0.6, 0], [0.6, 1, 0.6], [0, 0.6, 1]])
    assert surest(overlaps, 0.5).tolist() == [0, 2]
    assert surest(overlaps, 0.6).tolist() == [0, 1, 2]


def test_suppression_against_the_plain_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        masks = blobs(rng, 12, 16)
        overlaps = mask_iou(masks, masks)
        kept: list[int] = []
        for index in range(12):
            # numpy 1 would compare a single float32 with the float64 nearest 0.2.
            if all(overlaps[index, other] <= np.float32(0.2) for other in kept):
                kept.append(index)
        assert surest(overlaps, 0.2).tolist() == kept


def test_the_mask_on_which_others_agree_is_taken():
    planes = np.zeros((4, 10, 10), bool)
    planes[0, :, :] = True
    planes[1, 2:6, 2:6] = True
    planes[2, 2:6, 2:7] = True
    planes[3, 9, 9] = True
    assert most_agreed([*planes], [0.6, 0.6, 0.6, 0.6]) in (1, 2)
    # Of those that agree the surest; but a sure one alone does not outvote them.
    assert most_agreed([*planes], [0.6, 0.5, 0.6, 0.6]) == 2
    assert most_agreed([*planes], [0.6, 0.6, 0.5, 0.6]) == 1
    assert most_agreed([*planes], [0.6, 0.6, 0.6, 0.9]) != 3
    # Where none agrees, the estimate alone decides; empty masks are no reason to fail.
    assert most_agreed([planes[1], planes[3]], [0.2, 0.9]) == 1
    assert most_agreed([*np.zeros((3, 4, 4), bool)], [0.0, 0.0, 0.0]) == 0
