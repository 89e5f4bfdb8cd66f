"""Prompts drawn from masks keep what they promise, for random masks."""

import numpy as np
import pytest

from host.prompts import Prompt
from quant.data import DataError
from quant.data.prompts import centre_click, corrective_click, draw_box, draw_click


def blob(rng, height=40, width=60):
    """Two or three overlapping rectangles."""
    mask = np.zeros((height, width), bool)
    for _ in range(rng.integers(2, 4)):
        y, x = rng.integers(0, height - 8), rng.integers(0, width - 8)
        mask[y : y + rng.integers(3, 20), x : x + rng.integers(3, 20)] = True
    return mask


def value_at(mask, x, y):
    return mask[int(y * mask.shape[0]), int(x * mask.shape[1])]


@pytest.mark.parametrize("seed", range(20))
def test_clicks_lie_inside(seed):
    rng = np.random.default_rng(seed)
    mask = blob(rng)
    assert value_at(mask, *draw_click(mask, rng))
    assert value_at(mask, *centre_click(mask))


def test_centre_click_is_the_middle_and_sees_the_frame_as_boundary():
    mask = np.zeros((21, 41), bool)
    mask[5:16, 10:31] = True
    x, y = centre_click(mask)
    assert y == pytest.approx(10.5 / 21) and 15 / 41 < x < 26 / 41
    mask[:] = True
    assert centre_click(mask)[1] == pytest.approx(10.5 / 21)


@pytest.mark.parametrize("seed", range(20))
def test_box_without_jitter_fits_exactly(seed):
    rng = np.random.default_rng(seed)
    mask = blob(rng)
    rows, columns = np.nonzero(mask)
    x0, y0, x1, y1 = np.array(draw_box(mask, rng, jitter=0)) * (60, 40, 60, 40)
    assert (x0, x1) == pytest.approx((columns.min(), columns.max() + 1))
    assert (y0, y1) == pytest.approx((rows.min(), rows.max() + 1))


def test_jitter_moves_edges_by_about_a_tenth_and_stays_a_valid_box():
    rng = np.random.default_rng(0)
    mask = np.zeros((200, 200), bool)
    mask[60:140, 60:140] = True
    boxes = np.array([draw_box(mask, rng) for _ in range(800)])
    assert np.std(boxes, axis=0) == pytest.approx([0.04] * 4, rel=0.15)  # a tenth of 0.4
    single = np.zeros((200, 200), bool)
    single[0, 199] = True
    for drawn in (single, mask, np.ones((200, 200))):
        for _ in range(50):
            Prompt(box=np.array(draw_box(drawn, rng)))  # raises for a box that is empty or outside


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("random", [False, True])
def test_corrective_clicks_lie_on_errors_with_the_right_label(seed, random):
    rng = np.random.default_rng(seed)
    answer, truth = blob(rng), blob(rng)
    x, y, label = corrective_click(answer, truth, rng if random else None)
    assert value_at(answer, x, y) != value_at(truth, x, y)
    assert label == int(value_at(truth, x, y))


def test_scoring_clicks_the_centre_of_the_largest_region():
    truth = np.zeros((40, 60), bool)
    truth[10:30, 10:30] = True
    answer = truth.copy()
    answer[10:14, 10:14] = False  # missed: 16 pixels
    answer[20:29, 40:49] = True  # false: 81 pixels
    x, y, label = corrective_click(answer, truth)
    assert (x, y, label) == (pytest.approx(44.5 / 60), pytest.approx(24.5 / 40), 0)
    answer[10:30, 10:20] = False  # missed: 200 pixels
    x, y, label = corrective_click(answer, truth)
    assert label == 1 and 10 / 60 < x < 20 / 60
    assert corrective_click(answer, truth) == (x, y, label)


def test_a_right_answer_gets_a_click_on_the_object():
    truth = np.zeros((9, 9), np.uint8)
    truth[3:6, 3:6] = 7
    assert corrective_click(truth > 0, truth) == (0.5, 0.5, 1)


def test_nothing_can_be_drawn_from_nothing():
    empty, rng = np.zeros((5, 6)), np.random.default_rng(0)
    for draw in (lambda: draw_box(empty, rng), lambda: draw_click(empty, rng)):
        with pytest.raises(DataError, match=r"empty mask of shape \(5, 6\)"):
            draw()
    with pytest.raises(DataError, match="one size"):
        corrective_click(empty, np.zeros((6, 5)))
