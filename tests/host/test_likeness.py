"""Likeness: what a look is, and that what looks like something else is not the object."""

from dataclasses import replace

import numpy as np
import pytest

from host.compat.video_predictor import SAM2VideoPredictor
from host.likeness import LEVELS, length, likeness, look
from host.policy import Policy
from host.session import Session
from tests.host.fake_device import COARSE, GRID, FakeDevice, make_spec
from tests.host.scenes import RED, corner, draw_frame, prompt, square_mask

RNG = np.random.default_rng(3)
PINK = (230, 80, 80)
"""The fake model takes it for red."""


def image():
    outputs = make_spec().ports["image_encoder"].outputs
    return {n: RNG.integers(-128, 128, p.shape).astype(np.int8) for n, p in outputs.items()}


def test_a_look_is_the_mean_of_what_is_masked_level_by_level():
    codes, logits = image(), RNG.normal(size=(GRID, GRID)).astype(np.float32)
    found = look(codes, logits)
    assert found.shape == (length(make_spec()),) and abs(found @ found - 1) < 1e-5
    parts = []
    for level in LEVELS:
        plane = codes[level][0].astype(np.float64)
        side = GRID // plane.shape[1]
        full = plane.repeat(side, 1).repeat(side, 2)  # each cell as often as it has pixels
        mean = full[:, logits > 0].mean(1)
        parts.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(found, np.concatenate(parts) / len(parts) ** 0.5, atol=1e-5)


def test_what_is_not_masked_does_not_count():
    codes = image()
    logits = np.full((GRID, GRID), -1, np.float32)
    assert look(codes, logits) is None
    cell = GRID // COARSE
    logits[:cell, :cell] = 1
    before = look(codes, logits)
    for level in LEVELS:
        side = codes[level].shape[2] // COARSE
        codes[level][0, :, side:, side:] = 7
    np.testing.assert_array_equal(look(codes, logits), before)


def test_the_most_alike_of_the_looks_counts():
    one, other = (v / np.linalg.norm(v) for v in RNG.normal(size=(2, 9)).astype(np.float32))
    assert likeness(one, [other, one]) == pytest.approx(1)
    assert likeness(one, [other]) == pytest.approx(float(one @ other))
    assert likeness(one, []) == 1


def tracked(policy, colours):
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
    assert tracked(Policy(), colours)[1] == [True, True, False, True, True, True, True]
    assert tracked(STRICT, colours)[1] == [True, True, False, False, False, True, True]


def test_one_that_stays_may_change_its_look_a_little():
    colours = [RED, RED, PINK, PINK]
    assert tracked(Policy(likeness=0.5), colours)[1] == [True] * 4
    assert tracked(STRICT, colours)[1] == [True, True, False, False]


def test_what_is_in_doubt_is_not_remembered_and_yet_gone_on_from():
    session, _ = tracked(replace(STRICT, least_iou=0.1), [RED, RED, PINK, PINK])
    known = session.state.objects[1]
    assert [entry.frame for entry in known.bank.history] == [0, 1]
    assert known.current.doubtful and known.current.present and (known.current.logits > 0).any()
    shown = session.refine({}).objects[1]
    assert not shown.present and (shown.logits < 0).all() and not shown.answer.doubtful


def test_what_is_known_from_prompts_alone_is_never_in_doubt():
    assert tracked(STRICT, [RED, PINK, PINK])[1] == [True] * 3
    assert tracked(STRICT, [RED, RED, PINK])[1] == [True, True, False]


def test_a_click_says_that_it_is_the_object_after_all():
    session, found = tracked(STRICT, [RED, RED, PINK])
    assert not found[-1]
    x, y = corner(2)
    assert session.refine({1: prompt(points=[[x + 16, y + 16]], labels=[1])}).objects[1].present
    after = session.step(draw_frame((PINK, *corner(3)))).objects[1]
    assert after.present  # the bank knows this look now


def test_a_video_predictor_shows_no_more_than_a_session(monkeypatch):
    frames = [draw_frame((c, *corner(i))) for i, c in enumerate([RED, RED, PINK, RED])]
    found = {}
    for policy in (Policy(), STRICT):
        predictor = SAM2VideoPredictor(FakeDevice(policy=policy))
        state = predictor.init_state(frames)
        predictor.add_new_mask(state, 0, 1, square_mask(*corner(0)))
        every = predictor.propagate_in_video(state)
        found[policy] = [bool((logits > 0).any()) for _, _, logits in every]
    assert found == {Policy(): [True] * 4, STRICT: [True, True, False, True]}
