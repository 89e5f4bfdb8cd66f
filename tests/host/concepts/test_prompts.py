"""Concept prompts: what is refused, what tokens and geometry are made of them."""

import numpy as np
import pytest

from host.concepts.prompts import (
    ConceptPrompt,
    ConceptTokens,
    box_iou,
    coverage,
    geometry,
    pool,
)
from host.errors import DeviceError, PromptError
from tests.host.fake_detector import (
    QUERIES,
    TOKENS,
    make_concept_spec,
    make_detector_tables,
    make_phrases,
)
from tests.host.fake_device import COARSE, GRID, WIDTH, make_spec

BOX = (0.1, 0.2, 0.5, 0.6)

BAD = [
    ({}, "empty prompt"),
    ({"boxes": [BOX], "labels": [0]}, "only examples of what not to find"),
    ({"boxes": [BOX], "labels": [1, 1]}, "1 example boxes but 2 labels"),
    ({"boxes": [BOX], "labels": [2]}, r"labels \[2\]"),
    ({"boxes": [BOX], "labels": [0.5]}, r"labels \[0.5\]"),
    ({"boxes": [(1.01, 0.2, 1.1, 0.6)], "labels": [1]}, "outside"),
    ({"boxes": [(-0.1, 0.2, -0.01, 0.6)], "labels": [1]}, "outside"),
    ({"boxes": [(0.1, np.nan, 0.5, 0.6)], "labels": [1]}, "outside"),
    ({"boxes": [(0.1, 0.2, 0.1, 0.6)], "labels": [1]}, "empty"),
    ({"boxes": [(0.1, 0.6, 0.5, 0.2)], "labels": [1]}, "empty"),
    ({"boxes": [BOX, BOX], "labels": [1, 0]}, "positive and negative"),
    ({"text": "cat", "boxes": [BOX, (0.1, 0.2, 0.5, 0.61)], "labels": [0, 1]}, "positive and neg"),
]


def examples(boxes, labels, text=None):
    return ConceptPrompt(text, np.array(boxes, np.float32), np.array(labels))


@pytest.mark.parametrize(("given", "text"), BAD)
def test_prompts_that_are_refused(given, text):
    with pytest.raises(PromptError, match=text):
        ConceptPrompt(**given)


def test_boxes_apart_do_not_contradict_each_other():
    inner = (0.2, 0.3, 0.4, 0.5)
    prompt = examples([BOX, inner, BOX], [1, 0, 1])
    assert prompt.boxes.shape == (3, 4) and prompt.labels.tolist() == [1, 0, 1]


def test_pixels_hold_their_ends():
    prompt = ConceptPrompt.from_pixels(100, 200, "cat", [(20, 10, 39, 29), (0, 0, 200, 50, 0)])
    assert prompt.boxes == pytest.approx(np.array([(0.1, 0.1, 0.2, 0.3), (0, 0, 1, 0.51)]))
    assert prompt.labels.tolist() == [1, 0]
    for bad, text in (
        ((200, 10, 239, 29), "outside the 200x100 frame"),
        ((-9, 10, -1, 29), "outside"),
        ((20, 10, 19, 29), "empty"),
        ((20, 10, 39, 9), "empty"),
        ((20, 10, 39), "3 numbers"),
        ((20, 10, 39, 29, 7), "labels"),
    ):
        with pytest.raises(PromptError, match=text):
            ConceptPrompt.from_pixels(100, 200, "cat", [bad])


def test_iou_of_boxes():
    a = np.array([(0, 0, 2, 2), (0, 0, 1, 1)])
    b = np.array([(1, 0, 3, 2)])
    assert box_iou(a, b).tolist() == [[pytest.approx(1 / 3)], [0]]
    assert box_iou(a[:0], b).shape == (0, 1)


def test_coverage_is_the_share_of_a_cell():
    (cover,) = coverage(np.array([(0.125, 0.5, 0.5, 1)]), 4)
    expected = np.zeros((4, 4))
    expected[2:, 0], expected[2:, 1] = 0.5, 1
    assert cover == pytest.approx(expected)
    assert coverage(np.array([(0, 0, 1, 1)]), 4).sum() == 16


def test_pooling_weighs_by_area():
    features = np.arange(16.0).reshape(1, 4, 4)
    box = np.array([(0.125, 0.5, 0.5, 0.75)])  # half of cell 8, all of cell 9
    assert pool(features, box).tolist() == [[pytest.approx((0.5 * 8 + 9) / 1.5)]]


def test_geometry_draws_both_kinds_of_boxes():
    prompt = examples([(0, 0, 0.5, 0.5), (0, 0, 0.25, 1), (0.75, 0, 1, 0.125)], [1, 1, 0])
    drawn = geometry(prompt, 4)
    assert drawn.shape == (4, 4, 4)
    positive = np.zeros((4, 4))
    positive[:2, :2] = positive[:, 0] = 16
    negative = np.zeros((4, 4))
    negative[0, 3] = 8  # half of the cell
    assert (drawn[0] == positive).all() and (drawn[1] == negative).all()
    assert (
        drawn[2, 0].tolist() == drawn[3, :, 0].tolist() == pytest.approx([-16, -16 / 3, 16 / 3, 16])
    )
    assert not geometry(ConceptPrompt("cat"), 4)[:2].any()


def tokens_of(prompt, features=None):
    spec = make_concept_spec()
    if features is None:
        features = np.zeros((1, WIDTH, COARSE, COARSE), np.int8)
    build = ConceptTokens(spec)
    embedding = None if prompt.text is None else make_phrases().embed(prompt.text)
    return build(prompt, embedding, features), build.valid(prompt).tolist()


def test_tokens_of_text_alone():
    codes, valid = tokens_of(ConceptPrompt("red square"))
    tables = make_detector_tables()
    assert codes["tokens"].shape == (1, WIDTH, TOKENS, 1) and codes["tokens"].dtype == np.int8
    rows = codes["tokens"][0, :, :, 0].T
    assert (rows[: QUERIES + 1] == np.rint(tables.queries)).all()
    said = make_phrases().embed("red square") @ tables.text_weight + tables.text_bias
    assert (rows[QUERIES + 1 : QUERIES + 5] == np.rint(said.reshape(4, -1))).all()
    assert not rows[QUERIES + 5 :].any()  # `none` is zero in the fake
    assert valid == [8, 9, 10, 11]


def test_tokens_of_examples():
    features = np.random.default_rng(0).integers(-50, 50, (1, WIDTH, COARSE, COARSE), np.int8)
    boxes = np.array([(0.1, 0.2, 0.5, 1), (0.6, 0.6, 0.9, 0.7)], np.float32)
    codes, valid = tokens_of(examples(boxes, [0, 1]), features)
    t = make_detector_tables()
    rows = codes["tokens"][0, :, :, 0].T
    assert not rows[QUERIES + 1 : QUERIES + 5].any()
    first = t.label[0] + t.column[1] + t.row[3] + t.column_end[8] + t.row_end[GRID - 1]
    first += pool(features[0], boxes)[0] @ t.pool_weight
    assert (rows[QUERIES + 5] == np.rint(first)).all()
    assert rows[QUERIES + 6].any() and not rows[QUERIES + 7 :].any()
    assert valid == [13]  # the positive one alone
    assert (codes["geometry"][0, 0] > 0).sum() == 2 and codes["geometry"].max() == 127


def test_both_kinds_of_prompt_count():
    assert tokens_of(examples([BOX], [1], "red square"))[1] == [8, 9, 10, 11, 12]


def test_more_examples_than_tokens():
    boxes = [(0.1 * i, 0, 0.1 * i + 0.05, 1) for i in range(5)]
    with pytest.raises(PromptError, match="5 example boxes, this model reads 4"):
        tokens_of(examples(boxes, [1] * 5, "red square"))


def test_a_model_without_a_detector():
    with pytest.raises(DeviceError, match=r"fake int8 has no concept detector.*use a bundle"):
        ConceptTokens(make_spec())
