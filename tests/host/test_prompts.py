"""Prompts: what is refused, which tokens and which drawing they become."""

import dataclasses

import numpy as np
import pytest

from host.errors import PromptError
from host.prompts import (
    BOX_BOTTOM_RIGHT,
    BOX_TOP_LEFT,
    NEGATIVE,
    PAD,
    POSITIVE,
    Prompt,
    dense_prompt,
    is_ambiguous,
    token_indices,
)
from host.spec import TokenTable
from tests.host.fake_device import GRID, WIDTH, make_spec

H, W = 96, 160


def pixels(**kwargs):
    return Prompt.from_pixels(H, W, **kwargs)


def test_pixels_are_normalised_to_their_centres():
    prompt = pixels(points=[[0, 0], [159, 95]], labels=[1, 0])
    assert np.allclose(prompt.points, [[0.5 / W, 0.5 / H], [159.5 / W, 95.5 / H]])
    assert prompt.labels.tolist() == [1, 0]


def test_a_box_includes_its_last_pixel():
    assert np.allclose(pixels(box=[0, 0, 159, 95]).box, [0, 0, 1, 1])
    assert np.allclose(pixels(box=[0, 0, 160, 96]).box, [0, 0, 1, 1])
    assert np.allclose(pixels(box=[[16, 24, 31, 47]]).box, [0.1, 0.25, 0.2, 0.5])


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"points": [[160, 5]], "labels": [1]}, r"\(160, 5\) lies outside the 160x96"),
        ({"points": [[5, -1]], "labels": [1]}, r"\(5, -1\) lies outside"),
        ({"points": [[np.nan, 1]], "labels": [1]}, "nan"),
        ({"points": [[5, 5]], "labels": [1, 0]}, "1 points but 2 labels"),
        ({"points": [[5, 5]]}, "1 points but 0 labels"),
        ({"points": [[5, 5]], "labels": [2]}, r"\[2\]"),
        ({"box": [160, 5, 200, 20]}, "200.*outside"),
        ({"box": [-9, 5, -1, 20]}, "-1.*outside"),
        ({"box": [20, 5, 19, 30]}, "empty"),
        ({"box": [1, 2, 3]}, "3 numbers"),
        ({"box": [1, 2, np.nan, 4]}, "nan"),
        ({"mask": np.ones((95, 160))}, r"\(95, 160\).*\(96, 160\)"),
        ({"mask": np.ones((H, W)), "box": [1, 1, 9, 9]}, "one of them"),
        ({}, "empty prompt"),
    ],
)
def test_bad_prompts_are_named(kwargs, text):
    with pytest.raises(PromptError, match=text) as caught:
        pixels(**kwargs)
    assert caught.value.remedy


def test_normalised_coordinates_are_checked_too():
    with pytest.raises(PromptError, match=r"\(1.5, 0.5\)"):
        Prompt(np.array([[0.2, 0.2], [1.5, 0.5]]), np.array([1, 1]))
    with pytest.raises(PromptError, match="outside the frame"):
        Prompt(box=np.array([1.2, 0, 1.5, 0.5]))


def test_corrections_add_up():
    first = pixels(points=[[1, 1]], labels=[1], box=[0, 0, 9, 9])
    both = first.then(pixels(points=[[5, 5]], labels=[0]))
    assert both.labels.tolist() == [1, 0] and (both.box == first.box).all()
    mask = pixels(mask=np.ones((H, W)))
    assert first.then(mask).mask is not None
    assert mask.then(first).mask is None


def test_tokens_of_nothing_are_padding():
    label, column, row = token_indices([], [], None, 16)
    assert label.tolist() == [PAD] * 8 and not column.any() and not row.any()
    assert label.dtype == column.dtype == row.dtype == np.int64


def test_tokens_name_labels_and_bins():
    label, column, row = token_indices([[0.5, 0.25], [1.0, 0.0]], [1, 0], [0.1, 0.2, 0.6, 1], 16)
    assert label.tolist() == [BOX_TOP_LEFT, BOX_BOTTOM_RIGHT, POSITIVE, NEGATIVE] + [PAD] * 4
    assert column.tolist() == [1, 9, 8, 15, 0, 0, 0, 0]
    assert row.tolist() == [3, 15, 4, 0, 0, 0, 0, 0]


def test_the_latest_clicks_stay_when_there_are_too_many():
    points = [[i / 16 + 0.01, 0] for i in range(12)]
    label, column, _ = token_indices(points, [1] * 12, None, 16)
    assert column.tolist() == list(range(4, 12)) and (label == POSITIVE).all()
    label, column, _ = token_indices(points, [1] * 12, [0, 0, 1, 1], 16)
    assert label[:2].tolist() == [BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]
    assert column[2:].tolist() == list(range(6, 12))


def test_dense_channels():
    logits = np.full((32, 32), 40.0)
    logits[0, 0] = -3
    drawn = dense_prompt(32, logits, [[0.5, 0.5], [0.1, 0.9]], [1, 0], [0.25, 0.5, 0.75, 0.75])
    assert drawn.shape == (6, 32, 32) and drawn.dtype == np.float32
    assert drawn[0, 0, 0] == -3 and drawn[0, 1, 1] == 16
    assert drawn[1].sum() == 4 * 16 and drawn[1, 15:17, 15:17].all()
    assert drawn[2, 28, 3] == 16 and drawn[2, :20].sum() == 0
    assert drawn[3].sum() == 16 * 16 * 8 and drawn[3, 16, 8] == 16 and drawn[3, 15, 8] == 0
    assert drawn[4, 0, 0] == -16 and drawn[4, 5, 31] == 16 and drawn[5, 31, 5] == 16
    assert not dense_prompt(32)[:4].any()


@pytest.mark.parametrize("grid", [16, 64, 128])
def test_every_click_shows_with_its_radius(grid):
    rng = np.random.default_rng(1)
    for point in [*rng.random((50, 2)), [0, 0], [1, 1]]:
        disc = dense_prompt(grid, None, [point], [1])[1] > 0
        area = np.pi * max(1, grid / 32) ** 2
        assert 1 <= disc.sum() <= 2 * area + 2
        rows, columns = np.nonzero(disc)
        assert abs((columns.mean() + 0.5) / grid - point[0]) <= max(1, grid / 32) / grid
        assert abs((rows.mean() + 0.5) / grid - point[1]) <= max(1, grid / 32) / grid


def test_a_thin_box_still_shows():
    assert (dense_prompt(16, box=[0.501, 0.2, 0.502, 0.8])[3] > 0).any()
    assert (dense_prompt(16, box=[0.99, 0.99, 1, 1])[3] > 0).any()


def test_ambiguity():
    assert is_ambiguous([1])
    assert not is_ambiguous([0]) and not is_ambiguous([1, 1]) and not is_ambiguous([])
    assert not is_ambiguous([1], box=[0, 0, 1, 1])
    assert not is_ambiguous([1], mask=np.ones((2, 2)))
    assert not is_ambiguous([1], memory=True)


# ---- The decoder's token input


@pytest.mark.parametrize("integer", [True, False])
def test_tokens_are_sums_of_table_rows(integer):
    spec = make_spec(integer)
    tables = spec.tables
    tokens = TokenTable(spec)(Prompt(np.array([[0.5, 0.25]]), np.array([1])))
    assert tokens.shape == (1, WIDTH, 13, 1)
    assert tokens.dtype == (np.int8 if integer else np.float32)
    assert (tables.output_tokens == tokens[0, :, :5, 0].T).all()
    wide = [t.astype(int) for t in (tables.token_label, tables.token_column, tables.token_row)]
    wanted = wide[0][POSITIVE] + wide[1][GRID // 2] + wide[2][GRID // 4]
    if integer:
        wanted = np.clip(wanted, -128, 127)
    assert (tokens[0, :, 5, 0] == wanted).all()
    padding = wide[0][PAD] + wide[1][0] + wide[2][0]
    assert ((np.clip(padding, -128, 127) if integer else padding) == tokens[0, :, 6:, 0].T).all()


def test_sums_clip_instead_of_wrapping():
    spec = make_spec()
    full = {
        name: np.full_like(getattr(spec.tables, name), 100)
        for name in ("token_label", "token_column", "token_row")
    }
    spec = dataclasses.replace(spec, tables=dataclasses.replace(spec.tables, **full))
    assert (TokenTable(spec)(None)[0, :, 5:] == 127).all()


def test_a_frame_without_a_prompt_gets_an_array_of_its_own():
    table = TokenTable(make_spec())
    first = table(None)
    kept = first.copy()
    first[:] = 7
    assert (table(None) == kept).all()
