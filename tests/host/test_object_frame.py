"""An object is looked for in a window of its own: small ones are seen, lost ones looked for."""

import numpy as np
import pytest

from host.errors import UsageError
from host.policy import Policy
from host.recurrence import CLICKED_SIDES
from host.session import Session
from tests.host.fake_device import FakeDevice
from tests.host.scenes import (
    HEIGHT,
    RED,
    WIDTH,
    both_frame,
    box_around,
    click,
    corner,
    draw_frame,
    overlap,
    prompt,
    red_frame,
    small_frame,
    small_mask,
    square_mask,
)

SMALL_PROMPTS = {"mask": prompt(mask=small_mask(0)), "box": prompt(box=[20, 30, 27, 37])}


@pytest.mark.parametrize("start", SMALL_PROMPTS)
def test_a_small_object_is_followed_in_a_window_of_its_own(start):
    # On the whole frame it covers less than one cell of the mask grid.
    session = Session(FakeDevice(), window=0.9)
    overlaps = []
    for index in range(25):
        result = session.step(small_frame(index), {1: SMALL_PROMPTS[start]} if not index else None)
        found = result.objects[1]
        overlaps.append(overlap(found.mask(), small_mask(index)))
        assert found.answer.window is not None and found.answer.window.side <= 0.3
    assert min(overlaps) > 0.5
    whole = Session(FakeDevice(), window=0)
    lost = [
        overlap(
            whole.step(small_frame(i), {1: SMALL_PROMPTS["mask"]} if not i else None)
            .objects[1]
            .mask(),
            small_mask(i),
        )
        for i in range(25)
    ]
    assert np.mean(lost) < np.mean(overlaps) - 0.2


def test_objects_are_read_each_in_its_own_window_and_the_frame_once_without():
    for window, runs in ((0.9, 2), (0, 1)):
        device = FakeDevice()
        session = Session(device, window=window)
        session.step(both_frame(0), {1: box_around(*corner(0)), 2: box_around(*corner(0, 56))})
        device.calls.clear()
        result = session.step(both_frame(1))
        assert device.calls.count("image_encoder") == runs
        assert overlap(result.objects[1].mask(), square_mask(*corner(1))) > 0.8
        assert overlap(result.objects[2].mask(), square_mask(*corner(1, 56))) > 0.8


def test_a_click_outside_the_window_widens_it():
    session = Session(FakeDevice(), window=0.9)
    session.step(small_frame(0), {1: SMALL_PROMPTS["mask"]})
    for index in range(1, 4):
        narrow = session.step(small_frame(index)).objects[1].answer.window
    inside = session.refine({1: click(29 + 4, 34)}).objects[1]
    assert inside.answer.window == narrow
    outside = session.refine({1: click(150, 90, 0)}).objects[1]
    assert outside.answer.window is None or outside.answer.window.shows(
        [[150 / WIDTH, 90 / HEIGHT]]
    )
    assert overlap(outside.mask(), small_mask(3)) > 0.3


def test_a_lost_object_is_looked_for_ever_further_away():
    session = Session(FakeDevice(), window=0.9)
    session.step(small_frame(0), {1: SMALL_PROMPTS["mask"]})
    sides = []
    for _ in range(12):
        found = session.step(draw_frame()).objects[1]
        assert not found.mask().any()
        window = found.answer.window
        sides.append(1.0 if window is None else window.side)
    assert sides == sorted(sides) and sides[-1] == 1


def test_a_window_has_a_size():
    for window in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="window"):
            Session(FakeDevice(), window=window)


def test_a_click_on_a_new_object_is_read_at_several_sizes_and_then_close_by():
    device = FakeDevice()
    session = Session(device, window=0.9)
    found = session.step(red_frame(0), {1: click(corner(0)[0] + 16, 32)}).objects[1]
    assert device.calls.count("image_encoder") == len(CLICKED_SIDES) + 1
    # Twice in each window, and once where its object was found.
    assert device.calls.count("mask_decoder") == 2 * len(CLICKED_SIDES) + 1
    assert device.calls.count("memory_encoder") == 1
    assert found.answer.window is not None and 0.4 <= found.answer.window.side <= 0.8
    assert overlap(found.mask(), square_mask(*corner(0))) > 0.9
    # The frame was read closer, the click with it.
    assert (device.seen["mask_decoder"]["dense_prompt"][0, 1] > 0).any()
    device.calls.clear()
    session.step(red_frame(1))
    assert device.calls.count("image_encoder") == 1


def test_a_click_finds_what_is_too_small_to_be_seen_on_the_whole_frame():
    found = {}
    for window in (0, 0.9):
        session = Session(FakeDevice(), window=window)
        found[window] = session.step(small_frame(0), {1: click(23, 33)}).objects[1].mask()
    assert overlap(found[0.9], small_mask(0)) > max(0.7, overlap(found[0], small_mask(0)) + 0.2)


def test_only_clicks_on_what_is_new_are_read_at_several_sizes():
    at = click(corner(0)[0] + 16, 32)
    for start in (box_around(*corner(0)), prompt(mask=square_mask(*corner(0))), at):
        device = FakeDevice()
        session = Session(device, window=0.9)
        session.step(red_frame(0), {1: start})
        device.calls.clear()
        session.refine({1: click(corner(0)[0] + 9, 25)})
        session.step(red_frame(1), {1: click(corner(1)[0] + 16, 32)})
        assert device.calls.count("image_encoder") <= 4, start
    whole = FakeDevice()
    Session(whole, window=0).step(red_frame(0), {1: at})
    assert whole.calls.count("image_encoder") == 1


def with_twin(index):
    """A red square that moves, and from the third frame on another one that stands still."""
    far = [(RED, 120, 60)] if index >= 3 else []
    return draw_frame((RED, *corner(index)), *far)


OUTLINE = {
    "mask": [prompt(mask=square_mask(*corner(0)))],
    "box": [box_around(*corner(0))],
    "mask, then a click": [prompt(mask=square_mask(*corner(0))), click(corner(0)[0] + 9, 25)],
}
PART = {"click": [click(corner(0)[0] + 16, 32)]}


@pytest.mark.parametrize("window", [0, 2.0])
@pytest.mark.parametrize("start", [*OUTLINE, *PART])
def test_a_look_alike_that_turns_up_elsewhere_is_left_alone(window, start):
    taken, (first, *fixes) = {}, (OUTLINE | PART)[start]
    for reach in (0, 0.05):
        session = Session(FakeDevice(policy=Policy(reach=reach)), window=window)
        for index in range(8):
            given = {1: first} if not index else None
            mask = session.step(with_twin(index), given).objects[1].mask()
            for fix in () if index else fixes:
                session.refine({1: fix})
        taken[reach] = mask[60:92, 120:152].mean()
        assert mask[square_mask(*corner(7))].mean() > 0.8
    # What clicks alone began may be a part, so all that the model finds counts.
    assert taken[0] > 0.8 and taken[0.05] == (taken[0] if start in PART else 0)
