"""SAM 2's image predictor by its names."""

from typing import Any

import numpy as np
import pytest

from host.compat.sam2 import SAM2ImagePredictor, build_sam2
from host.errors import FrameError, PromptError, UsageError
from host.recurrence import CLICKED_SIDES
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import (
    HEIGHT,
    SMALL,
    WIDTH,
    both_frame,
    corner,
    overlap,
    small_frame,
    small_mask,
    square_mask,
)

POINT = np.array([[corner(0)[0] + 16, 32]])
SMALL_BOX = np.array([20, 30, 20 + SMALL, 30 + SMALL])


@pytest.fixture
def predictor():
    predictor = SAM2ImagePredictor(build_sam2(device=FakeDevice()))
    predictor.set_image(both_frame(0))
    return predictor


def test_three_candidates_or_one(predictor):
    masks, scores, logits = predictor.predict(point_coords=POINT, point_labels=np.array([1]))
    assert masks.shape == (3, HEIGHT, WIDTH) and scores.shape == (3,)
    assert logits.shape == (3, GRID, GRID)
    assert masks.dtype == scores.dtype == logits.dtype == np.float32
    assert set(np.unique(masks)) == {0, 1}
    best = masks[np.argsort(scores)[::-1]][0]
    assert overlap(best > 0, square_mask(*corner(0))) > 0.8
    masks, scores, _ = predictor.predict(POINT, [1], multimask_output=False)
    assert masks.shape == (1, HEIGHT, WIDTH) and scores.shape == (1,)


def test_logits_on_request_and_as_input(predictor):
    full, _, logits = predictor.predict(POINT, [1], multimask_output=False, return_logits=True)
    hard, _, _ = predictor.predict(POINT, [1], multimask_output=False)
    assert ((full > 0) == hard).all() and len(np.unique(full)) > 10
    device = predictor.model.device
    predictor.predict(POINT, [1], mask_input=logits)
    assert device.seen["mask_decoder"]["dense_prompt"][0, 0].any()
    masks, _, _ = predictor.predict(mask_input=logits, multimask_output=False)
    assert overlap(masks[0] > 0, square_mask(*corner(0))) > 0.8


def test_boxes(predictor):
    red = [corner(0)[0], 16, corner(0)[0] + 31, 47]
    blue = [corner(0)[0], 56, corner(0)[0] + 31, 87]
    masks, _, _ = predictor.predict(box=np.array(red), multimask_output=False)
    assert overlap(masks[0] > 0, square_mask(*corner(0))) > 0.8
    masks, scores, logits = predictor.predict(box=np.array([red, blue]), multimask_output=False)
    assert masks.shape == (2, 1, HEIGHT, WIDTH) and scores.shape == (2, 1)
    assert logits.shape == (2, 1, GRID, GRID)
    assert overlap(masks[1, 0] > 0, square_mask(*corner(0, 56))) > 0.8


def test_normalised_points(predictor):
    masks, _, _ = predictor.predict(
        POINT / (WIDTH, HEIGHT), [1], normalize_coords=False, multimask_output=False
    )
    assert overlap(masks[0] > 0, square_mask(*corner(0))) > 0.8


def test_bad_input(predictor):
    with pytest.raises(PromptError, match="empty"):
        predictor.predict()
    with pytest.raises(PromptError, match="come together"):
        predictor.predict(point_coords=POINT)
    with pytest.raises(PromptError, match=r"\(1, 5, 5\).*16, 16"):
        predictor.predict(POINT, [1], mask_input=np.zeros((1, 5, 5)))
    with pytest.raises(FrameError, match="float64"):
        predictor.set_image(np.zeros((5, 5, 3)))
    predictor.reset_predictor()
    with pytest.raises(FrameError, match="set_image"):
        predictor.predict(POINT, [1])


def small_predictor(**options):
    """A predictor that has a picture of a small red square."""
    picture = small_frame(0)
    predictor = SAM2ImagePredictor(build_sam2(device=FakeDevice()), **options)
    predictor.set_image(picture)
    picture[:] = 0  # the caller may reuse it
    return predictor


def test_small_objects_are_read_in_windows_of_their_own():
    prompts: dict[str, dict[str, Any]] = {
        "box": {"box": SMALL_BOX},
        "click": {"point_coords": np.array([[24, 34]]), "point_labels": [1]},
    }
    for name, asked in prompts.items():
        found = {}
        for window in (0, 0.9):
            masks, scores, _ = small_predictor(window=window).predict(**asked)
            found[window] = overlap(masks[np.argmax(scores)] > 0, small_mask(0))
        assert found[0.9] > max(0.7, found[0] + 0.1), (name, found)


def test_logits_are_of_the_whole_picture_and_come_back_as_input():
    predictor = small_predictor(window=0.9)
    full, _, logits = predictor.predict(box=SMALL_BOX, multimask_output=False, return_logits=True)
    assert full.shape == (1, HEIGHT, WIDTH) and logits.shape == (1, GRID, GRID)
    row, column = np.unravel_index(logits[0].argmax(), (GRID, GRID))
    assert abs((column + 0.5) * WIDTH / GRID - 24) < WIDTH / GRID
    assert abs((row + 0.5) * HEIGHT / GRID - 34) < HEIGHT / GRID
    corrected, _, _ = predictor.predict(
        np.array([[25, 35]]), [1], mask_input=logits, multimask_output=False
    )
    assert overlap(corrected[0] > 0, small_mask(0)) > 0.7


def test_the_whole_picture_is_read_once_and_each_window_when_it_is_asked_for():
    predictor = small_predictor(window=0.9)
    device = predictor.model.device
    device.calls.clear()
    predictor.predict(box=SMALL_BOX)
    assert device.calls.count("image_encoder") == 1
    embedding = predictor.get_image_embedding()
    device.calls.clear()
    predictor.predict(np.array([[24, 34]]), [1])
    # The whole picture, of five sizes of windows, is there already; the object's own comes last.
    assert device.calls.count("image_encoder") == len(CLICKED_SIDES)
    assert (predictor.get_image_embedding() == embedding).all()
    whole = small_predictor(window=0)
    whole.model.device.calls.clear()
    whole.predict(box=SMALL_BOX)
    whole.predict(np.array([[24, 34]]), [1])
    assert "image_encoder" not in whole.model.device.calls
    with pytest.raises(UsageError, match="window"):
        small_predictor(window=-1)
