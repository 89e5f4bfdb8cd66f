"""What the model must be sure of: with `least_iou` what is remembered, with `return_iou` that an
absent object is back, with `likeness` that what it masks is the object, by every interface.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.compat.sam2 import build_sam2_video_predictor
from host.compat.video_predictor import SAM2VideoPredictor
from host.policy import Policy
from host.prompts import Prompt
from host.recurrence import is_remembered
from host.session import Session
from tests.host.fake_device import FakeDevice
from tests.host.scenes import (
    HEIGHT,
    RED,
    WIDTH,
    corner,
    draw_frame,
    prompt,
    red_frame,
    square_mask,
)

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
        click: dict[str, Any] = {"points": np.array(CLICK, np.float32), "labels": [1]}
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


PINK = (230, 80, 80)
"""The fake model takes this colour for red."""


def seen(policy, colours):
    """A session that has seen a square in these colours, and whether it was there by frame."""
    session = Session(FakeDevice(policy=policy))
    first = {1: prompt(mask=square_mask(*corner(0)))}
    found = []
    for index, colour in enumerate(colours):
        things = [] if colour is None else [(colour, *corner(index))]
        frame = draw_frame(*things)
        one = session.step(frame, None if index else first).objects[1]
        assert one.mask().any() == one.present
        found.append(one.present)
    return session, found


STRICT = Policy(likeness=0.95)


def test_a_thing_of_another_look_is_not_the_object_come_back():
    colours = [RED, RED, None, PINK, PINK, RED, RED]
    assert seen(Policy(), colours)[1] == [True, True, False, True, True, True, True]
    assert seen(STRICT, colours)[1] == [True, True, False, False, False, True, True]


def test_one_that_stays_may_change_its_look_a_little():
    colours = [RED, RED, PINK, PINK]
    assert seen(Policy(likeness=0.5), colours)[1] == [True] * 4
    assert seen(STRICT, colours)[1] == [True, True, False, False]


def test_what_is_in_doubt_is_not_remembered_and_yet_gone_on_from():
    session, _ = seen(replace(STRICT, least_iou=0.1), [RED, RED, PINK, PINK])
    known = session.state.objects[1]
    assert [entry.frame for entry in known.bank.history] == [0, 1]
    assert known.current.doubtful and known.current.present and (known.current.logits > 0).any()
    shown = session.refine({}).objects[1]
    assert not shown.present and (shown.logits < 0).all() and not shown.answer.doubtful


def test_what_is_known_from_prompts_alone_is_never_in_doubt():
    assert seen(STRICT, [RED, PINK, PINK])[1] == [True] * 3
    assert seen(STRICT, [RED, RED, PINK])[1] == [True, True, False]


def test_a_click_says_that_it_is_the_object_after_all():
    session, found = seen(STRICT, [RED, RED, PINK])
    assert not found[-1]
    x, y = corner(2)
    assert session.refine({1: prompt(points=[[x + 16, y + 16]], labels=[1])}).objects[1].present
    after = session.step(draw_frame((PINK, *corner(3)))).objects[1]
    assert after.present  # the bank knows this look now


def test_a_video_predictor_shows_no_more_than_a_session():
    frames = [draw_frame((c, *corner(i))) for i, c in enumerate([RED, RED, PINK, RED])]
    found = {}
    for policy in (Policy(), STRICT):
        predictor = SAM2VideoPredictor(FakeDevice(policy=policy))
        state = predictor.init_state(frames)
        predictor.add_new_mask(state, 0, 1, square_mask(*corner(0)))
        every = predictor.propagate_in_video(state)
        found[policy] = [bool((logits > 0).any()) for _, _, logits in every]
    assert found == {Policy(): [True] * 4, STRICT: [True, True, False, True]}
