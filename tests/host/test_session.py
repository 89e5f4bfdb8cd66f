"""The streaming session: prompts at any time, several objects, lost and found, bounded memory."""

import gc
import tracemalloc

import numpy as np
import pytest

from host.errors import FrameError, PromptError, UnknownObjectError
from host.policy import Policy
from host.prompts import Prompt
from host.session import Session
from tests.host.fake_device import GRID, Eager, FakeDevice
from tests.host.scenes import (
    BLUE,
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
    square_mask,
)

RED_CLICK = click(corner(0)[0] + 16, 32)
BLUE_CLICK = click(corner(0)[0] + 16, 72)


@pytest.fixture
def session(device):
    return Session(device)


@pytest.mark.parametrize(
    "start", [RED_CLICK, box_around(*corner(0)), prompt(mask=square_mask(*corner(0)))]
)
@pytest.mark.parametrize("integer", [True, False])
def test_any_prompt_starts_a_track(start, integer):
    session = Session(FakeDevice(integer))
    result = session.step(red_frame(0), {1: start})
    assert overlap(result.objects[1].mask(), square_mask(*corner(0))) > 0.8
    for index in range(1, 15):
        result = session.step(red_frame(index))
        assert result.frame_index == index
        assert overlap(result.objects[1].mask(), square_mask(*corner(index))) > 0.8
    found = result.objects[1]
    assert found.present and found.score > 0 and 0 < found.iou < 1
    assert found.logits.shape == (GRID, GRID) and found.logits.dtype == np.float32


def test_masks_come_at_any_resolution_hard_and_soft(session):
    found = session.step(red_frame(0), {1: RED_CLICK}).objects[1]
    assert found.mask().shape == (HEIGHT, WIDTH) and found.mask().dtype == bool
    assert found.mask(2 * HEIGHT, 3 * WIDTH).shape == (2 * HEIGHT, 3 * WIDTH)
    soft = found.soft_mask()
    assert soft.dtype == np.float32 and soft.min() >= 0 and soft.max() <= 1
    assert ((soft > 0.5) == found.mask()).all()
    assert ((soft > 0.05) & (soft < 0.95)).any()


def test_a_mask_prompt_is_its_frames_output(session, device):
    mask = square_mask(*corner(0))
    mask[20, 20] = False  # finer than the grid
    found = session.step(red_frame(0), {1: prompt(mask=mask)}).objects[1]
    assert (found.mask() == mask).all()
    assert found.iou == 1 and found.present
    soft = found.soft_mask()
    assert ((soft > 0.5) == mask).all() and len(np.unique(soft)) > 10
    # It reaches the memory encoder, and the decoder's mask channel, as drawn.
    given = device.seen["memory_encoder"]["mask"][0, 0]
    assert given.max() == 127 and given.min() == -128
    assert (device.seen["mask_decoder"]["dense_prompt"][0, 0] == given).all()


def test_an_empty_mask_prompt_is_an_absent_object(session):
    found = session.step(red_frame(0), {1: prompt(mask=np.zeros((HEIGHT, WIDTH)))}).objects[1]
    assert not found.present and not found.mask().any()


@pytest.mark.parametrize(
    "later", [RED_CLICK, box_around(*corner(6)), prompt(mask=square_mask(*corner(6)))]
)
def test_what_an_empty_mask_began_stays_absent_until_a_prompt_shows_it(later):
    session, empty = Session(Eager()), prompt(mask=np.zeros((HEIGHT, WIDTH)))
    results = [session.step(red_frame(0), {1: empty, 2: RED_CLICK})]
    results += [session.step(red_frame(i)) for i in range(1, 5)]
    results.append(session.step(red_frame(5), {1: empty}))
    results.append(session.refine({1: click(3, 3, 0)}))  # the background shows no object
    for result in results:
        assert not result.objects[1].present and not result.objects[1].mask().any()
        assert result.objects[2].mask().all()
    assert session.step(red_frame(6), {1: later}).objects[1].present
    assert session.step(red_frame(7)).objects[1].mask().all()
    # Once shown it may come back after an empty mask, which speaks of its own frame alone.
    assert not session.step(red_frame(8), {1: empty}).objects[1].present
    assert session.step(red_frame(9)).objects[1].present


def test_a_prompt_taken_back_on_its_own_frame_showed_nothing():
    session, empty = Session(Eager()), prompt(mask=np.zeros((HEIGHT, WIDTH)))
    session.step(red_frame(0), {1: RED_CLICK})
    session.refine({1: empty})
    assert not session.step(red_frame(1)).objects[1].present


def test_one_encoder_pass_serves_all_objects(session, device):
    session.step(both_frame(0), {1: RED_CLICK, 2: BLUE_CLICK})
    device.calls.clear()
    result = session.step(both_frame(1))
    assert device.calls.count("image_encoder") == 1
    for graph in ("memory_attention", "mask_decoder", "memory_encoder"):
        assert device.calls.count(graph) == 2
    assert overlap(result.objects[1].mask(), square_mask(*corner(1))) > 0.8
    assert overlap(result.objects[2].mask(), square_mask(*corner(1, 56))) > 0.8


def test_an_idle_session_computes_nothing_until_it_is_prompted(session, device):
    session.step(red_frame(0))
    assert device.calls == []
    result = session.refine({1: RED_CLICK})
    assert result.frame_index == 0 and result.objects[1].mask().any()


def test_objects_join_on_any_frame(session):
    session.step(both_frame(0), {1: RED_CLICK})
    session.step(both_frame(1))
    x = corner(2)[0] + 16
    result = session.step(both_frame(2), {7: click(x, 72)})
    assert list(result.objects) == [1, 7] == session.object_ids
    result = session.step(both_frame(3))
    assert overlap(result.objects[7].mask(), square_mask(*corner(3, 56))) > 0.8


def test_the_memory_begins_with_the_second_frame(session, device):
    session.step(red_frame(0), {1: RED_CLICK})
    assert "memory_attention" not in device.calls
    session.step(red_frame(1))
    keys = device.seen["memory_attention"]["memory_keys"]
    assert keys.shape[2] == 16 + 1


def test_channel_0_is_the_mask_of_the_frame_before(session, device):
    first = session.step(red_frame(0), {1: RED_CLICK}).objects[1]
    assert not device.seen["mask_decoder"]["dense_prompt"][0, 0].any()
    session.step(red_frame(1))
    drawn = device.seen["mask_decoder"]["dense_prompt"][0]
    assert (drawn[0] == np.clip(np.rint(first.logits * 8), -128, 127)).all()
    assert not drawn[1:4].any()


def test_an_ambiguous_click_takes_the_best_candidate(session):
    # The fake rates candidate 2 best, which equals mask 0; candidate 1 and 3 are smaller.
    found = session.step(red_frame(0), {1: RED_CLICK}).objects[1]
    assert found.iou == pytest.approx(1 / (1 + np.exp(-2)))
    found = session.step(red_frame(1)).objects[1]
    assert found.iou == pytest.approx(1 / (1 + np.exp(-1)))


def test_lost_and_found(session, device):
    session.step(red_frame(0), {1: RED_CLICK})
    for _ in range(3):
        gone = session.step(draw_frame()).objects[1]
        assert not gone.present and gone.score < 0
        assert (gone.logits == -16).all() and not gone.mask().any()
        assert (device.seen["memory_encoder"]["mask"] == -128).all()
    back = session.step(draw_frame((RED, 100, 40))).objects[1]
    assert back.present and overlap(back.mask(), square_mask(100, 40)) > 0.8


def test_a_click_says_that_the_object_is_there(session):
    # Nothing red on the frame: the estimate says absent, the user says present.
    session.step(red_frame(0), {1: RED_CLICK})
    assert not session.step(draw_frame()).objects[1].present
    assert session.refine({1: click(100, 50)}).objects[1].present


def test_refining_adds_clicks_and_feeds_the_earlier_answer(session, device):
    first = session.step(both_frame(0), {1: RED_CLICK}).objects[1]
    calls = len(device.calls)
    second = session.refine({1: click(corner(0)[0] + 2, 18, label=0)}).objects[1]
    assert device.calls[calls:] == ["mask_decoder", "memory_encoder"]
    drawn = device.seen["mask_decoder"]["dense_prompt"][0]
    assert (drawn[0] == np.clip(np.rint(first.logits * 8), -128, 127)).all()
    assert drawn[1].any() and drawn[2].any()
    assert second.mask().sum() < first.mask().sum()
    assert len(session.state.objects[1].bank) == 1
    result = session.refine({1: prompt(mask=square_mask(3, 5))})
    assert (result.objects[1].mask() == square_mask(3, 5)).all()


def test_refining_a_tracked_frame_makes_it_a_prompted_one(session):
    session.step(both_frame(0), {1: RED_CLICK})
    session.step(both_frame(1))
    session.refine({1: box_around(*corner(1))})
    bank = session.state.objects[1].bank
    assert [(e.frame, e.prompted) for e in bank.history] == [(0, True), (1, True)]
    session.step(both_frame(2))
    assert [(e.frame, e.prompted) for e in bank.history][-1] == (2, False)


def test_refine_leaves_other_objects_alone(session, device):
    session.step(both_frame(0), {1: RED_CLICK, 2: BLUE_CLICK})
    device.calls.clear()
    result = session.refine({2: box_around(*corner(0, 56))})
    assert list(result.objects) == [1, 2]
    assert device.calls == ["mask_decoder", "memory_encoder"]


def test_removed_objects_are_gone(session):
    session.step(both_frame(0), {1: RED_CLICK, 2: BLUE_CLICK})
    session.remove_object(1)
    assert list(session.step(both_frame(1)).objects) == [2]
    with pytest.raises(UnknownObjectError, match=r"object 1 .*tracked: 2"):
        session.remove_object(1)


def test_reset_allows_another_size(session):
    session.step(red_frame(0), {1: RED_CLICK})
    session.reset()
    result = session.step(np.zeros((50, 70, 3), np.uint8))
    assert result.frame_index == 0 and result.objects == {}


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (np.zeros((0, 160, 3), np.uint8), "empty"),
        (np.zeros((96, 160), np.uint8), r"\(96, 160\)"),
        (np.zeros((96, 160, 4), np.uint8), "4"),
        (np.zeros((96, 160, 3), np.float32), "float32"),
        (np.zeros((100, 160, 3), np.uint8), "160x100.*160x96"),
        (None, "NoneType"),
    ],
)
def test_bad_frames_change_nothing(session, frame, text):
    session.step(red_frame(0), {1: RED_CLICK})
    with pytest.raises(FrameError, match=text):
        session.step(frame)
    assert session.step(red_frame(1)).frame_index == 1


def test_bad_prompts_change_nothing(session, device):
    with pytest.raises(PromptError, match="background clicks"):
        session.step(red_frame(0), {1: click(5, 5, label=0)})
    with pytest.raises(PromptError, match="10x10"):
        session.step(red_frame(0), {1: Prompt(mask=np.ones((10, 10), bool))})
    with pytest.raises(PromptError, match="'a'"):
        session.step(red_frame(0), {"a": RED_CLICK})
    assert device.calls == [] and session.state.frame_index == -1
    with pytest.raises(FrameError, match="no current frame"):
        session.refine({1: RED_CLICK})


def test_stages_are_timed(session):
    session.step(red_frame(0), {1: RED_CLICK})
    timings = session.step(red_frame(1)).timings_ms
    assert set(timings) == {
        "prepare",
        "image_encoder",
        "bank",
        "memory_attention",
        "prompts",
        "mask_decoder",
        "memory_encoder",
    }
    assert all(ms >= 0 for ms in timings.values())


def test_memory_is_flat_once_the_bank_is_full(device):
    session = Session(device)
    session.step(both_frame(0), {1: RED_CLICK, 2: BLUE_CLICK})
    frames = [both_frame(i) for i in range(8)]
    for index in range(30):
        session.step(frames[index % 8])
    made = device.allocated
    tracemalloc.start()
    try:
        session.step(frames[0])
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for index in range(300):
            device.calls.clear()
            session.step(frames[index % 8])
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert device.allocated == made
    # Odds and ends are 17 to 30 kB; one frame's masks alone, kept 300 times, would be 600 kB.
    assert grown < 60_000
    assert all(len(o.bank) <= Policy().slots for o in session.state.objects.values())


def test_colours_do_not_mix_between_objects(session):
    session.step(both_frame(0), {1: RED_CLICK, 2: BLUE_CLICK})
    result = session.step(draw_frame((BLUE, 90, 10)))
    assert not result.objects[1].present
    assert overlap(result.objects[2].mask(), square_mask(90, 10)) > 0.8
