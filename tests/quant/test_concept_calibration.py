"""The offset of scores on made-up answers: as much as finds the instance, not so much that it finds
more.
"""

import numpy as np
import pytest
import torch

from quant import concept_calibration
from quant.concept_calibration import OFFSETS, calibrate_scores
from quant.config import FLOAT, get_config
from quant.model import Tracker

LEFT, RIGHT = np.zeros((2, 8, 8), bool)
LEFT[:, :4], RIGHT[:, 4:] = True, True


def answers(*logits):
    """Probabilities at every offset of queries with these logits, the phrase being there."""
    return 1 / (1 + np.exp(-(np.array(logits)[None] + OFFSETS[:, None])))


def test_the_offset_lets_instances_in_and_keeps_others_out(monkeypatch):
    def made(_model, _items):
        # present: LEFT, said with logit -1.5; RIGHT is wrong, said with -3
        yield answers(-1.5, -3.0), np.stack([LEFT, RIGHT]), LEFT[None]
        # absent: something said with -2.5
        yield answers(-2.5), RIGHT[None], np.zeros((0, 8, 8), bool)

    monkeypatch.setattr(concept_calibration, "_answers", made)
    model = Tracker(get_config("tiny"), FLOAT, detects=True)
    samples = [{"x": torch.zeros(1)}]
    offset, before, after = calibrate_scores(model, samples)
    # 1.5 to 2.4 are all perfect; the nearest to nothing is taken
    assert offset == pytest.approx(1.5)
    assert (before, after) == (0, 100)
    assert model.concept_prompts.score_offset.item() == pytest.approx(1.5)
