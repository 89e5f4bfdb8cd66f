"""The rules from frame to frame."""

import numpy as np

from host.prompts import Prompt
from host.recurrence import (
    choose_mask,
    ever_shown,
    is_present,
    may_show,
    previous_mask,
    remembered_mask,
)

CLICK = Prompt(np.array([[0.5, 0.5]]), np.array([1]))
WRONG = Prompt(np.array([[0.5, 0.5]]), np.array([0]))
EMPTY = Prompt(mask=np.zeros((3, 3), bool))
BOX = Prompt(box=np.array([0, 0, 1, 1]))


def test_only_a_lone_click_without_memory_chooses_among_candidates():
    scores = [9, 1, 5, 3, -7]
    assert choose_mask(scores, CLICK, memory=False) == 2
    assert choose_mask(scores, CLICK, memory=True) == 0
    assert choose_mask(scores, None, memory=False) == 0
    assert choose_mask(scores, BOX, memory=False) == 0
    assert choose_mask(scores, CLICK.then(WRONG), memory=False) == 0


def test_presence_follows_the_score_unless_the_user_points():
    assert is_present(0.1, None, True) and not is_present(0, None, True)
    assert is_present(-3, CLICK, True) and is_present(-3, BOX, True)
    assert is_present(3, WRONG, True) and not is_present(-3, WRONG, True)
    assert is_present(-3, Prompt(mask=np.eye(3, dtype=bool)), True)
    assert not is_present(3, EMPTY, True)


def test_an_object_that_no_prompt_ever_showed_is_absent_whatever_the_score():
    assert not is_present(16, None, False) and not is_present(16, WRONG, False)
    assert not ever_shown([]) and not ever_shown([None, EMPTY, WRONG])
    for shown in (CLICK, BOX, Prompt(mask=np.eye(3, dtype=bool)), WRONG.then(CLICK)):
        assert ever_shown([EMPTY, shown]) and ever_shown([shown, EMPTY])


def test_an_absent_object_is_remembered_as_nowhere():
    logits = np.ones((4, 4), np.float32)
    assert (remembered_mask(logits, True) == logits).all()
    assert (remembered_mask(logits, False) == -16).all()


def test_a_correction_sees_its_own_frame():
    before, own = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert previous_mask(before, own) is own
    assert previous_mask(before, None) is before
    assert previous_mask(None, None) is None


def test_an_absent_object_is_back_where_the_model_is_sure():
    gone = np.full((3, 3), -16, np.float32)
    seen = gone.copy()
    seen[1, 1] = 0.5
    assert may_show(True, seen, 0.0, 0.4) and may_show(True, None, 0.0, 0.4)
    assert may_show(True, gone, 0.4, 0.4) and not may_show(True, gone, 0.39, 0.4)
    assert may_show(True, gone, 0.0, 0.0)  # without a bound the score alone decides
    assert not may_show(False, seen, 0.9, 0.4)  # what no prompt ever showed
