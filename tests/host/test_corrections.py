"""What a prompt that takes the place of another may still know of it: nothing."""

import numpy as np
import pytest

from host.compat.sam2 import SAM2VideoPredictor
from host.errors import PromptError, UnknownObjectError
from host.prompts import Prompt
from host.session import Session
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask

X = corner(0)[0]
RED, BLUE = {"points": [(X + 16, 32)], "labels": [1]}, {"points": [(X + 16, 72)], "labels": [1]}
RED_BOX, BLUE_BOX = {"box": (X, 16, X + 31, 47)}, {"box": (X, 56, X + 31, 87)}
GROUND = {"points": [(X + 16, 32), (X + 2, 18)], "labels": [1, 0]}


@pytest.fixture
def predictor():
    return SAM2VideoPredictor(FakeDevice())


@pytest.fixture
def state(predictor, clip_folder):
    return predictor.init_state(clip_folder)


def drawn(predictor):
    """Channel 0 of the last dense prompt: the mask that went in."""
    return predictor.model.device.seen["mask_decoder"]["dense_prompt"][0, 0]


@pytest.mark.parametrize("first", [RED, RED_BOX, GROUND])
@pytest.mark.parametrize("second", [BLUE, BLUE_BOX, GROUND])
def test_old_points_leave_nothing_behind(predictor, state, clip_folder, first, second):
    predictor.add_new_points_or_box(state, 0, 1, **first)
    predictor.add_new_points_or_box(state, 0, 1, **second)
    assert not drawn(predictor).any()
    fresh = predictor.init_state(clip_folder)
    predictor.add_new_points_or_box(fresh, 0, 1, **second)
    here, there = state.objects[1], fresh.objects[1]
    assert (here.answers[0].logits == there.answers[0].logits).all()
    assert here.answers[0].score == there.answers[0].score
    assert (here.memories[0].values == there.memories[0].values).all()


def test_an_old_mask_leaves_nothing_behind(predictor, state):
    predictor.add_new_mask(state, 0, 1, square_mask(*corner(0)))
    predictor.add_new_points_or_box(state, 0, 1, **BLUE)
    assert not drawn(predictor).any()
    predictor.add_new_points_or_box(state, 0, 1, **RED, clear_old_points=False)
    assert drawn(predictor).any()  # this one corrects


def test_a_click_on_a_tracked_frame_corrects_tracking_however_often(predictor, state):
    predictor.add_new_points_or_box(state, 0, 1, **RED)
    list(predictor.propagate_in_video(state))
    tracked = state.objects[1].answers[4]
    x, y = corner(4)
    first = {"points": [(x + 2, y + 2)], "labels": [0]}
    predictor.add_new_points_or_box(state, 4, 1, **first)
    went_in = drawn(predictor).copy()
    assert went_in.any()
    after = state.objects[1].answers[4]
    predictor.add_new_points_or_box(state, 4, 1, [(x + 30, y + 30)], [0])
    assert (drawn(predictor) == went_in).all()
    predictor.add_new_points_or_box(state, 4, 1, **first)
    assert (state.objects[1].answers[4].logits == after.logits).all()
    predictor.clear_all_prompts_in_frame(state, 4, 1)
    assert state.objects[1].answers[4] is tracked and list(state.objects[1].prompts) == [0]


def test_corrections_follow_the_direction_of_the_last_pass(predictor, state):
    x, y = corner(9)
    predictor.add_new_points_or_box(state, 9, 1, [(x + 16, y + 16)], [1])
    list(predictor.propagate_in_video(state, reverse=True))
    seen = []
    fill = predictor._fill_bank

    def listed(record, now, step):
        seen.append(step)
        return fill(record, now, step)

    predictor._fill_bank = listed
    x, y = corner(4)
    predictor.add_new_points_or_box(state, 4, 1, [(x + 2, y + 2)], [0])
    predictor.add_new_mask(state, 5, 1, square_mask(*corner(5)))
    assert seen[0] == -1 and state.objects[1].steps == dict.fromkeys(range(10), -1)
    list(predictor.propagate_in_video(state, start_frame_idx=3))
    seen.clear()
    predictor.add_new_points_or_box(state, 7, 1, [(x + 14, y + 14)], [1])
    predictor.add_new_points_or_box(state, 2, 1, [(x - 4, y + 2)], [0])
    assert seen == [1, -1]


def test_a_correction_after_a_backward_pass_reads_the_frames_behind_it(predictor, state):
    x, y = corner(9)
    predictor.add_new_points_or_box(state, 9, 1, [(x + 16, y + 16)], [1])
    list(predictor.propagate_in_video(state, reverse=True))
    x, y = corner(0)
    _, _, logits = predictor.add_new_points_or_box(state, 0, 1, [(x + 2, y + 2)], [0])
    # Frames 1..6 and the prompted one; going forward there would be the prompted one alone.
    assert predictor.model.device.seen["memory_attention"]["memory_keys"].shape[2] == 7 * 17
    assert overlap(logits[0, 0] > 0, square_mask(x, y)) > 0.6


@pytest.mark.parametrize("object_id", [[1], {}, np.zeros(2)])
def test_ids_that_are_no_names(predictor, state, object_id):
    with pytest.raises(PromptError, match="object id"):
        predictor.add_new_points_or_box(state, 0, object_id, **RED)
    predictor.add_new_points_or_box(state, 0, 1, **RED)
    assert predictor.remove_object(state, object_id) == ([1], [])
    for strict in (
        lambda: predictor.remove_object(state, object_id, strict=True),
        lambda: predictor.clear_all_prompts_in_frame(state, 0, object_id),
    ):
        with pytest.raises(UnknownObjectError, match="not tracked"):
            strict()


@pytest.mark.parametrize("prompt", [None, (3, 4), {"box": (1, 2, 3, 4)}, np.zeros(4)])
def test_prompts_of_a_session_are_prompts(prompt):
    session = Session(FakeDevice())
    with pytest.raises(PromptError, match=r"a prompt of type .*Prompt\.from_pixels"):
        session.step(both_frame(0), {1: prompt})
    assert session.state.frame_index == -1


def pixels(**kwargs):
    return Prompt.from_pixels(HEIGHT, WIDTH, **kwargs)


@pytest.mark.parametrize("first", [RED_BOX, {"mask": square_mask(*corner(0))}])
def test_a_new_box_in_a_session_knows_nothing_of_the_old_one(first):
    device, other = FakeDevice(), FakeDevice()
    session = Session(device)
    session.step(both_frame(0), {1: pixels(**first)})
    again = session.refine({1: pixels(**BLUE_BOX)}).objects[1]
    alone = Session(other).step(both_frame(0), {1: pixels(**BLUE_BOX)}).objects[1]
    assert not device.seen["mask_decoder"]["dense_prompt"][0, 0].any()
    assert (again.logits == alone.logits).all() and again.score == alone.score
    session.refine({1: pixels(**GROUND)})
    assert device.seen["mask_decoder"]["dense_prompt"][0, 0].any()  # clicks correct


def test_a_box_on_a_tracked_frame_of_a_session_is_given_what_tracking_found():
    device = FakeDevice()
    session = Session(device)
    session.step(both_frame(0), {1: pixels(**RED)})
    session.step(both_frame(1))
    x, y = corner(1)
    for box in ((x, y, x + 20, y + 20), (x, y, x + 31, y + 31)):
        session.refine({1: pixels(box=box)})
        went_in = device.seen["mask_decoder"]["dense_prompt"][0, 0].copy()
        assert went_in.any()
        tracked = session.state.objects[1].tracked
        assert tracked is not None
        kept = tracked.logits
        assert np.abs(went_in / 8 - kept).max() <= 1 / 16
