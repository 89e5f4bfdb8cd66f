"""J and F against hand-worked values and against the definitions written out pixel by pixel."""

import math

import numpy as np
import pytest

from hw.spec.errors import SpecError
from quant.scoring.metrics import (
    ObjectScore,
    SequenceScore,
    benchmark_mean,
    boundary,
    boundary_f,
    jaccard,
)


def band(first, last, shape=(20, 20)):
    """Mask of full columns first..last: its contour is column first - 1 and column last."""
    mask = np.zeros(shape, bool)
    mask[:, first : last + 1] = True
    return mask


def slow_boundary(mask):
    height, width = mask.shape
    found = []
    for y in range(height):
        for x in range(width):
            near = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
            inside = [(v, u) for v, u in near if v < height and u < width]
            if any(mask[y, x] != mask[v, u] for v, u in inside):
                found.append((y, x))
    return found


def slow_f(pred, truth, bound_th=0.008):
    radius = math.ceil(bound_th * math.sqrt(pred.shape[0] ** 2 + pred.shape[1] ** 2))
    a, b = slow_boundary(pred), slow_boundary(truth)
    if not a or not b:
        return 1.0 if not a and not b else 0.0

    def share(these, those):
        return np.mean([any(math.dist(p, q) <= radius for q in those) for p in these])

    precision, recall = share(a, b), share(b, a)
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def test_jaccard_by_hand():
    assert jaccard(band(5, 9), band(5, 12)) == pytest.approx(5 / 8)
    assert jaccard(band(2, 5), band(4, 7)) == pytest.approx(2 / 6)
    assert jaccard(band(2, 5), band(8, 9)) == 0
    assert jaccard(band(2, 5) * 255, band(2, 5)) == 1


def test_empty_masks():
    none, some = np.zeros((20, 20), bool), band(3, 6)
    assert jaccard(none, none) == 1 and boundary_f(none, none) == 1
    assert jaccard(none, some) == 0 and boundary_f(none, some) == 0
    assert jaccard(some, none) == 0 and boundary_f(some, none) == 0
    # A full frame has no contour either, so F cannot tell it from an empty one; J can.
    assert boundary_f(~none, none) == 1 and jaccard(~none, none) == 0


def test_f_by_hand():
    # 20x20: the diagonal is 28.3, the tolerance ceil(0.23) = 1 pixel.
    assert boundary_f(band(5, 9), band(5, 9)) == 1
    assert boundary_f(band(5, 9), band(6, 10)) == 1  # every contour pixel is 1 away
    assert boundary_f(band(5, 9), band(7, 11)) == 0  # columns 4, 9 and 6, 11: all 2 away
    assert boundary_f(band(5, 9), band(5, 12)) == pytest.approx(1 / 2)  # 4 of {4, 9}, of {4, 12}
    assert boundary_f(band(5, 9), band(5, 19)) == pytest.approx(2 / 3)  # precision 1/2, recall 1
    assert boundary_f(band(5, 9), band(7, 11), bound_th=2) == 1  # 1 or more is in pixels


def test_boundary_is_up_and_left_of_the_edge_and_never_the_border():
    mask = np.zeros((4, 4), bool)
    mask[2:, 2:] = True
    wanted = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 0]], bool)
    np.testing.assert_array_equal(boundary(mask), wanted)


@pytest.mark.parametrize("shape", [(24, 31), (17, 40), (140, 9)])
@pytest.mark.parametrize("seed", range(6))
def test_against_the_definition_on_random_masks(shape, seed):
    rng = np.random.default_rng(seed)
    # Coarse noise gives blobs of several sizes, the shifts give near misses of their contours.
    coarse = rng.random((shape[0] // 4 + 1, shape[1] // 4 + 1)) < 0.4
    truth = np.kron(coarse, np.ones((4, 4), bool))[: shape[0], : shape[1]].astype(bool)
    pred = np.roll(truth, rng.integers(-2, 3, 2), axis=(0, 1)) ^ (rng.random(shape) < 0.01)
    for threshold in (0.008, 0.05):
        assert boundary_f(pred, truth, threshold) == pytest.approx(slow_f(pred, truth, threshold))
    both, either = (pred & truth).sum(), (pred | truth).sum()
    assert jaccard(pred, truth) == pytest.approx(both / either)
    edge = np.argwhere(boundary(pred))
    assert {tuple(p) for p in edge.tolist()} == set(slow_boundary(pred))


def test_masks_of_different_size_are_refused():
    with pytest.raises(SpecError, match=r"\(20, 20\) and \(20, 21\)"):
        jaccard(band(1, 2), band(1, 2, (20, 21)))
    with pytest.raises(SpecError, match="resize the prediction"):
        boundary_f(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)))


def test_first_and_last_frames_are_left_out():
    truth = band(5, 9)
    wrong = band(0, 0)
    preds = [wrong, truth, band(5, 12), wrong]
    whole = ObjectScore.of(3, [0, 5, 10, 15], preds, [truth] * 4)
    assert whole.frames == (0, 5, 10, 15) and whole.j[0] == whole.j[3] == 0
    score = whole.without_ends()
    assert score.frames == (5, 10)
    assert score.j == pytest.approx((1, 5 / 8)) and score.f == pytest.approx((1, 1 / 2))
    assert score.mean_j == pytest.approx(13 / 16) and score.mean_f == pytest.approx(3 / 4)
    with pytest.raises(ValueError):
        ObjectScore.of(3, [0], preds, [truth] * 3)


def test_means_are_over_objects():
    one = SequenceScore("one", (ObjectScore(1, (1, 2), (1.0, 0.0), (0.5, 0.5)),))
    two = SequenceScore(
        "two", (ObjectScore(1, (1,), (1.0,), (1.0,)), ObjectScore(2, (1,), (0.0,), (0.2,)))
    )
    assert (one.j, one.f, one.jf) == (0.5, 0.5, 0.5)
    assert (two.j, two.f) == (0.5, pytest.approx(0.6))
    mean = benchmark_mean([one, two])
    assert mean.j == pytest.approx(0.5) and mean.f == pytest.approx((0.5 + 1.0 + 0.2) / 3)
    assert math.isnan(SequenceScore("short", (ObjectScore(1, (), (), ()),)).jf)
