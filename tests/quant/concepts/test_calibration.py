"""The scale of scores on made-up answers: an offset that finds the instance and no more, a gain by
how often answers are right.
"""

import numpy as np
import pytest
import torch

from quant.concepts import calibration as concept_calibration
from quant.concepts.calibration import Answer, calibrate_scores
from quant.config import FLOAT, get_config
from quant.model.tracker import Tracker

LEFT, RIGHT = np.zeros((2, 8, 8), bool)
LEFT[:, :4], RIGHT[:, 4:] = True, True


def says(present, truth, *answers):
    """Answers (logit, mask) to a question about true masks."""
    logits = np.array([logit for logit, _ in answers])
    masks = np.stack([mask for _, mask in answers])
    return Answer(present, logits, masks, np.array(truth, bool).reshape(-1, 8, 8))


def calibrated(monkeypatch, *answers):
    """What calibration returns where a model gives these answers, and what it leaves in it."""
    monkeypatch.setattr(concept_calibration, "_answers", lambda _model, _items: answers)
    model = Tracker(get_config("tiny"), FLOAT, detects=True)
    found = calibrate_scores(model, [{"x": torch.zeros(1)}])
    assert model.concept_prompts is not None
    assert model.concept_prompts.score_scale.tolist() == pytest.approx(found[:2])
    return found


def test_the_offset_lets_instances_in_and_keeps_others_out(monkeypatch):
    there = says(1.0, [LEFT], (-1.5, LEFT), (-3.0, RIGHT))
    absent = says(1.0, [], (-2.5, RIGHT))
    _, offset, before, after = calibrated(monkeypatch, there, absent)
    # 1.5 to 2.4 are all perfect; the nearest to nothing is taken
    assert offset == pytest.approx(1.5)
    assert (before, after) == (0, 100)


def test_the_gain_tells_how_far_scores_can_be_trusted(monkeypatch):
    # Logits of +-0.5 that are always right deserve surer scores than 0.62 and 0.38 ...
    sure = says(1.0, [LEFT], (0.5, LEFT), (-0.5, RIGHT))
    gain, offset, *_ = calibrated(monkeypatch, sure)
    assert gain == concept_calibration.GAINS.max() and offset == 0
    # ... and those right in three cases of four about 0.73: log(3) over 0.5 is 2.2
    wrong = says(1.0, [RIGHT], (0.5, LEFT), (-0.5, RIGHT))
    gain, *_ = calibrated(monkeypatch, sure, sure, sure, wrong)
    assert gain == 2.25


def test_scores_are_those_of_the_host():
    answer = says(0.8, [LEFT], (0.5, LEFT))
    assert answer.scores(2.0, 0.5) == pytest.approx([0.8 / (1 + np.exp(-2.0))])
    assert answer.right.tolist() == [True]
