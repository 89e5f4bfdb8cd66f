"""Prompts of a batch: the same rasters and token rows as the host's, and draws that hit."""

import numpy as np
import pytest
import torch

from host.prompts import (
    NEGATIVE,
    PAD,
    POSITIVE,
    dense_prompt,
    is_ambiguous,
    token_indices,
)
from quant.data.prompts import centre_click
from quant.prompt_batch import (
    PromptBatch,
    central_click,
    corrective_click,
    draw_box,
    random_click,
)

GRID = 16


def random_prompts(seed, count=40):
    """Host prompts (points, labels, box) and the same as one batch."""
    rng = np.random.default_rng(seed)
    single, points, labels = [], np.zeros((count, 4, 2), np.float32), np.full((count, 4), PAD)
    box, boxed = np.zeros((count, 4), np.float32), np.zeros(count, bool)
    for b in range(count):
        n = int(rng.integers(0, 5))
        where = np.sort(rng.permutation(4)[:n])  # gaps between clicks must not matter
        points[b, where] = rng.uniform(0, 1, (n, 2))
        labels[b, where] = rng.integers(0, 2, n)
        boxed[b] = rng.random() < 0.5
        corners = np.sort(rng.uniform(0, 1, (2, 2)).astype(np.float32), 0)
        box[b] = corners.reshape(4)
        single.append((points[b, where], labels[b, where], box[b] if boxed[b] else None))
    batch = PromptBatch(*(torch.from_numpy(a) for a in (points, labels, box, boxed)))
    return single, batch


@pytest.mark.parametrize("seed", range(3))
def test_rasters_and_token_rows_equal_the_hosts(seed):
    single, batch = random_prompts(seed)
    logits = torch.randn(len(single), GRID, GRID) * 20
    dense = batch.dense(GRID, logits).numpy()
    rows = [r.numpy() for r in batch.indices(GRID)]
    for b, (points, labels, box) in enumerate(single):
        expected = dense_prompt(GRID, logits[b].numpy(), points, labels, box)
        np.testing.assert_allclose(dense[b], expected, atol=1e-5)
        for found, wanted in zip(rows, token_indices(points, labels, box, GRID), strict=True):
            np.testing.assert_array_equal(found[b], wanted)
        assert bool(batch.ambiguous[b]) == is_ambiguous(labels, box)
        assert bool(batch.shows[b]) == (box is not None or POSITIVE in labels)


def blobs(seed, count=24):
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, GRID, GRID), bool)
    for mask in masks:
        y, x = rng.integers(0, GRID - 5, 2)
        h, w = rng.integers(2, 6, 2)
        mask[y : y + h, x : x + w] = True
    return torch.from_numpy(masks)


def test_clicks_hit_their_masks():
    masks = blobs(0)
    for draw in (random_click, central_click):
        cells = (draw(masks) * GRID).long()
        assert masks[torch.arange(len(masks)), cells[:, 1], cells[:, 0]].all()


def test_a_central_click_is_as_deep_as_the_hosts():
    import cv2

    for mask, point in zip(blobs(1), central_click(blobs(1)), strict=True):
        depth = cv2.distanceTransform(np.pad(mask.numpy().astype(np.uint8), 1), cv2.DIST_C, 3)[
            1:-1, 1:-1
        ]
        x, y = centre_click(mask.numpy())
        column, row = (point * GRID).long().tolist()
        assert depth[row, column] == depth[int(y * GRID), int(x * GRID)]


def test_corrections_say_what_is_wrong():
    truth, answer = blobs(2), blobs(3)
    answer[0] = truth[0]
    for _ in range(10):
        points, labels = corrective_click(answer, truth)
        assert labels[0] == PAD
        cells = (points[1:] * GRID).long()
        b = torch.arange(1, len(truth))
        hit, said = truth[b, cells[:, 1], cells[:, 0]], answer[b, cells[:, 1], cells[:, 0]]
        assert (hit != said).all()
        assert (labels[1:] == torch.where(hit, POSITIVE, NEGATIVE)).all()


def test_boxes_fit_or_are_shifted_a_little():
    torch.manual_seed(0)
    masks = blobs(4, 400)
    found = draw_box(masks)
    exact = []
    for mask in masks.numpy():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        exact.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    exact = torch.tensor(np.array(exact)) / GRID
    same = (found - exact).abs().max(1).values < 1e-6
    assert 0.35 < same.float().mean() < 0.65
    sides = (exact[:, 2:] - exact[:, :2]).repeat(1, 2)
    assert ((found - exact).abs() <= 0.4 * sides + 1e-6).all()
    assert (found[:, 2:] > found[:, :2]).all()


def test_more_clicks_than_tokens_are_refused():
    batch = PromptBatch.none(1, torch.device("cpu"))
    for _ in range(7):
        batch = batch.clicked(torch.zeros(1, 2), torch.ones(1, dtype=torch.long))
    with pytest.raises(ValueError, match="7 clicks"):
        batch.indices(GRID)
