"""SAM 3's names over several passes: an id means one instance, what is removed stays removed, and
clicks correct or start objects.
"""

import cv2
import numpy as np
import pytest

from host.compat.sam3 import Sam3VideoPredictor
from host.concepts.association import Rules
from host.errors import PromptError, UnknownObjectError
from tests.host.fake_detector import SURE, FakeConceptDevice, make_phrases
from tests.host.fake_device import NEAR
from tests.host.scenes import BLUE, HEIGHT, RED, SIDE, WIDTH, draw_frame, overlap, square_mask

COUNT = 16
TOP, BOTTOM = 8, 56


def place(index, row):
    return 4 + 6 * index, row


def squares(index):
    """A red square, and below it a blue one on frames 6..11 only."""
    there = [(RED, *place(index, TOP))]
    if 6 <= index <= 11:
        there.append((BLUE, *place(index, BOTTOM)))
    return draw_frame(*there)


FRAMES = [squares(i) for i in range(COUNT)]


class FindsBoth(FakeConceptDevice):
    """To this one every square is an instance; its tracker tells them by their colours."""

    @staticmethod
    def _pieces(colours, tokens):
        found = []
        for colour in (RED, BLUE):
            centre = np.array(colour)[:, None, None] - 128.0
            plane = np.clip((NEAR - np.linalg.norm(colours - centre, axis=0)) / 8, -15.875, 15.875)
            if (plane > 0).any():
                found.append((plane, SURE))
        return found


def make_predictor(device, delay):
    return Sam3VideoPredictor(device, Rules(delay=delay), phrases=make_phrases())


@pytest.fixture(params=[0, 15], ids=["live", "delayed"])
def predictor(request):
    return make_predictor(FindsBoth(), request.param)


@pytest.fixture(params=[0, 15], ids=["live", "delayed"])
def reds(request):
    return make_predictor(FakeConceptDevice(), request.param)


def start(predictor, frames=FRAMES):
    return predictor.start_session(frames)["session_id"]


def rows(outputs):
    """The row of the square that each id has on a frame."""
    found = {}
    for object_id, mask in zip(
        outputs["out_obj_ids"].tolist(), outputs["out_binary_masks"], strict=True
    ):
        found[object_id] = TOP if np.flatnonzero(mask.any(1)).mean() < 48 else BOTTOM
    return found


def stream(predictor, session, **fields):
    request = {"type": "propagate_in_video", "session_id": session, **fields}
    return {r["frame_index"]: rows(r["outputs"]) for r in predictor.handle_stream_request(request)}


def remove(predictor, session, object_id):
    request = {"type": "remove_object", "session_id": session, "obj_id": object_id}
    assert predictor.handle_request(request)["is_success"]


def ask(predictor, session, frame, **fields):
    request = {"type": "add_prompt", "session_id": session, "frame_index": frame, **fields}
    return rows(predictor.handle_request(request)["outputs"])


@pytest.mark.parametrize("begin", range(0, COUNT, 3))
@pytest.mark.parametrize("gone", [TOP, BOTTOM])
def test_what_is_removed_stays_so_wherever_a_pass_begins(predictor, begin, gone):
    session = start(predictor)
    first = ask(predictor, session, 8, text="red square")
    assert sorted(first.values()) == [TOP, BOTTOM]
    remove(predictor, session, next(i for i, row in first.items() if row == gone))
    left = next(i for i, row in first.items() if row != gone)
    frames = stream(predictor, session, start_frame_index=begin)
    assert sorted(frames) == list(range(COUNT))
    for index, found in frames.items():
        there = gone == BOTTOM or 6 <= index <= 11
        assert found == ({left: TOP + BOTTOM - gone} if there else {}), index


@pytest.mark.parametrize("begin", [0, 3, 8, 13, 15])
def test_an_id_means_one_instance_in_every_pass(predictor, begin):
    session = start(predictor)
    first = ask(predictor, session, 8, text="red square")
    for way in ("both", "forward", "backward", "both"):
        frames = stream(predictor, session, start_frame_index=begin, propagation_direction=way)
        for index, found in frames.items():
            for object_id, row in found.items():
                assert first[object_id] == row, (way, index)


def test_removed_after_a_pass_and_between_its_frames(predictor):
    session = start(predictor)
    first = ask(predictor, session, 0, text="red square")
    assert first == {1: TOP}
    whole = stream(predictor, session)
    (below,) = {i for found in whole.values() for i, row in found.items() if row == BOTTOM}
    remove(predictor, session, below)
    for begin in (0, 5, 7, 12):
        for index, found in stream(predictor, session, start_frame_index=begin).items():
            assert found == {1: TOP}, (begin, index)
    seen = []
    for response in predictor.propagate_in_video(session):
        seen.append(rows(response["outputs"]))
        if response["frame_index"] == 4:
            remove(predictor, session, 1)
    assert seen == [{1: TOP}] * 5 + [{}] * (COUNT - 5)


def test_both_squares_removed_leaves_nothing(predictor):
    session = start(predictor)
    for object_id in ask(predictor, session, 9, text="red square"):
        remove(predictor, session, object_id)
        remove(predictor, session, object_id)  # twice is once
    assert not any(stream(predictor, session, start_frame_index=0).values())
    # Asked anew, everything is there again.
    assert len(ask(predictor, session, 9, text="red square")) == 2


def test_ids_that_were_never_given(predictor):
    session = start(predictor)
    with pytest.raises(UnknownObjectError, match="object 1 is not known.*none"):
        remove(predictor, session, 1)
    ask(predictor, session, 0, text="red square")
    with pytest.raises(UnknownObjectError, match="object 5.*known: 1"):
        remove(predictor, session, 5)
    predictor.reset_session(session)
    with pytest.raises(UnknownObjectError):
        remove(predictor, session, 1)


def test_two_sessions_do_not_mix(predictor):
    one, other = start(predictor), start(predictor)
    for session in (one, other):
        ask(predictor, session, 8, text="red square")
    remove(predictor, one, 1)
    assert all(1 not in found for found in stream(predictor, one).values())
    assert any(1 in found for found in stream(predictor, other).values())


def with_blue(index):
    frame = squares(index)
    x, y = 100 - 2 * index, BOTTOM
    frame[y : y + SIDE, x : x + SIDE] = BLUE
    return frame


def blue_mask(index):
    return square_mask(100 - 2 * index, BOTTOM)


CLIP = [with_blue(i) for i in range(6)]


def click(reds, session, frame, object_id, points, labels):
    where = (np.asarray(points, float) + 0.5) / (WIDTH, HEIGHT)
    return reds.handle_request(
        {
            "type": "add_prompt",
            "session_id": session,
            "frame_index": frame,
            "points": where,
            "point_labels": labels,
            "obj_id": object_id,
        }
    )["outputs"]


def masks(reds, session, **fields):
    request = {"type": "propagate_in_video", "session_id": session, **fields}
    return {
        r["frame_index"]: dict(
            zip(r["outputs"]["out_obj_ids"].tolist(), r["outputs"]["out_binary_masks"], strict=True)
        )
        for r in reds.handle_stream_request(request)
    }


@pytest.mark.parametrize("frame", [0, 2, 5])
@pytest.mark.parametrize("begin", [None, 0, 3, 5])
def test_a_click_starts_an_object_beside_the_concept(reds, frame, begin):
    session = start(reds, CLIP)
    ask(reds, session, 0, text="red square")
    out = click(reds, session, frame, 9, [(100 - 2 * frame + 16, BOTTOM + 16)], [1])
    assert 9 in out["out_obj_ids"]
    row = out["out_obj_ids"].tolist().index(9)
    assert overlap(out["out_binary_masks"][row], blue_mask(frame)) > 0.7
    frames = masks(reds, session, start_frame_index=begin)
    assert sorted(frames) == list(range(6))
    for index, found in frames.items():
        assert sorted(found) == [1, 9], index
        assert overlap(found[9], blue_mask(index)) > 0.6, index
        assert overlap(found[1], square_mask(*place(index, TOP))) > 0.6, index
    assert (frames[frame][9] == out["out_binary_masks"][row]).all()


def test_clicks_alone_are_a_session_too(reds):
    session = start(reds, CLIP)
    click(reds, session, 3, 4, [(94 + 16, BOTTOM + 16)], [1])
    frames = masks(reds, session)
    assert list(frames) == [3, 4, 5, 2, 1, 0]
    for index, found in frames.items():
        assert list(found) == [4] and overlap(found[4], blue_mask(index)) > 0.6
    remove(reds, session, 4)
    assert not any(masks(reds, session, start_frame_index=0).values())
    reds.reset_session(session)
    with pytest.raises(PromptError, match="nothing to propagate"):
        masks(reds, session)


def test_clicks_correct_what_the_concept_found(reds):
    session = start(reds, CLIP)
    ask(reds, session, 0, text="red square")
    before = masks(reds, session)
    x, y = place(2, TOP)
    out = click(reds, session, 2, 1, [(x + 2, y + 2)], [0])
    corrected = out["out_binary_masks"][0]
    assert out["out_obj_ids"].tolist() == [1] and corrected.sum() < before[2][1].sum()
    assert corrected.any()
    device = reds.device
    assert device.seen["mask_decoder"]["dense_prompt"][0, 0].any()  # what was there went in
    after = masks(reds, session)
    assert (after[2][1] == corrected).all()
    assert all(list(found) == [1] for found in after.values())
    # Other clicks on that frame take the place of these.
    again = click(reds, session, 2, 1, [(x + 30, y + 30)], [0])["out_binary_masks"][0]
    assert again[y + 2 : y + 6, x + 2 : x + 6].any() and not again[y + 30, x + 30]


def test_a_removed_object_that_is_clicked_on_is_back(reds):
    session = start(reds, CLIP)
    ask(reds, session, 0, text="red square")
    remove(reds, session, 1)
    x, y = place(1, TOP)
    click(reds, session, 1, 1, [(x + 16, y + 16)], [1])
    for index, found in masks(reds, session).items():
        assert list(found) == [1] and overlap(found[1], square_mask(*place(index, TOP))) > 0.6


def test_a_bad_click_changes_nothing(reds):
    session = start(reds, CLIP)
    ask(reds, session, 0, text="red square")
    with pytest.raises(PromptError, match="background"):
        click(reds, session, 0, 7, [(30, 30)], [0])
    assert all(list(found) == [1] for found in masks(reds, session).values())


def test_a_video_of_one_frame(reds, tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), with_blue(0)[..., ::-1])
    session = reds.start_session(tmp_path / "one.png")["session_id"]
    ask(reds, session, 0, text="red square")
    click(reds, session, 0, 2, [(116, BOTTOM + 16)], [1])
    assert sorted(masks(reds, session)[0]) == [1, 2]
    remove(reds, session, 1)
    assert sorted(masks(reds, session)[0]) == [2]
