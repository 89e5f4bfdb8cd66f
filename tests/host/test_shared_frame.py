"""Masks of several objects share the frame, on every interface, unless asked not to."""

import itertools

import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.compat.build_sam import build_sam2_video_predictor
from host.compat.sam3_image import Sam3Processor
from host.concepts.association import Rules
from host.concepts.prompts import ConceptPrompt
from host.concepts.session import ConceptSession
from host.concepts.tracker import ConceptTracker
from host.errors import UsageError
from host.mask_overlap import share, share_frame
from host.media.video import open_source
from host.prompts import Prompt
from host.session import Session
from tests.host.cli.test_main import fake  # noqa: F401 - opens fake devices
from tests.host.fake_detector import FakeConceptDevice, make_phrases
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, square_mask

X = corner(0)[0]
RED = (X, 16, X + 31, 47)
LOW, HIGH = square_mask(10, 16), square_mask(26, 30)
PROMPTS = {
    3: Prompt.from_pixels(HEIGHT, WIDTH, mask=LOW),
    1: Prompt.from_pixels(HEIGHT, WIDTH, mask=HIGH),
}


def disjoint(masks):
    return not any((a & b).any() for a, b in itertools.combinations(masks, 2))


def test_who_gets_a_pixel():
    logits = np.array([[[1, 2, -1, 5]], [[2, 1, -3, 5]], [[-4, 1.5, -2, 5]]], np.float32)
    found = share(logits)
    assert found.tolist() == [[[-10, 2, -1, 5]], [[2, -10, -10, -10]], [[-10, -10, -10, -10]]]
    assert logits[0, 0, 0] == 1 and share(logits[:1]) is not None and share(logits[:0]).size == 0
    assert ((found > 0).any(0) == (logits > 0).any(0)).all()
    frame = share_frame(dict(zip((7, 5, 6), logits, strict=True)))
    assert list(frame) == [7, 5, 6] and (frame[5] == found[1]).all()


@pytest.mark.parametrize("size", [(None, None), (40, 70), (200, 300)])
def test_a_session_s_masks(size):
    session, free = Session(FakeDevice()), Session(FakeDevice(), overlapping=True)
    for index in range(4):
        results = [s.step(both_frame(index), PROMPTS if not index else {}) for s in (session, free)]
        shared, alone = ([r.objects[i].mask(*size) for i in (3, 1)] for r in results)
        assert disjoint(shared) and not disjoint(alone)
        assert (np.any(shared, 0) == np.any(alone, 0)).all()
        for known in results[0].objects.values():
            assert ((known.soft_mask(*size) > 0.5) == known.mask(*size)).all()
        # What is remembered does not know of it.
        for i in (3, 1):
            assert (results[0].objects[i].logits == results[1].objects[i].logits).all()


def test_masks_given_share_too_and_a_single_one_is_left_alone():
    result = Session(FakeDevice()).step(both_frame(0), PROMPTS)
    first, second = (result.objects[i].mask() for i in (3, 1))
    assert disjoint([first, second]) and ((first | second) == (LOW | HIGH)).all()
    alone = Session(FakeDevice()).step(both_frame(0), {3: PROMPTS[3]})
    assert (alone.objects[3].mask() == LOW).all()


def test_the_result_of_a_frame_stays_as_it_was():
    session = Session(FakeDevice())
    first = session.step(both_frame(0), PROMPTS)
    before = first.objects[1].mask()
    session.step(both_frame(5))
    assert (first.objects[1].mask(30, 40)).shape == (30, 40)
    assert (first.objects[1].mask() == before).all()


def test_sam2_s_setting_is_false_unless_overridden():
    def overridden(*overrides):
        return build_sam2_video_predictor(
            device=FakeDevice(), hydra_overrides_extra=list(overrides)
        ).non_overlap_masks

    assert build_sam2_video_predictor(device=FakeDevice()).non_overlap_masks is False
    assert overridden("++model.non_overlap_masks=true") is True
    assert overridden("model.non_overlap_masks=False") is False
    with pytest.raises(UsageError, match="non_overlap_masks=maybe"):
        overridden("++model.non_overlap_masks=maybe")


def test_sam2_s_masks(clip_folder):
    for wanted in (False, True):
        override = [f"++model.non_overlap_masks={str(wanted).lower()}", "++model.sigmoid=1"]
        predictor = build_sam2_video_predictor(device=FakeDevice(), hydra_overrides_extra=override)
        state = predictor.init_state(clip_folder)
        predictor.add_new_mask(state, 0, "low", LOW)
        predictor.add_new_mask(state, 0, "high", HIGH)
        for _, ids, logits in predictor.propagate_in_video(state):
            assert ids == ["low", "high"]
            assert disjoint([np.asarray(plane[0] > 0) for plane in logits]) == wanted


def test_holes_are_filled_where_sam2_s_setting_says_so(tmp_path):
    frame = np.full((HEIGHT, WIDTH, 3), (60, 160, 60), np.uint8)
    frame[12:84, 20:120] = (250, 10, 10)
    frame[36:48, 60:70] = (60, 160, 60)
    cv2.imwrite(str(tmp_path / "0.png"), frame[..., ::-1])
    found = []
    for area in (0, 8):
        override = [f"++model.fill_hole_area={area}"]
        predictor = build_sam2_video_predictor(device=FakeDevice(), hydra_overrides_extra=override)
        state = predictor.init_state(tmp_path)
        found.append(predictor.add_new_points_or_box(state, 0, 1, [(95, 60)], [1])[2])
    assert found[0][0, 0, 41, 65] < 0 < found[1][0, 0, 41, 65]


@pytest.fixture
def concepts():
    device = FakeConceptDevice()
    device.script = lambda _run: [(grid(LOW), 6.0), (grid(HIGH), 5.0)]
    return device


def grid(mask):
    share = cv2.resize(mask.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    return np.where(share > 0.5, 8.0, -8.0) * (1 if mask is LOW else 0.75)


def test_detections_of_a_picture(concepts):
    session = ConceptSession(concepts, make_phrases())
    session.set_image(both_frame(0))
    found = session.detect("red square")
    both = session.detect("red square", overlapping=True)
    assert len(found) == len(both) == 2
    assert disjoint(found.masks) and not disjoint(both.masks)
    assert ((found.soft_masks > 0.5) == found.masks).all()


def test_sam3_s_pictures_are_as_sam3_gives_them(concepts):
    processor = Sam3Processor(concepts)
    processor._session.detector._phrases = make_phrases()
    state = processor.set_text_prompt("red square", processor.set_image(both_frame(0)))
    assert not disjoint(np.asarray(state["masks"])[:, 0])


def test_tracked_concepts(concepts):
    rules = Rules(duplicate_iou=0.9, match_iou=0.9)
    tracker = ConceptTracker(concepts, ConceptPrompt("red square"), rules, make_phrases())
    (frame,) = tracker.step(both_frame(0))
    assert len(frame.instances) == 2
    assert disjoint([plane > 0 for plane in frame.logits(HEIGHT, WIDTH).values()])
    assert not disjoint([plane > 0 for plane in frame.logits(HEIGHT, WIDTH, True).values()])


def test_the_command_line(clip_folder, tmp_path):
    boxes = ("--box", "5,10,45,50", "--box", "20,25,60,60")
    for name, extra in (("shared", ()), ("free", ("--overlap",))):
        outputs = ("--out", f"{name}.mp4", "--masks", name)
        status = main(["track", str(clip_folder), "--device", "fake", *boxes, *outputs, *extra])
        assert status == 0
    shared, free = ([f.image for f in open_source(f"{n}.mp4")] for n in ("shared", "free"))
    assert len(shared) == len(free) == 10
    assert any((a != b).any() for a, b in zip(shared, free, strict=True))
    for path in (tmp_path / "shared").iterdir():
        assert path.read_bytes() == (tmp_path / "free" / path.name).read_bytes()
