"""Resizing, codes, and the way of a mask to its grid and back."""

import numpy as np
import pytest

from host.images import logits_to_video, mask_to_grid, sigmoid, to_codes, to_network
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
