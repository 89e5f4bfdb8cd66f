"""SAM 2's shapes: one object or a batch of them, in points, labels, boxes and masks."""

from typing import Any

import numpy as np
import pytest

from host.compat.build_sam import build_sam2_video_predictor
from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.sam2_prompts import flag_of
from host.compat.video_predictor import SAM2VideoPredictor
from host.errors import FrameError, PromptError
from tests.host.fake_device import GRID, FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask

RED, BLUE = square_mask(*corner(0)), square_mask(*corner(0, 56))
RED_POINT, BLUE_POINT = (corner(0)[0] + 16, 32), (corner(0)[0] + 16, 72)
X = corner(0)[0]
RED_BOX, BLUE_BOX = (X, 16, X + 31, 47), (X, 56, X + 31, 87)
SHAPES = {True: 3, False: 1}


@pytest.fixture
def predictor():
    predictor = SAM2ImagePredictor(FakeDevice())
    predictor.set_image(both_frame(0))
    return predictor


def both(masks):
    assert masks.shape[0] == 2
    assert overlap(masks[0, 0] > 0, RED) > 0.8 and overlap(masks[1, 0] > 0, BLUE) > 0.8


@pytest.mark.parametrize("multimask", [True, False])
def test_points_of_two_objects(predictor, multimask):
    points, labels = np.array([[RED_POINT], [BLUE_POINT]]), np.ones((2, 1), np.int32)
    masks, scores, logits = predictor.predict(points, labels, multimask_output=multimask)
    count = SHAPES[multimask]
    assert masks.shape == (2, count, HEIGHT, WIDTH) and scores.shape == (2, count)
    assert logits.shape == (2, count, GRID, GRID)
    both(masks[:, -1:])
    near = points / (WIDTH, HEIGHT)
    again, _, _ = predictor.predict(
        near, labels, multimask_output=multimask, normalize_coords=False
    )
    assert (again == masks).all()


def test_each_object_is_answered_as_if_alone(predictor):
    rows = np.array([[RED_POINT, (100, 5)], [BLUE_POINT, (0, 0)]])
    labels = np.array([[1, 0], [1, -1]])  # the second has one point only
    masks, scores, logits = predictor.predict(rows, labels, return_logits=True)
    for row, (points, kinds) in enumerate([(rows[0], [1, 0]), (rows[1][:1], [1])]):
        alone = predictor.predict(points, kinds, return_logits=True)
        for found, wanted in zip((masks, scores, logits), alone, strict=True):
            assert (found[row] == wanted).all()


@pytest.mark.parametrize("shape", [(2, 4), (2, 2, 2), (2, 1, 4), (1, 2, 4)])
def test_boxes_of_two_objects(predictor, shape):
    boxes = np.array([RED_BOX, BLUE_BOX], np.float32).reshape(shape)
    masks, scores, _ = predictor.predict(box=boxes, multimask_output=False)
    assert masks.shape == (2, 1, HEIGHT, WIDTH) and scores.shape == (2, 1)
    both(masks)


def test_each_box_takes_its_own_points(predictor):
    boxes, points = [RED_BOX, BLUE_BOX], [[RED_POINT], [BLUE_POINT]]
    masks, _, _ = predictor.predict(points, [[1], [1]], boxes, multimask_output=False)
    both(masks)
    away = [[(X + 2, 18)], [(X + 2, 58)]]  # a background click in each box
    predictor.predict(away, [[0], [0]], boxes, multimask_output=False)
    drawn = predictor.model.device.seen["mask_decoder"]["dense_prompt"][0]
    assert drawn[2, : GRID // 2].sum() == 0 and drawn[2].any()  # not the red one's


def test_masks_of_two_objects(predictor):
    points, labels = [[RED_POINT], [BLUE_POINT]], [[1], [1]]
    _, _, logits = predictor.predict(points, labels, multimask_output=False)
    masks, _, _ = predictor.predict(mask_input=logits, multimask_output=False)
    both(masks)
    masks, _, _ = predictor.predict(points, labels, mask_input=logits, multimask_output=False)
    both(masks)
    one = predictor.predict(points, labels, mask_input=logits[0], multimask_output=False)
    assert one[0].shape == (2, 1, HEIGHT, WIDTH)  # one mask counts for all, as in SAM 2


@pytest.mark.parametrize("lead", [(1,), (), (1, 1)])
def test_a_batch_of_one_is_one_object(predictor, lead):
    points = np.array(RED_POINT).reshape(*lead, 1, 2) if lead != () else np.array(RED_POINT)
    masks, scores, logits = predictor.predict(points, np.ones((*lead, 1)), multimask_output=False)
    assert masks.shape == (1, HEIGHT, WIDTH) and scores.shape == (1,)
    assert logits.shape == (1, GRID, GRID) and overlap(masks[0] > 0, RED) > 0.8
    box, _, _ = predictor.predict(box=np.array(RED_BOX).reshape(*lead, 4), multimask_output=False)
    assert box.shape == (1, HEIGHT, WIDTH)


TWO = np.array([[RED_POINT], [BLUE_POINT]])
THREE = np.concatenate([TWO, TWO[:1]])
BAD = [
    ({"point_coords": TWO, "point_labels": [1, 1]}, "labels of shape"),
    ({"point_coords": TWO, "point_labels": [[1, 1]]}, "labels of shape"),
    ({"point_coords": TWO[:, 0], "point_labels": [[1], [1], [1]]}, "2 points but 3 labels"),
    ({"point_coords": TWO[:, 0], "point_labels": [1]}, "2 points but 1 labels"),
    ({"point_coords": np.ones((2, 3, 4)), "point_labels": np.ones((2, 3))}, "shape"),
    ({"point_coords": TWO, "point_labels": [[1], [1]], "box": RED_BOX}, "2 objects with 1 box"),
    ({"point_coords": TWO[0], "point_labels": [1], "box": [RED_BOX, BLUE_BOX]}, "1 object with 2"),
    ({"point_coords": THREE, "point_labels": [[1]] * 3, "box": [RED_BOX] * 2}, "3 objects with 2"),
    ({"point_coords": np.zeros((0, 1, 2)), "point_labels": np.zeros((0, 1))}, "empty"),
    ({"box": np.zeros((0, 4))}, "empty"),
    ({"box": np.zeros((4, 3))}, "boxes of shape"),
    ({"box": [1, 2, 3]}, "boxes of shape"),
    ({"box": 5}, "boxes of shape"),
    ({"mask_input": np.zeros((3, GRID, GRID))}, "one mask an object"),
    ({"mask_input": np.zeros((2, 3, GRID, GRID))}, "one mask an object"),
    (
        {
            "point_coords": TWO,
            "point_labels": [[1], [1]],
            "mask_input": np.zeros((3, 1, GRID, GRID)),
        },
        "2 objects",
    ),
    ({"mask_input": np.full((1, GRID, GRID), np.nan)}, "NaN"),
    ({"point_coords": [["a", "b"]], "point_labels": [1]}, "points"),
]


@pytest.mark.parametrize(("given", "text"), BAD, ids=range(len(BAD)))
def test_shapes_that_do_not_fit_together_are_refused(predictor, given, text):
    predictor.model.device.calls.clear()
    with pytest.raises(PromptError, match=text):
        predictor.predict(**given)
    assert not predictor.model.device.calls


def test_several_pictures():
    predictor = SAM2ImagePredictor(FakeDevice())
    predictor.set_image_batch([both_frame(0), both_frame(9)[:80]])
    last = [(corner(9)[0] + 16, 32)]
    points = [[[RED_POINT], [BLUE_POINT]], last]
    masks, scores, logits = predictor.predict_batch(points, [[[1], [1]], [1]], None, None, False)
    both(masks[0])
    assert masks[1].shape == (1, 80, WIDTH) and scores[1].shape == (1,)
    assert logits[0].shape == (2, 1, GRID, GRID)
    assert overlap(masks[1][0] > 0, square_mask(*corner(9))[:80]) > 0.8
    boxes = [np.array([RED_BOX, BLUE_BOX]), None]
    again, _, _ = predictor.predict_batch([None, last], [None, [1]], boxes, multimask_output=False)
    both(again[0])
    with pytest.raises(PromptError, match="box_batch of 1 for 2 images"):
        predictor.predict_batch(box_batch=[RED_BOX])
    with pytest.raises(PromptError, match="empty prompt"):
        predictor.predict_batch()
    with pytest.raises(FrameError, match="set_image first"):
        predictor.predict(box=RED_BOX)
    predictor.set_image(both_frame(0))
    with pytest.raises(FrameError, match="set_image_batch"):
        predictor.predict_batch(box_batch=[RED_BOX])


def test_two_predictors_on_one_device_keep_their_pictures():
    device = FakeDevice()
    one, two = SAM2ImagePredictor(device), SAM2ImagePredictor(device)
    one.set_image(both_frame(0))
    two.set_image(both_frame(9))
    masks, _, _ = one.predict(np.array([RED_POINT]), [1], multimask_output=False)
    assert overlap(masks[0] > 0, RED) > 0.8
    assert one.get_image_embedding().shape == (1, 8, 4, 4)


@pytest.fixture
def video(clip_folder):
    predictor = build_sam2_video_predictor(device=FakeDevice())
    return predictor, predictor.init_state(clip_folder)


def test_a_video_takes_one_object_a_call(video):
    predictor, state = video
    with pytest.raises(PromptError, match=r"shape \(2, 1, 2\)"):
        predictor.add_new_points_or_box(state, 0, 1, TWO, np.ones((2, 1)))
    with pytest.raises(PromptError, match="box of 8 numbers"):
        predictor.add_new_points_or_box(state, 0, 1, box=[RED_BOX, BLUE_BOX])
    assert state.obj_ids == []
    _, _, logits = predictor.add_new_points_or_box(
        state, 0, 1, np.array([[RED_POINT, (0, 0)]]), [[1, -1]]
    )
    assert overlap(logits[0, 0] > 0, RED) > 0.8 and len(state.objects[1].prompts[0].points) == 1


@pytest.mark.parametrize("box", [(-5, 16, X + 31, 47), (X, 16, WIDTH + 0.4, 47), (X, 20, X, 20)])
def test_a_videos_boxes_may_cross_the_border(video, box):
    predictor, state = video
    _, _, logits = predictor.add_new_points_or_box(state, 0, 1, box=box)
    found = state.objects[1].prompts[0].box
    assert logits.shape == (1, 1, HEIGHT, WIDTH)
    scaled = np.array(box) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    predictor.add_new_points_or_box(state, 0, 2, box=scaled, normalize_coords=False)
    assert state.objects[2].prompts[0].box == pytest.approx(found, abs=1.01 / HEIGHT)


@pytest.mark.parametrize(
    "mask",
    [
        np.where(RED, 4.0, -4.0),
        np.where(RED, 0.9, 1e-3).astype(np.float32),
        RED.astype(np.uint8) * 255,
        RED[None],
    ],
    ids=["logits", "probabilities", "bytes", "leading 1"],
)
def test_a_videos_masks(video, mask):
    predictor, state = video
    _, _, logits = predictor.add_new_mask(state, 0, 1, mask)
    assert ((logits[0, 0] > 0) == RED).all()


def test_a_mask_of_two_ids_is_refused(video):
    predictor, state = video
    with pytest.raises(PromptError, match="many values"):
        predictor.add_new_mask(state, 0, 1, RED + 2 * BLUE)
    assert state.obj_ids == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [(True, True), (False, False), (1, True), (0, False), (np.bool_(1), True), (None, False)]
    + [(np.array([True]), True), (np.zeros((1, 1)), False)],
)
def test_switches(given, meant):
    assert flag_of("reverse", given) is meant


@pytest.mark.parametrize("given", ["False", 2, [], np.zeros((0, 2)), np.ones(2), float("nan"), 1j])
def test_what_is_no_switch_is_refused(given):
    """Words and arrays count as true in Python, whatever they say, or as nothing at all."""
    with pytest.raises(PromptError, match="reverse is .*give True or False"):
        flag_of("reverse", given)


@pytest.mark.parametrize("name", ["multimask_output", "return_logits", "normalize_coords"])
def test_every_switch_of_a_picture_is_checked(name):
    predictor = SAM2ImagePredictor(FakeDevice())
    predictor.set_image(both_frame(0))
    wrong: dict[str, Any] = {name: np.zeros((0, 2))}
    with pytest.raises(PromptError, match=f"{name} is"):
        predictor.predict(np.array([[26, 32]]), np.array([1]), **wrong)
    predictor.set_image_batch([both_frame(0)])
    asked = [np.array([[26, 32]])], [np.array([1])]
    with pytest.raises(PromptError, match=f"{name} is"):
        predictor.predict_batch(*asked, **wrong)


@pytest.mark.parametrize("name", ["clear_old_points", "normalize_coords"])
def test_every_switch_of_a_video_prompt_is_checked(name):
    predictor = SAM2VideoPredictor(FakeDevice())
    state = predictor.init_state([both_frame(index) for index in range(2)])
    click: dict[str, Any] = {"points": [[26, 32]], "labels": [1]}
    with pytest.raises(PromptError, match=f"{name} is"):
        predictor.add_new_points_or_box(state, 0, 1, **click | {name: "no"})
    assert not state.objects
    predictor.add_new_points_or_box(state, 0, 1, **click)
    with pytest.raises(PromptError, match="reverse is"):
        next(predictor.propagate_in_video(state, reverse="no"))  # type: ignore[arg-type]
    for call in (predictor.remove_object, predictor.clear_all_prompts_in_frame):
        wrong: dict[str, Any] = {"obj_id": 1, "need_output": "no"}
        if call == predictor.clear_all_prompts_in_frame:
            wrong["frame_idx"] = 0
        with pytest.raises(PromptError, match="need_output is"):
            call(state, **wrong)
    assert list(state.objects) == [1] and 0 in state.objects[1].prompts
