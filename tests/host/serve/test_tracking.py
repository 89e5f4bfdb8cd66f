"""The tracker's thread: prompts on the present frame, the list, and faults that pass."""

import numpy as np
import pytest

from host.errors import DeviceError, FrameError, UsageError
from host.serve.commands import Box, Pause, Phrase, Point, Remove, Rename
from host.serve.limits import MOST_COMMANDS, MOST_OBJECTS
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, SIDE, WIDTH, both_frame, corner, overlap, square_mask
from tests.host.serve.shows import Hand, middle


def mask_of(tracked, object_id):
    return tracked.objects[object_id].mask(HEIGHT, WIDTH)


def box(index, row=16):
    x, y = corner(index, row)
    return (x / WIDTH, y / HEIGHT, (x + SIDE) / WIDTH, (y + SIDE) / HEIGHT)


def test_a_click_answers_on_the_frame_that_is_seen_and_follows():
    hand = Hand()
    assert hand.frame(both_frame(0)).objects == {}
    tracked = hand.ask(Point(*middle(0)))
    assert hand.replies[0].started == 1 and tracked.number == 0
    assert overlap(mask_of(tracked, 1), square_mask(*corner(0))) > 0.8
    for index in range(1, 8):
        tracked = hand.frame(both_frame(index))
        assert overlap(mask_of(tracked, 1), square_mask(*corner(index))) > 0.8
    assert tracked.number == 7


def test_a_click_that_comes_while_a_frame_is_tracked_answers_on_that_frame():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.tracking.ask(Point(*middle(1)), hand.replies.append)
    tracked = hand.frame(both_frame(1))
    assert tracked.number == 1 and overlap(mask_of(tracked, 1), square_mask(*corner(1))) > 0.8


def test_the_image_is_encoded_ahead_and_once():
    device = FakeDevice()
    hand = Hand(device)
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)), Box(box(0, 56)))
    tracked = hand.frame(both_frame(1))
    calls = device.calls
    assert calls.count("image_encoder") == 2 and calls.count("mask_decoder") == 4
    assert "prepare" not in tracked.stages_ms and "image_encoder" in tracked.stages_ms


def test_a_box_starts_another_object_and_clicks_correct_theirs():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)))
    tracked = hand.ask(Box(box(0, 56)))
    assert sorted(tracked.objects) == [1, 2]
    assert overlap(mask_of(tracked, 2), square_mask(*corner(0, 56))) > 0.8
    x, y = middle(0)
    wrong = hand.ask(Point(x, y, False, 1))
    assert not mask_of(wrong, 1)[int(y * HEIGHT), int(x * WIDTH)]
    assert [r.started for r in hand.replies] == [1, 2, None]


def test_what_a_reply_names_is_listed_by_then():
    hand = Hand()
    hand.frame(both_frame(0))
    heard = []

    def hear(reply):
        _, tracked = hand.tracking.tracked.get()
        assert tracked is not None
        heard.append((reply.started, [one.object_id for one in tracked.listed]))

    hand.tracking.ask(Point(*middle(0)), hear)
    hand.tracking.ask(Box(box(0, 56)), hear)
    hand.tracking.round()
    assert heard == [(1, [1, 2]), (2, [1, 2])]


def test_a_background_click_alone_starts_nothing():
    hand = Hand()
    hand.frame(both_frame(0))
    tracked = hand.ask(Point(*middle(0), positive=False))
    assert "only background clicks" in hand.error and tracked.listed == ()


def test_rename_remove_and_the_lowest_free_number():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)), Box(box(0, 56)))
    tracked = hand.ask(Rename(2, "blue"), Remove(1))
    assert [(one.object_id, one.name) for one in tracked.listed] == [(2, "blue")]
    assert list(tracked.objects) == [2]
    hand.ask(Point(*middle(0)))
    assert hand.replies[-1].started == 1
    tracked = hand.ask(Remove())
    assert tracked.objects == {} and tracked.listed == ()


def test_what_is_gone_is_said_to_be_gone():
    hand = Hand()
    hand.frame(both_frame(0))
    for command in (Rename(4, "x"), Remove(4), Pause(4, True), Point(0.5, 0.5, True, 4)):
        hand.ask(command)
        assert hand.error == "object 4 is gone (choose one of the list)"


def test_a_paused_object_costs_nothing_and_is_taken_up_where_it_is():
    device = FakeDevice()
    hand = Hand(device)
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)))
    tracked = hand.ask(Pause(1, True))
    assert tracked.objects == {} and tracked.listed[0].paused
    before = device.calls.count("mask_decoder")
    for index in range(1, 4):
        hand.frame(both_frame(index))
    assert device.calls.count("mask_decoder") == before
    tracked = hand.ask(Pause(1, False))
    assert tracked.objects == {}  # nothing is known of it on this frame
    tracked = hand.frame(both_frame(4))
    assert overlap(mask_of(tracked, 1), square_mask(*corner(4))) > 0.8


def test_a_click_takes_a_paused_object_up():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)), Pause(1, True))
    tracked = hand.ask(Point(*middle(0), True, 1))
    assert not tracked.listed[0].paused and mask_of(tracked, 1).any()


def test_before_the_first_picture_nothing_can_be_clicked():
    hand = Hand()
    hand.ask(Point(0.5, 0.5))
    assert "no picture yet" in hand.error and hand.tracking.tracked.get() == (0, None)


def test_objects_and_waiting_commands_have_a_limit():
    hand = Hand()
    hand.frame(both_frame(0))
    for _ in range(MOST_OBJECTS):
        hand.ask(Point(*middle(0)))
    tracked = hand.ask(Point(*middle(0)))
    assert f"there are {MOST_OBJECTS} objects" in hand.error
    assert len(tracked.listed) == MOST_OBJECTS
    for _ in range(MOST_COMMANDS):
        hand.tracking.ask(Rename(1, "a"), hand.replies.append)
    with pytest.raises(UsageError, match="commands wait"):
        hand.tracking.ask(Rename(1, "b"), hand.replies.append)


def test_a_phrase_needs_a_detector():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Phrase("fish"))
    assert "detector" in hand.error and not hand.tracking.looking.phrases


def test_a_frame_of_another_size_is_skipped_and_a_new_camera_begins_anew():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)))
    other = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(FrameError, match="64x64 among others"):
        hand.frame(other)
    tracked = hand.frame(both_frame(1))
    assert mask_of(tracked, 1).any()
    tracked = hand.frame(other, opened=2)
    assert tracked.listed == () and tracked.objects == {}


class Failing(FakeDevice):
    """Fails on the runs that it is told to."""

    fail = False

    def run(self, graph, inputs):
        if self.fail:
            raise DeviceError(f"{graph} gave no answer within 5 s", "look at the board")
        return super().run(graph, inputs)


def test_a_device_that_fails_once_is_said_and_the_rest_goes_on(monkeypatch):
    device = Failing()
    hand = Hand(device)
    monkeypatch.setattr(hand.tracking, "pause", lambda seconds: None)
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)))
    device.fail = True
    shot = hand.tracking._shot
    assert shot is not None
    hand.shots.put(shot)
    hand.tracking._guarded()
    assert hand.notices.lines() == ["image_encoder gave no answer within 5 s (look at the board)"]
    device.fail = False
    hand.shots.put(shot)
    hand.tracking._guarded()
    assert hand.notices.lines() == []
    tracked = hand.frame(both_frame(3))
    assert overlap(mask_of(tracked, 1), square_mask(*corner(3))) > 0.8


def test_a_command_that_fails_in_the_device_reaches_who_asked():
    device = Failing()
    hand = Hand(device)
    hand.frame(both_frame(0))
    device.fail = True
    tracked = hand.ask(Point(*middle(0)))
    assert "gave no answer" in hand.error and tracked.listed == ()
