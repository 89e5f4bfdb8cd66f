"""The rules from frame to frame."""

import numpy as np

from host.prompts import Prompt
from host.recurrence import choose_mask, is_present, previous_mask, remembered_mask

CLICK = Prompt(np.array([[0.5, 0.5]]), np.array([1]))
WRONG = Prompt(np.array([[0.5, 0.5]]), np.array([0]))
BOX = Prompt(box=np.array([0, 0, 1, 1]))


def test_only_a_lone_click_without_memory_chooses_among_candidates():
    scores = [9, 1, 5, 3, -7]
    assert choose_mask(scores, CLICK, memory=False) == 2
    assert choose_mask(scores, CLICK, memory=True) == 0
    assert choose_mask(scores, None, memory=False) == 0
    assert choose_mask(scores, BOX, memory=False) == 0
    assert choose_mask(scores, CLICK.then(WRONG), memory=False) == 0


def test_presence_follows_the_score_unless_the_user_points():
    assert is_present(0.1, None) and not is_present(0, None)
    assert is_present(-3, CLICK) and is_present(-3, BOX) and not is_present(-3, WRONG)
    assert is_present(-3, Prompt(mask=np.eye(3, dtype=bool)))
    assert not is_present(3, Prompt(mask=np.zeros((3, 3), bool)))


def test_an_absent_object_is_remembered_as_nowhere():
    logits = np.ones((4, 4), np.float32)
    assert (remembered_mask(logits, True) == logits).all()
    assert (remembered_mask(logits, False) == -16).all()


def test_a_correction_sees_its_own_frame():
    before, own = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert previous_mask(before, own) is own
    assert previous_mask(before, None) is before
    assert previous_mask(None, None) is None
