"""SAM 3's keys as arrays and as JSON."""

import json

import numpy as np

from host.concepts.outputs import detection_outputs, plain, run_lengths, tracked_outputs
from host.concepts.session import ConceptSession
from host.session import Session
from tests.host.fake_detector import FakeConceptDevice, make_phrases
from tests.host.scenes import HEIGHT, WIDTH, both_frame


def decode(runs):
    """COCO's run lengths, read back."""
    flat = np.concatenate([np.full(n, i % 2, bool) for i, n in enumerate(runs["counts"])])
    return flat.reshape(runs["size"][::-1]).T


def test_run_lengths_read_back():
    rng = np.random.default_rng(0)
    masks = [rng.random((5, 7)) > p for p in (-1, 0, 0.3, 0.7, 2)]
    masks[1][0, 0] = True
    for mask in masks:
        runs = run_lengths(mask)
        assert (decode(runs) == mask).all() and sum(runs["counts"]) == 35
        assert all(n > 0 for n in runs["counts"][1:])
    assert run_lengths(np.array([[0, 1], [1, 1]], bool)) == {"size": [2, 2], "counts": [1, 3]}
    assert run_lengths(np.ones((2, 2), bool))["counts"] == [0, 4]  # zeros come first


def test_detections_under_sam3_s_keys():
    session = ConceptSession(FakeConceptDevice(), make_phrases())
    session.set_image(both_frame(0))
    found = session.detect("red square", [(10, 56, 41, 87)])
    out = detection_outputs(found)
    assert out["out_obj_ids"].tolist() == [1, 2] and out["out_soft_masks"].dtype == np.float32
    assert out["out_boxes_xywh"].max() <= 1
    written = json.loads(json.dumps(plain(out)))
    assert written.keys() == {"out_obj_ids", "out_probs", "out_boxes_xywh", "out_binary_masks"}
    assert (decode(written["out_binary_masks"][0]) == out["out_binary_masks"][0]).all()
    empty = plain(detection_outputs(session.detect("yellow square")))
    assert empty == dict.fromkeys(written, [])
    assert "out_binary_masks" not in plain(out, masks=False)


def test_overlapping_pixels_go_to_the_surer():
    session = ConceptSession(FakeConceptDevice(), make_phrases())
    session.set_image(both_frame(0))
    found = session.detect("red square", [(10, 56, 41, 87)])
    found.video_logits[0] = 1
    found.video_logits[1] = -1
    found.video_logits[1, :10] = 2
    out = detection_outputs(found)
    assert out["out_binary_masks"][1, :10].all() and not out["out_binary_masks"][0, :10].any()
    assert out["out_binary_masks"][0, 10:].all() and (out["out_soft_masks"][0] > 0.7).all()


def test_boxes_of_tracked_masks():
    from host.concepts.tracker import TrackedInstance
    from host.prompts import Prompt

    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[24:48, 40:80] = True
    session = Session(FakeConceptDevice())
    answers = session.step(both_frame(0), {5: Prompt(mask=mask), 3: Prompt(mask=~mask)}).objects
    instances = {i: TrackedInstance.of(one, 0.75) for i, one in answers.items()}
    out = tracked_outputs(instances, HEIGHT, WIDTH)
    assert out["out_obj_ids"].tolist() == [3, 5]  # by rising id
    assert out["out_boxes_xywh"].tolist() == [[0, 0, 1, 1], [0.25, 0.25, 0.25, 0.25]]
    assert out["out_probs"].tolist() == [0.75, 0.75]
    none = tracked_outputs({}, HEIGHT, WIDTH)
    assert none["out_binary_masks"].shape == (0, HEIGHT, WIDTH)
