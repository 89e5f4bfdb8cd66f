"""Concept sessions: phrases and examples on a picture, and every bad input named."""

import numpy as np
import pytest

from host.concepts import phrases as phrase_module
from host.concepts.phrases import PhraseError
from host.concepts.session import ConceptDetector, ConceptSession
from host.errors import BundleError, DeviceError, FrameError, PromptError
from host.prompts import Prompt
from tests.host.fake_detector import (
    QUERIES,
    FakeConceptDevice,
    make_phrases,
    vocabulary_of,
    write_concept_bundle,
)
from tests.host.fake_device import FakeDevice
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

RED_BOX = (10, 16, 41, 47)
BLUE_BOX = (10, 56, 41, 87)


@pytest.fixture(params=[True, False], ids=["integer", "float"])
def device(request):
    return FakeConceptDevice(integer=request.param)


@pytest.fixture
def session(device):
    session = ConceptSession(device, make_phrases())
    session.set_image(both_frame(0))
    return session


def test_a_phrase_finds_its_instances(session, device):
    found = session.detect("red square")
    assert len(found) == 1 and found.presence > 0.9 and found.scores[0] > 0.9
    assert overlap(found.masks[0], square_mask(*corner(0))) > 0.8
    assert found.boxes[0] == pytest.approx(RED_BOX, abs=8)
    assert overlap(found.semantic_mask, square_mask(*corner(0))) > 0.8
    two = draw_frame((RED, 10, 16), (RED, 100, 30))
    session.set_image(two)
    assert len(session.detect("a  Red square")) == 2  # phrases are normalised


def test_no_instance_is_an_empty_result(session):
    found = session.detect("yellow square")
    assert len(found) == 0 and found.masks.shape == (0, HEIGHT, WIDTH)
    assert found.presence < 0.1 and not found.semantic_mask.any()


def test_an_example_finds_its_like(session):
    for box, y in ((RED_BOX, 16), (BLUE_BOX, 56)):
        found = session.detect(boxes=[(*box, 1)])
        assert len(found) == 1 and overlap(found.masks[0], square_mask(10, y)) > 0.8
    assert len(session.detect(boxes=[(12, 20, 36, 40), (12, 60, 36, 80)])) == 2


def test_a_negative_example_takes_away(session):
    assert len(session.detect(boxes=[(*RED_BOX, 1), (*BLUE_BOX, 1)])) == 2
    found = session.detect("red square", boxes=[(*BLUE_BOX, 1), (15, 20, 30, 40, 0)])
    assert len(found) == 1 and overlap(found.masks[0], square_mask(10, 56)) > 0.8


def test_the_image_is_encoded_once_for_detector_and_tracker(session, device):
    session.detect("red square")
    session.detect(boxes=[RED_BOX])
    box = Prompt.from_pixels(HEIGHT, WIDTH, box=BLUE_BOX)
    objects = session.tracker.refine({1: box}).objects
    assert overlap(objects[1].mask(), square_mask(10, 56)) > 0.8
    assert device.calls.count("image_encoder") == 1 and device.calls.count("detector") == 2
    for name in ("features", "skip8", "skip4"):
        given = device.seen["detector"][name]
        assert (given == device._out["image_encoder"][name]).all()


def test_more_instances_than_queries_is_said(session):
    frame = draw_frame()
    for i in range(QUERIES + 1):  # two columns of bars, each a row of cells and a gap
        frame[24 * (i // 2) : 24 * (i // 2) + 12, 80 * (i % 2) : 80 * (i % 2) + 60] = RED
    session.set_image(frame)
    found = session.detect("red square")
    assert found.saturated and len(found) == QUERIES


def test_pictures_of_any_size_follow_one_another(session):
    session.set_image(both_frame(0)[:64, :90])
    assert session.detect("red square").masks.shape == (1, 64, 90)


BAD = [
    ({}, PromptError, "empty prompt"),
    ({"text": ""}, PhraseError, "empty"),
    ({"text": "   "}, PhraseError, "empty"),
    ({"text": "zebra"}, PhraseError, "'zebra' is not in the vocabulary"),
    ({"text": 7}, PhraseError, "not text"),
    ({"boxes": [(200, 16, 300, 47, 1)]}, PromptError, "outside the 160x96 frame"),
    ({"boxes": [(10, 16, 9, 47, 1)]}, PromptError, "is empty"),
    ({"boxes": [(*RED_BOX, 0)]}, PromptError, "only examples of what not to find"),
    ({"boxes": [(*RED_BOX, 1), (*RED_BOX, 0)]}, PromptError, "positive and negative"),
    ({"boxes": [(i, i, i + 20, i + 20) for i in range(0, 50, 10)]}, PromptError, "5 example boxes"),
    ({"text": "red square", "threshold": 2}, PromptError, "threshold 2"),
]


@pytest.mark.parametrize(("asked", "kind", "text"), BAD)
def test_bad_prompts_are_named_before_anything_runs(asked, kind, text, monkeypatch):
    monkeypatch.setattr(phrase_module, "encoder_installed", lambda: False)
    device = FakeConceptDevice()
    session = ConceptSession(device, make_phrases())
    session.set_image(both_frame(0))
    with pytest.raises(kind, match=text) as caught:
        session.detect(**asked)
    assert caught.value.remedy and not device.calls


def test_an_unknown_phrase_names_those_spelled_like_it(monkeypatch):
    monkeypatch.setattr(phrase_module, "encoder_installed", lambda: False)
    session = ConceptSession(FakeConceptDevice(), make_phrases())
    session.set_image(both_frame(0))
    with pytest.raises(PhraseError, match="'red square'.*pip install"):
        session.detect("red squares")


def test_a_device_without_a_detector():
    with pytest.raises(DeviceError, match="no concept detector"):
        ConceptSession(FakeDevice())


def test_an_image_comes_first(device):
    session = ConceptSession(device, make_phrases())
    with pytest.raises(FrameError, match="set_image"):
        session.detect("red square")
    with pytest.raises(FrameError, match="float"):
        session.set_image(np.zeros((4, 4, 3)))  # type: ignore[arg-type]


def test_the_vocabulary_comes_from_the_bundle(tmp_path):
    write_concept_bundle(tmp_path / "b")
    vocabulary = vocabulary_of(tmp_path / "b")
    device = FakeConceptDevice(vocabulary)
    session = ConceptSession(device)
    session.set_image(both_frame(0))
    assert len(session.detect("blue square")) == 1
    vocabulary.unlink()
    with pytest.raises(BundleError, match="vocabulary"):
        ConceptDetector(device).check(_prompt("blue square"))
    with pytest.raises(DeviceError, match="no vocabulary"):
        ConceptDetector(FakeConceptDevice()).check(_prompt("blue square"))


def _prompt(text):
    from host.concepts.prompts import ConceptPrompt

    return ConceptPrompt(text)


def test_the_same_question_has_the_same_answer(device):
    def ask():
        session = ConceptSession(device, make_phrases())
        session.set_image(both_frame(0))
        return session.detect("red square", boxes=[BLUE_BOX])

    a, b = ask(), ask()
    assert (a.logits == b.logits).all() and (a.scores == b.scores).all()
    assert (a.boxes == b.boxes).all()
