"""What tests of training share: a data set of one clip, and the recipe of a few steps in force."""

import cv2
import numpy as np
import pytest

from quant.training import fitting
from quant.training.recipe import RECIPES
from tests.quant.training.short import SHORT


@pytest.fixture
def data(tmp_path):
    """A DAVIS-shaped folder of one moving square."""
    rng = np.random.default_rng(0)
    root = tmp_path / "data" / "DAVIS"
    for part in ("JPEGImages/64p/square", "Annotations/64p/square", "ImageSets/64p"):
        (root / part).mkdir(parents=True)
    (root / "ImageSets/64p/train.txt").write_text("square\n")
    ground = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    for t in range(8):
        frame, mask = ground.copy(), np.zeros((64, 96), np.uint8)
        mask[20:44, 8 + 6 * t : 32 + 6 * t] = 255
        frame[mask > 0] = (20, 200, 230)
        cv2.imwrite(str(root / f"JPEGImages/64p/square/{t:05}.jpg"), frame)
        cv2.imwrite(str(root / f"Annotations/64p/square/{t:05}.png"), mask)
    return tmp_path / "data"


@pytest.fixture
def short_recipe(monkeypatch):
    monkeypatch.setitem(RECIPES, "tiny", SHORT)
    monkeypatch.setattr(fitting, "STEPS_PER_EPOCH", 3)
