"""Resizing, codes, and the way of a mask to its grid and back."""

import numpy as np
import pytest

from host.images import (
    Placed,
    Window,
    logits_to_video,
    mask_to_grid,
    sigmoid,
    to_codes,
    to_network,
)
from host.prompts import LOGIT_LIMIT, Prompt
from tests.host.scenes import overlap


def disc(height, width, x, y, radius):
    rows, columns = np.mgrid[:height, :width]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


@pytest.mark.parametrize("shape", [(480, 854), (32, 48), (64, 64), (200, 20), (1, 1)])
def test_any_frame_becomes_the_square(shape):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    square = to_network(frame, 64)
    assert square.shape == (64, 64, 3) and square.dtype == np.uint8
    assert abs(float(square.mean()) - float(frame.mean())) < 12


def test_shrinking_averages_areas():
    frame = np.zeros((128, 128, 3), np.uint8)
    frame[::2] = 200
    assert (to_network(frame, 64) == 100).all()


def test_codes_are_pixels_less_128_channels_first():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    codes = to_codes(image)
    assert codes.dtype == np.int8 and codes.shape == (1, 3, 16, 16)
    assert codes.transpose(0, 2, 3, 1).flags.c_contiguous  # as streams have them
    assert (codes[0].transpose(1, 2, 0).astype(int) + 128 == image).all()


def test_grid_values_say_how_much_of_a_cell_is_covered():
    mask = np.zeros((64, 64), bool)
    mask[:, :34] = True
    grid = mask_to_grid(mask, 16)
    assert grid.shape == (16, 16) and grid.dtype == np.float32
    assert grid[0].tolist() == [16] * 8 + [0] + [-16] * 7
    assert (mask_to_grid(mask.astype(np.uint8) * 255, 16) == grid).all()


@pytest.mark.parametrize("size", [(256, 448), (480, 854), (1080, 1920), (40, 50)])
@pytest.mark.parametrize("grid", [32, 64])
def test_a_mask_survives_the_grid(size, grid):
    height, width = size
    mask = disc(height, width, 0.4 * width, 0.55 * height, 0.3 * height)
    back = logits_to_video(mask_to_grid(mask, grid), height, width)
    assert back.shape == size and back.dtype == np.float32
    assert overlap(back > 0, mask) > 0.97


def test_outlines_are_finer_than_the_grid():
    mask = disc(256, 256, 120.3, 130.8, 80)
    logits = mask_to_grid(mask, 32)
    blocky = np.kron(logits > 0, np.ones((8, 8))) > 0
    smooth = logits_to_video(logits, 256, 256) > 0
    assert overlap(smooth, mask) > 0.985 > 0.97 > overlap(blocky, mask)


def test_sigmoid_is_safe_everywhere():
    soft = sigmoid(np.array([-1e9, -1.0, 0, 1.0, 1e9]))
    assert soft[0] < 1e-9 and soft[2] == 0.5 and soft[4] == 1
    assert np.isclose(soft[1] + soft[3], 1)


# ---- Windows

SIZE = (120, 200)


def test_a_window_has_the_frames_proportions_and_stays_on_the_frame():
    for x, y, side in ((0.5, 0.5, 0.4), (0, 0, 0.4), (1, 0.9, 0.25), (0.2, 0.7, 5), (0.5, 0.5, 0)):
        window = Window.around(x, y, side, SIZE)
        assert 0 <= window.left <= window.left + window.width <= 200
        assert 0 <= window.top <= window.top + window.height <= 120
        assert window.width == max(1, round(min(side, 1) * 200))
        assert window.height == max(1, round(min(side, 1) * 120))
        assert window.is_whole == (side >= 1)
    middle = Window.around(0.5, 0.5, 0.4, SIZE)
    assert middle.centre == (0.5, 0.5) and middle.side == 0.4
    assert middle.crop(np.zeros((*SIZE, 3))).shape == (48, 80, 3)


def test_a_mask_comes_back_from_a_window_finer_than_from_the_frame():
    mask = disc(*SIZE, 150, 80, 9)
    window = Window.around(150.5 / 200, 80.5 / 120, 0.3, SIZE)
    grid = mask_to_grid(window.crop(mask), 32)
    found = window.to_video(grid, *SIZE) > 0
    coarse = logits_to_video(mask_to_grid(mask, 32), *SIZE) > 0
    assert overlap(found, mask) > 0.97 > overlap(coarse, mask)
    doubled = window.to_video(grid, 240, 400) > 0
    assert overlap(doubled, mask.repeat(2, 0).repeat(2, 1)) > 0.95
    outside = window.to_video(np.full((32, 32), 3.0, np.float32), *SIZE)
    assert (outside > 2).sum() == window.width * window.height
    assert (outside[outside <= 2] == -LOGIT_LIMIT).all()


def test_logits_go_from_window_to_window():
    mask = disc(*SIZE, 150, 80, 20)
    near, far = Window.around(0.75, 0.66, 0.5, SIZE), Window.around(0.8, 0.7, 0.6, SIZE)
    placed = Placed(mask_to_grid(near.crop(mask), 64), near)
    moved = placed.within(far)
    assert overlap(far.to_video(moved, *SIZE) > 0, mask) > 0.95
    assert placed.within(near) is placed.logits
    assert (placed.within(Window(0, 0, 60, 36, SIZE)) == -LOGIT_LIMIT).all()  # none of it


def test_the_box_of_a_mask_leaves_specks_out():
    mask = disc(*SIZE, 100, 60, 20)
    mask[2:4, 2:4] = True
    whole = Window.whole(SIZE)
    exact = whole.box(np.where(mask, 1.0, -1.0))
    assert exact == pytest.approx((2 / 200, 2 / 120, 121 / 200, 81 / 120))
    box = whole.box(np.where(mask, 1.0, -1.0), spare=0.01)
    assert box is not None
    x0, y0, x1, y1 = box
    assert (x0 * 200, x1 * 200) == pytest.approx((81, 120), abs=3)
    assert (y0 * 120, y1 * 120) == pytest.approx((41, 80), abs=3)
    window = Window(90, 50, 40, 24, SIZE)
    assert window.box(np.ones((8, 8))) == pytest.approx((0.45, 50 / 120, 0.65, 74 / 120))
    assert whole.box(np.full((8, 8), -1.0)) is None


def test_prompts_say_in_a_window_what_they_say_on_the_frame():
    window = Window(50, 30, 100, 60, SIZE)
    clicked = window.prompt(Prompt(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([1, 0])))
    assert clicked.points.tolist() == [[0.5, 0.5], [0.0, 1.0]]  # what lies outside, at the border
    assert window.shows([[0.5, 0.5]]) and not window.shows([[0.5, 0.5], [0.1, 0.5]])
    boxed = window.prompt(Prompt(box=np.array([0.3, 0.3, 0.7, 0.5], np.float32)))
    assert boxed.box is not None
    assert boxed.box.tolist() == pytest.approx([0.1, 0.1, 0.9, 0.5])
    mask = disc(*SIZE, 100, 60, 20)
    drawn = window.prompt(Prompt(mask=mask))
    assert (drawn.mask == mask[30:90, 50:150]).all()
    logits = window.prompt(Prompt.from_logits(mask_to_grid(mask, 64)))
    assert logits.logits is not None
    assert overlap(window.to_video(logits.logits, *SIZE) > 0, mask) > 0.9
    same = Prompt(mask=mask)
    assert Window.whole(SIZE).prompt(same) is same
