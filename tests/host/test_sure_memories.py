"""What the model must be sure of: with `least_iou` what is remembered, with `return_iou` that an
absent object is back, by every interface.
"""

import numpy as np
import pytest

from host.compat.sam2 import build_sam2_video_predictor
from host.policy import Policy
from host.prompts import Prompt
from host.recurrence import is_remembered
from host.session import Session
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, corner, draw_frame, red_frame

CLICK = [[corner(0)[0] + 16, 32]]
GONE = range(3, 13)  # longer than the FIFO of recent memories
EMPTY = draw_frame()
FRAMES = [EMPTY if i in GONE else red_frame(i if i < 3 else i - 10) for i in range(15)]


def tracked(policy):
    """Frames that the bank holds after each step, and runs of the memory encoder."""
    device = FakeDevice(policy=policy)
    session, held, present = Session(device), [], []
    prompts = {1: Prompt.from_pixels(HEIGHT, WIDTH, points=CLICK, labels=[1])}
    for index, frame in enumerate(FRAMES):
        found = session.step(frame, prompts if index == 0 else None).objects[1]
        held.append({e.frame for e in session.state.objects[1].bank.history})
        present.append(found.present)
    return held, present, device.calls.count("memory_encoder")


def test_the_rule():
    assert is_remembered(True, False, 0.0, 0.6)  # the user spoke
    assert is_remembered(False, True, 0.6, 0.6) and not is_remembered(False, True, 0.59, 0.6)
    assert not is_remembered(False, False, 0.9, 0.6)
    assert is_remembered(False, False, 0.0, 0)  # without a bound everything is


def test_a_long_absence_leaves_the_memories_of_the_object_alone():
    held, present, runs = tracked(Policy(least_iou=0.7))  # the fake device says 0.73
    assert [i for i, p in enumerate(present) if not p] == list(GONE)
    assert held[GONE[-1]] == {0, 1, 2} and held[-1] == {0, 1, 2, 13, 14}
    assert runs == len(FRAMES) - len(GONE)  # nothing is encoded that nobody reads


def test_without_a_bound_absences_push_them_out():
    held, _, runs = tracked(Policy())
    assert held[GONE[-1]] & {1, 2} == set() and runs == len(FRAMES)


def test_frames_that_the_model_is_not_sure_of_are_left_out_but_never_prompted_ones():
    held, present, runs = tracked(Policy(least_iou=0.8))
    assert held[-1] == {0} and runs == 1 and present[1]


def test_a_frame_that_is_answered_again_and_doubted_is_forgotten():
    device = FakeDevice(policy=Policy(least_iou=0.7))
    session = Session(device)
    start = Prompt.from_pixels(HEIGHT, WIDTH, points=CLICK, labels=[1])
    session.step(red_frame(0), {1: start})
    session.step(red_frame(1))
    bank = session.state.objects[1].bank
    assert {e.frame for e in bank.history} == {0, 1}
    bank.forget(1)
    bank.forget(7)  # nothing is known of it
    assert {e.frame for e in bank.history} == {0}


def test_a_lost_object_does_not_jump_onto_what_it_is_not_sure_of():
    """The fake device finds it again with 0.73."""
    for bound, back in ((0.0, True), (0.7, True), (0.8, False)):
        policy = Policy(return_iou=bound)
        _, present, _ = tracked(policy)
        assert present[:13] == [i not in GONE for i in range(13)]
        assert present[13:] == [back, back]
        # SAM 2's names follow the same rule, and a click shows the object whatever the bound.
        predictor = build_sam2_video_predictor(device=FakeDevice(policy=policy))
        state = predictor.init_state(FRAMES)
        click = {"points": np.array(CLICK, np.float32), "labels": [1]}
        predictor.add_new_points_or_box(state, frame_idx=0, obj_id=1, **click)
        assert shown_in(predictor, state) == present
        click["points"] = np.array([[corner(3)[0] + 16, 32]], np.float32)
        predictor.add_new_points_or_box(state, frame_idx=13, obj_id=1, **click)
        assert shown_in(predictor, state)[13:] == [True, True]


def shown_in(predictor, state):
    return [bool((np.asarray(m) > 0).any()) for _, _, m in predictor.propagate_in_video(state)]


@pytest.mark.parametrize("least", [0.0, 0.7, 0.8])
def test_sam2s_names_remember_what_the_session_does(least):
    policy = Policy(least_iou=least)
    device = FakeDevice(policy=policy)
    predictor = build_sam2_video_predictor(device=device)
    state = predictor.init_state(FRAMES)
    predictor.add_new_points_or_box(
        state, frame_idx=0, obj_id=1, points=np.array(CLICK, np.float32), labels=[1]
    )
    _, present, _ = tracked(policy)
    assert shown_in(predictor, state) == present
    remembered = set(state.objects[1].memories)
    wanted = {0.0: set(range(15)), 0.7: set(range(15)) - set(GONE), 0.8: {0}}[least]
    assert remembered == wanted
    # A prompt on a frame that was doubted, taken back again, leaves it doubted.
    predictor.add_new_points_or_box(
        state, frame_idx=14, obj_id=1, points=np.array(CLICK, np.float32), labels=[1]
    )
    assert 14 in state.objects[1].memories
    predictor.clear_all_prompts_in_frame(state, 14, 1)
    assert (14 in state.objects[1].memories) == (14 in wanted)
