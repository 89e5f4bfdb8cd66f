"""What users give as boxes and masks: taken where they mean one thing only."""

from typing import Any

import numpy as np
import pytest

from host.concepts.prompts import ConceptPrompt
from host.errors import PromptError
from host.prompt_values import binary_mask, box_from_pixels, numbers, points_of
from host.prompts import Prompt

H, W = 96, 160
CROSSING = [
    # box in pixels, and the pixel edges that it should get
    ((-0.3, 5, 20, 20), (0, 5, 21, 21)),
    ((100, 5, W + 0.4, 20), (100, 5, W, 21)),
    ((-10, -10, 20, 20), (0, 0, 21, 21)),
    ((150, 90, 170, 106), (150, 90, W, H)),
    ((-10, -10, W + 10, H + 10), (0, 0, W, H)),
    ((0, 0, W, H), (0, 0, W, H)),
    ((5, 7, 5, 7), (5, 7, 6, 8)),
    ((0, 0, 0, 0), (0, 0, 1, 1)),
    ((W - 1, H - 1, W - 1, H - 1), (W - 1, H - 1, W, H)),
    ((5, 7, 5, 60), (5, 7, 6, 61)),
    ((-40, 5, -0.9, 20), (0, 5, 0.5, 21)),
    ((W - 1e-6, 5, W + 40, 20), (W - 0.5, 5, W, 21)),
]
APART = [
    (-20, 5, -1, 20),
    (W, 5, W + 20, 20),
    (5, -20, 20, -1),
    (5, H, 20, H + 9),
    (np.nan, 5, 20, 20),
    (-np.inf, 5, 20, 20),
    (5, 5, np.inf, 20),
]


@pytest.mark.parametrize(("box", "edges"), CROSSING)
def test_a_box_that_crosses_the_border_is_cut(box, edges):
    found = box_from_pixels(box, H, W)
    assert found == pytest.approx(np.array(edges) / (W, H, W, H), abs=1e-6)
    assert found[0] < found[2] and found[1] < found[3]
    given = Prompt.from_pixels(H, W, box=box).box
    assert given is not None and (given == found).all()
    assert (ConceptPrompt.from_pixels(H, W, None, [box]).boxes[0] == found).all()


@pytest.mark.parametrize("box", APART)
def test_a_box_with_no_part_on_the_frame_is_refused(box):
    with pytest.raises(PromptError, match="outside the 160x96 frame"):
        Prompt.from_pixels(H, W, box=box)
    normalised: Any = np.array(box) / (W, H, W, H)
    boxes: Any = [normalised]
    labels: Any = [1]
    for make in (lambda: Prompt(box=normalised), lambda: ConceptPrompt("cat", boxes, labels)):
        with pytest.raises(PromptError, match="outside"):
            make()


def test_normalised_boxes_are_cut_too():
    """What is given as lists is cut as well, and becomes arrays."""
    box: Any = [-0.1, 0, 1.000001, 0.5]
    cut = Prompt(box=box).box
    assert cut is not None and cut.tolist() == [0, 0, 1, 0.5]
    boxes: Any = [(0.5, -3, 1.2, 1.5)]
    labels: Any = [1]
    assert ConceptPrompt(None, boxes, labels).boxes.tolist() == [[0.5, 0, 1, 1]]
    points: Any = [[1.000001, -1e-6]]
    assert Prompt(points=points, labels=labels).points.tolist() == [[1, 0]]
    for box in ([0.5, 0.5, 0.4, 0.6], [0.5, 0.5, 0.5, 0.6]):
        with pytest.raises(PromptError, match="empty"):
            Prompt(box=box)


@pytest.mark.parametrize("value", ["abc", [[1, 2], [3]], [None, 1], [1j], object(), [["a", 1]]])
def test_what_is_no_number_is_named(value):
    with pytest.raises(PromptError, match="points"):
        numbers(value, "points")
    for fields in ({"points": value, "labels": [1]}, {"box": value}):
        with pytest.raises(PromptError):
            Prompt.from_pixels(H, W, **fields)


@pytest.mark.parametrize("shape", [(2, 1, 2), (1, 2, 3), (3,), (2, 2, 2), (4, 1)])
def test_points_of_several_objects_are_no_prompt(shape):
    with pytest.raises(PromptError, match="shape"):
        points_of(np.ones(shape))
    with pytest.raises(PromptError, match="shape"):
        Prompt(points=np.full(shape, 0.5), labels=np.ones(int(np.prod(shape)) // 2, int))


def test_labels_are_whole_numbers():
    for labels in ([0.9], [np.nan], [-1], [2]):
        with pytest.raises(PromptError, match="label"):
            Prompt.from_pixels(H, W, points=[[5, 5]], labels=labels)
    assert Prompt.from_pixels(H, W, [[5, 5]], [True]).labels.tolist() == [1]


SHAPE = np.zeros((4, 5), bool)
SHAPE[1:3, 1:4] = True
MEANT = [
    SHAPE,
    SHAPE.astype(np.uint8),
    SHAPE.astype(np.uint8) * 255,
    SHAPE.astype(np.uint16) * 65535,
    SHAPE.astype(np.int64) * 7,
    SHAPE.astype(np.float32),
    SHAPE.astype(np.float64) * 255,
    np.where(SHAPE, 3.5, -2.25).astype(np.float32),
    np.where(SHAPE, 0.01, -8).astype(np.float16),
    np.where(SHAPE, np.inf, -np.inf),
    np.where(SHAPE, 12, -120).astype(np.int8),
    np.where(SHAPE, 0.9, 0.1),
    np.where(SHAPE, 0.51, 0.49),
    np.where(SHAPE, 1 + 1e-6, 1e-7),
    np.where(SHAPE, 1, 0.3),
]


@pytest.mark.parametrize("mask", MEANT, ids=range(len(MEANT)))
def test_masks_mean_what_their_values_say(mask):
    assert (binary_mask(mask) == SHAPE).all() and binary_mask(mask).dtype == bool
    for prompt in (Prompt(mask=mask), Prompt.from_pixels(4, 5, mask=mask[None, None])):
        assert prompt.mask is not None and (prompt.mask == SHAPE).all()


def test_masks_without_the_object():
    for value in (False, 0, 0.0, -3.0, 0.25):
        assert not binary_mask(np.full((4, 5), value)).any()
    for value in (True, 1, 255, 1.0, 0.75):
        assert binary_mask(np.full((4, 5), value)).all()


UNCLEAR = [
    (np.arange(20).reshape(4, 5), "many values, 0..19"),
    (np.where(SHAPE, 200, 3).astype(np.uint8), "many values"),
    (np.where(SHAPE, 9.5, 0.5), "many values"),
    (SHAPE / 255, "0 and 0.00392"),
    (np.where(SHAPE, np.nan, -1), "NaN"),
    (SHAPE.astype(str), "<U5"),
    (SHAPE.astype(complex), "complex"),
    (SHAPE.astype(object), "object"),
]


@pytest.mark.parametrize(("mask", "text"), UNCLEAR, ids=range(len(UNCLEAR)))
def test_masks_that_could_mean_two_things_are_refused(mask, text):
    with pytest.raises(PromptError, match=text):
        binary_mask(mask)
    with pytest.raises(PromptError, match=text):
        Prompt.from_pixels(4, 5, mask=mask)
