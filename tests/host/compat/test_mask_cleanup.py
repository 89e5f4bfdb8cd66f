"""Small holes and specks of masks."""

import numpy as np

from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.mask_cleanup import small_pieces, without_small_parts
from tests.host.fake_device import FakeDevice
from tests.host.scenes import draw_frame

MASK = np.full((1, 8, 9), -3.0, np.float32)
MASK[0, 1:6, 1:6] = 4
MASK[0, 3, 3] = MASK[0, 4, 4] = -1  # a hole of two, over a corner
MASK[0, 7, 8] = 2  # a speck


def test_pieces_by_size():
    assert small_pieces(MASK[0] > 0, 1).sum() == 1 and small_pieces(MASK[0] > 0, 0).sum() == 0
    assert small_pieces(MASK[0] > 0, 23).sum() == 24
    assert not small_pieces(np.zeros((3, 3), bool), 9).any()


def test_holes_and_specks():
    assert without_small_parts(MASK, 0, 0, 0) is MASK
    tidy = without_small_parts(MASK, 0, 2, 0)
    assert tidy[0, 3, 3] == tidy[0, 4, 4] == 10 and tidy[0, 7, 8] == 2 and MASK[0, 3, 3] == -1
    assert without_small_parts(MASK, 0, 1, 0)[0, 3, 3] == -1
    tidy = without_small_parts(MASK, 0, 0, 1)
    assert tidy[0, 7, 8] == -10 and tidy[0, 3, 3] == -1


def test_the_predictor_s_options():
    frame = draw_frame(((250, 10, 10), 10, 16))
    frame[24:36, 20:30] = (60, 160, 60)
    whole = SAM2ImagePredictor(FakeDevice())
    tidy = SAM2ImagePredictor(FakeDevice(), max_hole_area=4)
    masks = []
    for predictor in (whole, tidy):
        predictor.set_image(frame)
        masks.append(predictor.predict([(34, 40)], [1], multimask_output=False)[0][0])
    assert not masks[0][30, 25] and masks[1][30, 25]
