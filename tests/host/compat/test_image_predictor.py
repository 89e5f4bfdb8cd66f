"""SAM 2's image predictor by its names."""

import numpy as np
import pytest

from host.compat.sam2 import SAM2ImagePredictor, build_sam2
from host.errors import FrameError, PromptError
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask

POINT = np.array([[corner(0)[0] + 16, 32]])


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
