"""SAM 3's names: processor, requests and outputs."""

import cv2
import numpy as np
import pytest

from host.compat.sam3 import (
    Sam3Processor,
    Sam3VideoPredictor,
    build_sam3_image_model,
    build_sam3_video_predictor,
)
from host.concepts.association import Rules
from host.concepts.phrases import PhraseError
from host.devices.registry import default_bundle
from host.errors import (
    DeviceError,
    FrameError,
    PromptError,
    SourceError,
    UnknownObjectError,
    UsageError,
)
from tests.host.fake_detector import (
    SURE,
    FakeConceptDevice,
    make_phrases,
    vocabulary_of,
    write_concept_bundle,
)
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask

KEYS = {"out_obj_ids", "out_probs", "out_boxes_xywh", "out_binary_masks", "out_soft_masks"}
RED_CENTRE = [26 / WIDTH, 32 / HEIGHT, 32 / WIDTH, 32 / HEIGHT]
BLUE_CENTRE = [26 / WIDTH, 72 / HEIGHT, 32 / WIDTH, 32 / HEIGHT]
BLUE_XYWH = [10 / WIDTH, 56 / HEIGHT, 32 / WIDTH, 32 / HEIGHT]


@pytest.fixture
def device(tmp_path):
    write_concept_bundle(tmp_path / "fake_bundle")
    return FakeConceptDevice(vocabulary_of(tmp_path / "fake_bundle"))


@pytest.fixture
def processor(device):
    return Sam3Processor(device)


@pytest.fixture
def predictor(device):
    return Sam3VideoPredictor(device)


def test_a_picture_and_a_phrase(processor, device):
    state = processor.set_image(both_frame(0))
    output = processor.set_text_prompt(state=state, prompt="red square")
    assert output is state
    masks, boxes, scores = output["masks"], output["boxes"], output["scores"]
    assert masks.shape == output["masks_logits"].shape == (1, 1, HEIGHT, WIDTH)
    assert np.asarray(masks).dtype == bool and boxes.shape == (1, 4) and scores.shape == (1,)
    assert overlap(masks.cpu().numpy()[0, 0], square_mask(*corner(0))) > 0.7
    assert float(scores[0]) > 0.9 and output["original_width"] == WIDTH
    processor.set_text_prompt(prompt="blue square", state=state)  # in place of the other
    assert overlap(state["masks"][0, 0], square_mask(*corner(0, 56))) > 0.7
    assert device.calls.count("image_encoder") == 1


def test_boxes_add_up_and_can_be_taken_back(processor):
    state = processor.set_image(both_frame(0))
    processor.add_geometric_prompt(box=RED_CENTRE, label=True, state=state)
    assert len(state["scores"]) == 1
    processor.add_geometric_prompt(BLUE_CENTRE, True, state)
    assert len(state["scores"]) == 2
    processor.reset_all_prompts(state)
    assert "masks" not in state and "geometric_prompt" not in state
    processor.set_text_prompt("red square", state)
    processor.add_geometric_prompt(BLUE_CENTRE, True, state)
    assert len(state["scores"]) == 2
    processor.add_geometric_prompt([0.16, 0.3, 0.1, 0.2], False, state)
    assert len(state["scores"]) == 1


def test_a_box_may_cross_the_border(processor):
    state = processor.set_image(both_frame(0))
    processor.add_geometric_prompt([0.1, 0.15, 0.3, 0.3], True, state)
    assert state["geometric_prompt"][0] == pytest.approx(np.array([[0, 0, 0.25, 0.3]]))
    before = dict(state)
    for box, text in (
        ([1.2, 0.5, 0.2, 0.2], "outside"),
        ([0.5, 0.5, 0, 0.2], "empty"),
        ([0.5, 0.5, 0.2], "3 numbers"),
    ):
        with pytest.raises(PromptError, match=text):
            processor.add_geometric_prompt(box, True, state)
    with pytest.raises(PromptError, match="positive and negative"):
        processor.add_geometric_prompt([0.125, 0.15, 0.25, 0.3], False, state)
    for x in (0.3, 0.5, 0.7):
        processor.add_geometric_prompt([x, 0.5, 0.1, 0.1], False, state)
    with pytest.raises(PromptError, match="5 example boxes"):
        processor.add_geometric_prompt([0.9, 0.5, 0.1, 0.1], False, state)
    assert len(state["geometric_prompt"][0]) == 4 and before["scores"].shape == (1,)


def test_the_threshold_can_change(processor, device):
    device.script = lambda _run: [(np.where(np.eye(GRID) > 0, 8.0, -8.0), 1.0)]  # a score of 0.73
    state = processor.set_text_prompt("red square", processor.set_image(both_frame(0)))
    assert len(state["scores"]) == 1
    assert len(processor.set_confidence_threshold(0.8, state)["scores"]) == 0
    assert len(processor.set_confidence_threshold(0.6, state)["scores"]) == 1
    assert processor.set_confidence_threshold(0.5) is None


def test_two_pictures_by_turns(processor):
    first = processor.set_image(both_frame(0))
    second = processor.set_image(both_frame(9))
    processor.set_text_prompt("red square", first)
    processor.set_text_prompt("red square", second)
    assert overlap(first["masks"][0, 0], square_mask(*corner(0))) > 0.7
    assert overlap(second["masks"][0, 0], square_mask(*corner(9))) > 0.7


def test_bad_calls_of_the_processor(processor):
    with pytest.raises(FrameError, match="set_image"):
        processor.set_text_prompt("cat", {})
    state = processor.set_image(both_frame(0))
    with pytest.raises(PhraseError, match="empty"):
        processor.set_text_prompt("", state)
    with pytest.raises(DeviceError, match="no concept detector"):
        Sam3Processor(FakeDevice())


def start(predictor, source):
    return predictor.handle_request({"type": "start_session", "resource_path": str(source)})[
        "session_id"
    ]


def ask(predictor, session, **fields):
    request = {"type": "add_prompt", "session_id": session, "frame_index": 0, **fields}
    return predictor.handle_request(request)


def stream(predictor, session, **fields):
    request = {"type": "propagate_in_video", "session_id": session, **fields}
    return {
        response["frame_index"]: response["outputs"]
        for response in predictor.handle_stream_request(request)
    }


def test_a_video_by_requests(predictor, clip_folder, device):
    session = start(predictor, clip_folder)
    response = ask(predictor, session, text="red square")
    assert response["frame_index"] == 0 and response["outputs"].keys() >= KEYS
    assert response["outputs"]["out_obj_ids"].tolist() == [1]
    frames = stream(predictor, session)
    assert list(frames) == list(range(10))
    for index, out in frames.items():
        assert out["out_obj_ids"].tolist() == [1] and out["out_obj_ids"].dtype == np.int64
        assert out["out_binary_masks"].shape == (1, HEIGHT, WIDTH)
        assert out["out_binary_masks"].dtype == bool
        assert overlap(out["out_binary_masks"][0], square_mask(*corner(index))) > 0.7
        assert (out["out_binary_masks"] == (out["out_soft_masks"] > 0.5)).all()
        x, y = corner(index)
        expected = [x / WIDTH, y / HEIGHT, 32 / WIDTH, 32 / HEIGHT]
        assert out["out_boxes_xywh"][0] == pytest.approx(expected, abs=0.1)
        assert out["out_probs"] == pytest.approx([0.99], abs=0.02)
    assert predictor.handle_request({"type": "close_session", "session_id": session})["is_success"]
    with pytest.raises(UnknownObjectError, match="no session"):
        ask(predictor, session, text="red square")
    assert predictor.handle_request({"type": "close_session", "session_id": session})["is_success"]


def test_examples_are_boxes_with_labels(predictor, clip_folder):
    session = start(predictor, clip_folder)
    out = ask(predictor, session, bounding_boxes=[BLUE_XYWH], bounding_box_labels=[1])["outputs"]
    assert overlap(out["out_binary_masks"][0], square_mask(*corner(0, 56))) > 0.7
    frames = stream(predictor, session, propagation_direction="forward")
    assert overlap(frames[9]["out_binary_masks"][0], square_mask(*corner(9, 56))) > 0.7


def test_both_ways_under_the_same_ids(predictor, clip_folder):
    session = start(predictor, clip_folder)
    box = [corner(5)[0] / WIDTH, 16 / HEIGHT, 32 / WIDTH, 32 / HEIGHT]
    for fields in (
        {"text": "red square"},
        {"bounding_boxes": [box], "bounding_box_labels": [1]},
    ):
        ask(predictor, session, frame_index=5, **fields)
        frames = stream(predictor, session)
        assert list(frames) == [5, 6, 7, 8, 9, 4, 3, 2, 1, 0]
        for index, out in frames.items():
            assert out["out_obj_ids"].tolist() == [1]
            assert overlap(out["out_binary_masks"][0], square_mask(*corner(index))) > 0.7
    assert list(stream(predictor, session, propagation_direction="backward")) == [4, 3, 2, 1, 0]
    part = {"propagation_direction": "forward", "max_frame_num_to_track": 2}
    assert list(stream(predictor, session, **part)) == [5, 6, 7]
    both = {"start_frame_index": 5, "max_frame_num_to_track": 1}
    assert list(stream(predictor, session, **both)) == [5, 6, 4]


def test_objects_can_be_removed_and_prompts_replaced(clip_folder, device):
    # Without delay: what the phrase alone does not find would else be withdrawn.
    predictor = Sam3VideoPredictor(device, Rules())
    session = start(predictor, clip_folder)
    out = ask(
        predictor, session, text="red square", bounding_boxes=[BLUE_XYWH], bounding_box_labels=[1]
    )["outputs"]
    assert out["out_obj_ids"].tolist() == [1, 2]
    assert not (out["out_binary_masks"][0] & out["out_binary_masks"][1]).any()
    remove = {"type": "remove_object", "session_id": session, "obj_id": 1}
    assert predictor.handle_request(remove)["is_success"]
    assert all(o["out_obj_ids"].tolist() == [2] for o in stream(predictor, session).values())
    ask(predictor, session, text="red square")
    assert all(o["out_obj_ids"].tolist() == [1] for o in stream(predictor, session).values())
    predictor.handle_request({"type": "reset_session", "session_id": session})
    with pytest.raises(PromptError, match="add a prompt first"):
        stream(predictor, session)


def test_spurious_instances_never_show(predictor, clip_folder, device):
    spurious = np.full((GRID, GRID), -15.875)
    spurious[2:4, 13:] = 8
    session = start(predictor, clip_folder)
    ask(predictor, session, text="red square")
    begun = device.calls.count("detector")
    device.script = lambda run: [(spurious, SURE)] if run == begun + 1 else None
    frames = stream(predictor, session)
    assert [out["out_obj_ids"].tolist() for out in frames.values()] == [[1]] * 10


def test_no_instance_is_empty_and_well_formed(predictor, clip_folder):
    session = start(predictor, clip_folder)
    ask(predictor, session, text="yellow square")
    for out in stream(predictor, session).values():
        assert out["out_obj_ids"].shape == out["out_probs"].shape == (0,)
        assert out["out_boxes_xywh"].shape == (0, 4)
        assert out["out_binary_masks"].shape == out["out_soft_masks"].shape == (0, HEIGHT, WIDTH)


def test_a_picture_is_a_session_too(predictor, tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), both_frame(0)[:, :, ::-1])
    session = start(predictor, tmp_path / "one.png")
    assert ask(predictor, session, text="red square")["outputs"]["out_obj_ids"].tolist() == [1]
    assert list(stream(predictor, session)) == [0]


BAD = [
    ({"type": "fly"}, UsageError, "type 'fly'"),
    ({}, UsageError, "without type"),
    ({"type": "start_session"}, UsageError, "without resource_path"),
    ({"type": "start_session", "resource_path": "nowhere.mp4"}, SourceError, "nowhere"),
    ({"type": "add_prompt", "frame_index": 0}, UsageError, "without session_id"),
    ({"type": "start_sesion"}, UsageError, "did you mean start_session"),
    ({"type": ["add_prompt"]}, UsageError, "type"),
    ([("type", "add_prompt")], UsageError, "give a dictionary"),
    ({"type": "start_session", "resource": "x"}, UsageError, "'resource'.*mean resource_path"),
    ({"type": "close_session", "session": "x"}, UsageError, "'session'.*mean session_id"),
    ({"type": "close_session", "session_id": ["x"]}, UsageError, "give a text"),
]
MISSPELT = [
    ({"frame_idx": 0}, "'frame_idx'.*mean frame_index"),
    ({"texts": "red square"}, "'texts'.*mean text"),
    ({"boxes": [BLUE_XYWH]}, "'boxes'.*bounding_boxes"),
    ({"bounding_box_label": [1]}, "mean bounding_box_labels"),
    ({"text": 5}, "text 5.*give a text"),
    ({"text": "red square", "obj_id": "1"}, "obj_id '1'"),
    ({"text": "red square", "obj_id": True}, "obj_id True"),
    ({3: "red square"}, "3 is no field"),
]
BAD_PROMPTS = [
    ({}, PromptError, "empty prompt"),
    ({"text": " "}, PhraseError, "empty"),
    ({"text": "red square", "frame_index": 10}, FrameError, "frame 10 of a video of 10"),
    ({"text": "red square", "frame_index": "x"}, FrameError, "'x'"),
    ({"bounding_boxes": [[1.1, 0.9, 0.2, 0.2]]}, PromptError, "outside"),
    ({"bounding_boxes": [[0.9, 0.9, 0.2]]}, PromptError, r"shape \(1, 3\)"),
    ({"bounding_boxes": [BLUE_XYWH], "bounding_box_labels": [0]}, PromptError, "only examples"),
    ({"bounding_boxes": [BLUE_XYWH], "bounding_box_labels": [1, 0]}, PromptError, "2 labels"),
    ({"bounding_boxes": [BLUE_XYWH], "bounding_box_labels": [[1], [1, 0]]}, PromptError, "labels"),
    ({"bounding_boxes": [BLUE_XYWH], "bounding_box_labels": ["yes"]}, PromptError, "labels"),
    ({"points": [[0.5, 0.5]], "point_labels": [1]}, UsageError, "without obj_id"),
    (
        {"points": [[0.5, 0.5]], "point_labels": [1], "text": "red square", "obj_id": 1},
        UsageError,
        "together",
    ),
    ({"text": "red square", "obj_id": 1}, UsageError, "obj_id without points"),
    ({"points": [[0.5, 0.5]], "obj_id": 1}, PromptError, "come together"),
    ({"points": [[0.5, 0.5]], "point_labels": [1, 0], "obj_id": 1}, PromptError, "2 labels"),
    ({"points": [[50, 50]], "point_labels": [1], "obj_id": 1}, PromptError, "outside"),
    ({"points": [[0.5, 0.5]], "point_labels": [0], "obj_id": 1}, PromptError, "background"),
]


@pytest.mark.parametrize(("request_", "kind", "text"), BAD)
def test_bad_requests(predictor, request_, kind, text):
    with pytest.raises(kind, match=text):
        predictor.handle_request(request_)


@pytest.mark.parametrize(("fields", "text"), MISSPELT)
def test_misspelt_fields_are_named(predictor, clip_folder, device, fields, text):
    session = start(predictor, clip_folder)
    with pytest.raises(UsageError, match=text):
        predictor.handle_request(
            {"type": "add_prompt", "session_id": session, "frame_index": 0, **fields}
        )
    assert not device.calls


def test_misspelt_fields_of_a_stream_are_named_before_it_runs(predictor, clip_folder, device):
    session = start(predictor, clip_folder)
    ask(predictor, session, text="red square")
    device.calls.clear()
    request = {"type": "propagate_in_video", "session_id": session}
    for fields, text in (
        ({"start_frame_idx": 1}, "mean start_frame_index"),
        ({"direction": "both"}, "mean propagation_direction"),
        ({"max_frames": 3}, "mean max_frame_num_to_track"),
        ({"propagation_direction": 1}, "give a text"),
    ):
        with pytest.raises(UsageError, match=text):
            predictor.handle_stream_request({**request, **fields})
    for count in (-1, 1.5, "3"):
        with pytest.raises(FrameError, match="frames to track"):
            stream(predictor, session, max_frame_num_to_track=count)
    assert not device.calls
    unset = {"propagation_direction": None, "start_frame_index": None}
    assert list(stream(predictor, session, **unset)) == list(range(10))


@pytest.mark.parametrize(("fields", "kind", "text"), BAD_PROMPTS)
def test_bad_prompts(predictor, clip_folder, device, fields, kind, text):
    session = start(predictor, clip_folder)
    with pytest.raises(kind, match=text):
        ask(predictor, session, **fields)
    assert not device.calls


def test_bad_streams(predictor, clip_folder):
    session = start(predictor, clip_folder)
    with pytest.raises(UsageError, match="'fly'"):
        predictor.handle_stream_request({"type": "fly"})
    ask(predictor, session, bounding_boxes=[BLUE_XYWH], bounding_box_labels=[1])
    with pytest.raises(UsageError, match="sideways"):
        stream(predictor, session, propagation_direction="sideways")
    with pytest.raises(PromptError, match="examples of frame 0 propagated from frame 3"):
        stream(predictor, session, start_frame_index=3)
    with pytest.raises(FrameError, match="frame 12"):
        stream(predictor, session, start_frame_index=12)


def test_builders(device, tmp_path, monkeypatch):
    assert build_sam3_image_model(device=device) is device
    predictor = build_sam3_video_predictor(device=device, gpus_to_use=[0])
    assert predictor.device is device and predictor.rules.delay == 15
    with pytest.raises(DeviceError, match="no concept detector"):
        build_sam3_image_model(device=FakeDevice())
    with pytest.raises(UsageError, match="mean enable_segmentation"):
        build_sam3_image_model(device=device, enable_segmentations=True)
    with pytest.raises(UsageError, match="mean compile"):
        build_sam3_video_predictor(device=device, compiled=True)
    monkeypatch.chdir(tmp_path)
    write_concept_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    assert default_bundle().name == "nano_fake_0"
    assert make_phrases().phrases == load_phrases(tmp_path / "bitstreams" / "nano_fake_0")


def load_phrases(folder):
    from host.concepts.phrases import Phrases

    return Phrases.load(vocabulary_of(folder)).phrases
