"""Finding and following instances through frames, on the fake device."""

import numpy as np
import pytest

from host.concepts.association import Rules
from host.concepts.phrases import PhraseError
from host.concepts.prompts import ConceptPrompt
from host.concepts.tracker import ConceptTracker
from host.errors import DeviceError, FrameError, PromptError
from host.images import mask_to_grid
from host.prompts import Prompt
from host.session import Session
from tests.host.fake_detector import (
    QUERIES,
    SURE,
    FakeConceptDevice,
    make_phrases,
)
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import (
    HEIGHT,
    RED,
    WIDTH,
    both_frame,
    corner,
    draw_frame,
    overlap,
    square_mask,
)

RED_TEXT = ConceptPrompt("red square")


def tracker_of(device, prompt=RED_TEXT, **rules):
    return ConceptTracker(device, prompt, Rules(**rules), make_phrases())


def run(tracker, frames):
    done = [one for frame in frames for one in tracker.step(frame)]
    return done + tracker.finish()


def masks_of(result):
    return {i: one.logits(HEIGHT, WIDTH) > 0 for i, one in result.instances.items()}


@pytest.fixture
def device():
    return FakeConceptDevice()


@pytest.mark.parametrize("every", [1, 3, 8])
@pytest.mark.parametrize("delay", [0, 1, 5, 40])
def test_one_id_through_the_stream(device, every, delay):
    done = run(tracker_of(device, every=every, delay=delay), map(both_frame, range(20)))
    assert [one.frame_index for one in done] == list(range(20))
    for index, one in enumerate(done):
        ((object_id, mask),) = masks_of(one).items()
        assert object_id == 1 and overlap(mask, square_mask(*corner(index))) > 0.7
        assert one.instances[1].score > 0.9 and one.instances[1].tracker_score > 0.9
        assert one.looked == (index % every == 0) and one.presence > 0.9
        assert (one.frame == both_frame(index)).all()
    assert device.calls.count("image_encoder") == 20
    assert device.calls.count("detector") == len(range(0, 20, every))
    assert "detector" in done[0].timings_ms and "image_encoder" in done[0].timings_ms


@pytest.mark.parametrize("delay", [0, 1, 4, 15])
def test_frames_are_held_back_by_the_delay(device, delay):
    tracker = tracker_of(device, delay=delay)
    lengths = [len(tracker.step(both_frame(i))) for i in range(6)]
    assert lengths == [int(i >= max(delay, 1) - 1) for i in range(6)]
    assert len(tracker.finish()) == 6 - sum(lengths) and not tracker.finish()


def test_several_instances_and_one_that_comes_later(device):
    # Detected by shape, since the fake tracker would take two of one colour for one.
    def answer(index):
        shown = [square_mask(*corner(index)), square_mask(*corner(index, 56))]
        return [(mask_to_grid(mask, GRID), SURE) for mask in shown[: 1 + (index >= 4)]]

    device.script = answer
    done = run(tracker_of(device), map(both_frame, range(10)))
    assert [list(one.instances) for one in done] == [[1]] * 4 + [[1, 2]] * 6
    assert overlap(masks_of(done[-1])[2], square_mask(*corner(9, 56))) > 0.7


def test_what_leaves_is_let_go(device):
    frames = [both_frame(i) for i in range(3)] + [draw_frame()] * 40
    tracker = tracker_of(device)
    done = run(tracker, frames)
    assert [bool(one.instances) for one in done] == [True] * 3 + [False] * 40
    assert not tracker.session.object_ids  # nothing is tracked any more
    before = device.calls.count("mask_decoder")
    tracker.step(draw_frame())
    assert device.calls.count("mask_decoder") == before
    assert list(tracker.step(both_frame(0))[0].instances) == [2]


def aside(row):
    """Mask logits at the right of the grid, where nothing is drawn."""
    plane = np.full((GRID, GRID), -15.875)
    plane[row : row + 2, 13:] = 8
    return plane


def test_a_spurious_instance_is_never_seen_with_a_delay(device):
    device.script = lambda run: [(aside(2), SURE)] if run == 2 else None
    # On ground that is everywhere the same, the tracker takes the whole of it for the object.
    shown = {}
    for delay in (0, 15):
        done = run(tracker_of(device, delay=delay), map(both_frame, range(14)))
        shown[delay] = [sorted(one.instances) for one in done]
        device.calls.clear()
    assert shown[15] == [[1]] * 14
    assert shown[0][:2] == [[1]] * 2 and any(2 in ids for ids in shown[0])


def test_nothing_unsure_begins(device):
    device.script = lambda _run: [(aside(2), 0.5)]  # a score of 0.62: found, but not begun
    done = run(tracker_of(device), map(both_frame, range(3)))
    assert not any(one.instances for one in done) and all(one.presence > 0.9 for one in done)
    begins = tracker_of(device, new_score=0.6)
    assert run(begins, [both_frame(0)])[0].instances


def test_good_detections_condition_the_tracker(device):
    tracker = tracker_of(device)
    prompted = []
    for index in range(36):
        tracker.step(both_frame(index % 20))
        state = tracker.session.state.objects[1]
        prompted += [index] if state.prompt is not None else []
    assert prompted == [0, 16, 32]
    assert device.calls.count("image_encoder") == 36


def test_a_track_begins_with_the_very_logits_of_its_detection(device):
    """They reach answer and memory as they are, without a way over the frame and back."""
    tracker = tracker_of(device)
    found = []
    look = tracker._detector.__call__

    def detector(*given):
        found.append(look(*given))
        return found[-1]

    tracker._detector = detector
    tracker.step(both_frame(0))
    state = tracker.session.state.objects[1]
    (row,) = np.flatnonzero([(one == state.current.logits).all() for one in found[0].logits])
    assert (found[0].logits[row] > 0).any()
    assert (state.prompt.logits == state.current.logits).all() and state.current.given is None


@pytest.mark.parametrize(
    "logits",
    [np.zeros((GRID, GRID + 1)), np.zeros(GRID), np.full((GRID, GRID), np.nan)],
    ids=["oblong", "flat", "nan"],
)
def test_logits_that_are_no_mask_of_a_grid_are_refused(logits):
    with pytest.raises(PromptError, match="square grid of the masks"):
        Prompt.from_logits(logits)


def test_logits_of_another_grid_are_refused(device):
    session = Session(device)
    with pytest.raises(PromptError, match=f"give the {GRID}x{GRID} logits"):
        session.step(both_frame(0), {1: Prompt.from_logits(np.ones((GRID // 2, GRID // 2)))})
    assert session.object_ids == []


def test_examples_hold_on_their_frame_alone(device):
    box = ConceptPrompt.from_pixels(HEIGHT, WIDTH, None, [(10, 56, 41, 87)])
    done = run(tracker_of(device, box), map(both_frame, range(6)))
    assert device.calls.count("detector") == 1
    assert [one.looked for one in done] == [True] + [False] * 5
    assert all(list(one.instances) == [1] for one in done)
    assert overlap(masks_of(done[-1])[1], square_mask(*corner(5, 56))) > 0.7


def test_text_goes_on_where_examples_end(device):
    both = ConceptPrompt.from_pixels(HEIGHT, WIDTH, "red square", [(10, 56, 41, 87)])
    tracker = tracker_of(device, both)
    tracker.step(both_frame(0))
    assert device.seen["detector"]["geometry"][0, 0].any()
    done = tracker.step(both_frame(1))
    assert not device.seen["detector"]["geometry"][0, :2].any()
    assert sorted(done[0].instances) == [1, 2]


def test_nothing_there_is_nothing_found(device):
    done = run(tracker_of(device, ConceptPrompt("yellow square")), map(both_frame, range(5)))
    assert len(done) == 5 and not any(one.instances or one.saturated for one in done)
    assert set(device.calls) == {"image_encoder", "detector"}


def test_a_full_house_is_said(device):
    planes = [aside(2 * i) for i in range(QUERIES)]
    device.script = lambda _run: [(plane, SURE) for plane in planes]
    assert run(tracker_of(device), [both_frame(0)])[0].saturated
    device.script = lambda _run: None
    two = draw_frame((RED, 10, 16), (RED, 100, 16))
    assert run(tracker_of(device, most=1), [two])[0].saturated
    assert not run(tracker_of(device, most=2), [two])[0].saturated


def test_a_seed_goes_on_under_its_ids(device):
    forward = tracker_of(device, ConceptPrompt("blue square"))
    (start,) = forward.step(both_frame(9))
    back = tracker_of(device, ConceptPrompt("blue square"), delay=15)
    back.seed(both_frame(9), start.instances, forward.next_id)
    done = run(back, [both_frame(i) for i in range(8, -1, -1)])
    assert [list(one.instances) for one in done] == [[1]] * 9
    assert overlap(masks_of(done[-1])[1], square_mask(*corner(0, 56))) > 0.7
    assert back.next_id == 2


def test_bad_input_comes_before_any_work(device, monkeypatch):
    monkeypatch.setattr("host.concepts.phrases.encoder_installed", lambda: False)
    with pytest.raises(DeviceError, match="no concept detector"):
        tracker_of(FakeDevice())
    with pytest.raises(PhraseError, match="zebra"):
        tracker_of(device, ConceptPrompt("zebra"))
    boxes = np.array([(0, 0, 0.1 * i, 1) for i in range(1, 6)], np.float32)
    five = ConceptPrompt(None, boxes, np.ones(5, np.int64))
    with pytest.raises(PromptError, match="5 example boxes"):
        tracker_of(device, five)
    tracker = tracker_of(device)
    with pytest.raises(FrameError, match="float64"):
        tracker.step(np.zeros((HEIGHT, WIDTH, 3)))
    assert not device.calls
    tracker.step(both_frame(0))
    with pytest.raises(FrameError, match="began with"):
        tracker.step(both_frame(0)[:50])


def test_the_same_stream_has_the_same_answer(device):
    def ask():
        done = run(tracker_of(device, delay=5), map(both_frame, range(8)))
        return [(i, one.answer.logits) for result in done for i, one in result.instances.items()]

    assert all(a == b and (x == y).all() for (a, x), (b, y) in zip(ask(), ask(), strict=True))
