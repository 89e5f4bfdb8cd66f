"""The rules from frame to frame."""

import numpy as np
import pytest

from host.images import Window, mask_to_grid
from host.prompts import Prompt
from host.recurrence import (
    CLICKED_SIDES,
    LEAST_SIDE,
    LEVELS,
    choose_mask,
    clicked_windows,
    ever_outlined,
    ever_shown,
    followed_window,
    is_present,
    likeness,
    look,
    may_show,
    near_pieces,
    previous_mask,
    prompted_window,
    remembered_mask,
)
from tests.host.fake_device import COARSE, GRID, SKIP, WIDTH, make_spec, sizes

CLICK = Prompt(np.array([[0.5, 0.5]]), np.array([1]))
WRONG = Prompt(np.array([[0.5, 0.5]]), np.array([0]))
EMPTY = Prompt(mask=np.zeros((3, 3), bool))
BOX = Prompt(box=np.array([0, 0, 1, 1]))


def test_only_a_lone_click_without_memory_chooses_among_candidates():
    scores = [9, 1, 5, 3, -7]
    assert choose_mask(scores, CLICK, memory=False) == 2
    assert choose_mask(scores, CLICK, memory=True) == 0
    assert choose_mask(scores, None, memory=False) == 0
    assert choose_mask(scores, BOX, memory=False) == 0
    assert choose_mask(scores, CLICK.then(WRONG), memory=False) == 0


def test_presence_follows_the_score_unless_the_user_points():
    assert is_present(0.1, None, True) and not is_present(0, None, True)
    assert is_present(-3, CLICK, True) and is_present(-3, BOX, True)
    assert is_present(3, WRONG, True) and not is_present(-3, WRONG, True)
    assert is_present(-3, Prompt(mask=np.eye(3, dtype=bool)), True)
    assert not is_present(3, EMPTY, True)


def test_an_object_that_no_prompt_ever_showed_is_absent_whatever_the_score():
    assert not is_present(16, None, False) and not is_present(16, WRONG, False)
    assert not ever_shown([]) and not ever_shown([None, EMPTY, WRONG])
    for shown in (CLICK, BOX, Prompt(mask=np.eye(3, dtype=bool)), WRONG.then(CLICK)):
        assert ever_shown([EMPTY, shown]) and ever_shown([shown, EMPTY])


def test_an_absent_object_is_remembered_as_nowhere():
    logits = np.ones((4, 4), np.float32)
    assert (remembered_mask(logits, True) == logits).all()
    assert (remembered_mask(logits, False) == -16).all()


def test_a_correction_sees_its_own_frame():
    before, own = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert previous_mask(before, own) is own
    assert previous_mask(before, None) is before
    assert previous_mask(None, None) is None


def test_an_absent_object_is_back_where_the_model_is_sure():
    gone = np.full((3, 3), -16, np.float32)
    seen = gone.copy()
    seen[1, 1] = 0.5
    assert may_show(True, seen, 0.0, 0.4) and may_show(True, None, 0.0, 0.4)
    assert may_show(True, gone, 0.4, 0.4) and not may_show(True, gone, 0.39, 0.4)
    assert may_show(True, gone, 0.0, 0.0)  # without a bound the score alone decides
    assert not may_show(False, seen, 0.9, 0.4)  # what no prompt ever showed


SIZE, LARGE = (90, 160), (720, 1280)


def test_an_outlined_object_is_read_in_a_window_around_it():
    mask = np.zeros(SIZE, bool)
    mask[40:58, 80:112] = True  # a fifth of the frame, both ways
    wanted = Window.around(0.6, 49 / 90, 0.4, SIZE)
    box = np.array([0.5, 40 / 90, 0.7, 58 / 90], np.float32)
    for prompt in (
        Prompt(mask=mask),
        Prompt(box=box),
        Prompt(np.array([[0.6, 0.5]]), np.array([1]), box),
        Prompt.from_logits(mask_to_grid(mask, 40)),
    ):
        found = prompted_window(prompt, SIZE, 0.9)
        assert found.side == pytest.approx(wanted.side, abs=0.03)
        assert found.centre == pytest.approx(wanted.centre, abs=0.02)
        assert prompted_window(prompt, SIZE, 0).is_whole
    tiny = prompted_window(Prompt(box=np.array([0.5, 0.5, 0.51, 0.51])), SIZE, 0.9)
    assert tiny.side == pytest.approx(LEAST_SIDE)
    # Clicks beside the box have to be seen as well.
    beside = prompted_window(Prompt(np.array([[0.1, 0.1]]), np.array([0]), box), SIZE, 1.0)
    assert beside.shows([[0.1, 0.1], [0.5, 40 / 90], [0.7, 58 / 90]])


def test_a_click_alone_does_not_say_how_large_its_object_is():
    assert prompted_window(CLICK, SIZE, 0.9).is_whole
    assert prompted_window(EMPTY, SIZE, 0.9).is_whole
    seen = prompted_window(CLICK, SIZE, 0.9, (0.45, 0.45, 0.6, 0.6))
    assert seen.side == pytest.approx(0.35, abs=0.01)
    corrected = CLICK.then(Prompt(np.array([[0.9, 0.5]]), np.array([0])))
    found = prompted_window(corrected, SIZE, 1.2, (0.45, 0.45, 0.6, 0.6))
    assert found.shows([[0.5, 0.5], [0.9, 0.5]])


def test_clicks_are_read_in_ever_smaller_windows_that_show_them_all():
    one = Prompt(np.array([[0.3, 0.6]], np.float32), np.array([1]))
    windows = clicked_windows(one, SIZE)
    assert windows[0].is_whole and len(windows) == len(CLICKED_SIDES)
    assert [w.side for w in windows] == pytest.approx(CLICKED_SIDES, abs=0.01)
    assert all(window.shows(one.points) for window in windows)
    # The object's clicks are the centre; what is not the object has to be seen as well.
    far = np.array([[0.3, 0.6], [0.3, 0.5], [0.7, 0.55]], np.float32)
    seen = clicked_windows(Prompt(far, np.array([1, 1, 0])), SIZE)
    assert 1 < len(seen) < len(CLICKED_SIDES) and all(window.shows(far) for window in seen)


def test_a_window_follows_its_object_and_changes_its_size_little_by_little():
    # A side changes by whole pixels, on small frames in steps that are too large to be slow.
    last = Window.around(0.3, 0.5, 0.4, LARGE)
    moved = followed_window(last, (0.3, 0.4, 0.5, 0.6), 0.9)
    assert moved.side == pytest.approx(0.4, abs=0.01)
    assert moved.centre == pytest.approx((0.4, 0.5), abs=0.01)
    smaller = followed_window(last, (0.35, 0.45, 0.45, 0.55), 0.9)
    assert 0.36 < smaller.side < 0.4
    larger = followed_window(last, (0.1, 0.1, 0.6, 0.6), 0.9)
    assert larger.side > 0.4 * (0.4 / smaller.side) ** 2  # it grows faster than it shrinks
    for _ in range(40):
        smaller = followed_window(smaller, (0.35, 0.45, 0.45, 0.55), 0.9)
    assert smaller.side == pytest.approx(0.285, abs=0.02)
    # An object that has grown at once is held nevertheless.
    grown = followed_window(smaller, (0.2, 0.2, 0.7, 0.7), 0.9)
    assert grown.side >= 0.8
    assert followed_window(last, (0.3, 0.4, 0.5, 0.6), 0).is_whole


def test_a_window_grows_while_its_object_is_gone():
    window, sides = Window.around(0.2, 0.2, 0.2, SIZE), []
    for _ in range(9):
        window = followed_window(window, None, 0.9)
        sides.append(window.side)
    assert sides == sorted(sides) and sides[0] < 0.3 and window.is_whole


def test_a_box_or_a_mask_outlines_and_a_click_does_not():
    drawn = Prompt(mask=np.ones((3, 3), bool))
    assert ever_outlined([None, BOX]) and ever_outlined([CLICK, drawn])
    assert ever_outlined([BOX.then(CLICK)])
    assert not ever_outlined([CLICK, WRONG, None]) and not ever_outlined([])
    assert not ever_outlined([EMPTY]) and ever_shown([CLICK])


def plane(*places, size=4):
    """Logits (32, 32) of squares whose upper left cells are at (row, column)."""
    logits = np.full((32, 32), -6, np.float32)
    for row, column in places:
        logits[row : row + size, column : column + size] = 5
    return logits


def test_a_piece_far_from_where_the_object_was_is_not_taken_along():
    before, twins = [plane((10, 8)), plane((10, 9))], plane((10, 10), (10, 22))
    found = near_pieces(twins, before, 0.05)
    assert (found[10:14, 10:14] == 5).all() and (found[10:14, 22:26] == -5).all()
    elsewhere = np.ones((32, 32), bool)
    elsewhere[10:14, 22:26] = False
    assert (found[elsewhere] == twins[elsewhere]).all()
    assert (twins[10:14, 22:26] == 5).all()  # what came in is as it was
    assert near_pieces(twins, before, 0) is twins
    assert near_pieces(twins, [], 0.05) is twins
    # Thrice the side of the object reaches as far as the other one.
    assert (near_pieces(twins, before, 3.0) == twins).all()


def test_pieces_are_near_any_of_the_frames_before():
    halves = plane((10, 6), (10, 16))
    with_both, with_one = plane((10, 6), (10, 16)), plane((10, 6))
    assert (near_pieces(halves, [with_both, with_one], 0.05) == halves).all()
    assert (near_pieces(halves, [with_one, with_one], 0.05)[10:14, 16:20] == -5).all()


def test_all_pieces_count_where_the_object_itself_is_hardly_there():
    gone = plane()
    twins = plane((10, 10), (10, 22))
    assert near_pieces(twins, [plane((10, 8)), gone], 0.05) is twins  # it was absent
    fast = plane((10, 22))
    assert near_pieces(fast, [plane((10, 8))], 0.05) is fast
    sliver = fast.copy()
    sliver[10:14, 10] = 5  # a quarter of it near by: it comes out behind something
    assert near_pieces(sliver, [plane((10, 8))], 0.05) is sliver
    assert near_pieces(gone, [plane((10, 8))], 0.05).max() < 0


RNG = np.random.default_rng(3)


def encoded():
    outputs = make_spec().ports["image_encoder"].outputs
    return {n: RNG.integers(-128, 128, sizes(p)).astype(np.int8) for n, p in outputs.items()}


def test_a_look_is_the_mean_of_what_is_masked_level_by_level():
    codes, logits = encoded(), RNG.normal(size=(GRID, GRID)).astype(np.float32)
    found = look(codes, logits)
    assert found is not None
    assert found.shape == (WIDTH + 2 * SKIP,) and abs(found @ found - 1) < 1e-5
    parts = []
    for level in LEVELS:
        plane = codes[level][0].astype(np.float64)
        side = GRID // plane.shape[1]
        full = plane.repeat(side, 1).repeat(side, 2)  # each cell as often as it has pixels
        mean = full[:, logits > 0].mean(1)
        parts.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(found, np.concatenate(parts) / len(parts) ** 0.5, atol=1e-5)


def test_what_is_not_masked_does_not_count():
    codes = encoded()
    logits = np.full((GRID, GRID), -1, np.float32)
    assert look(codes, logits) is None
    cell = GRID // COARSE
    logits[:cell, :cell] = 1
    before = look(codes, logits)
    for level in LEVELS:
        side = codes[level].shape[2] // COARSE
        codes[level][0, :, side:, side:] = 7
    np.testing.assert_array_equal(look(codes, logits), before)


def test_the_most_alike_of_the_looks_counts():
    one, other = (v / np.linalg.norm(v) for v in RNG.normal(size=(2, 9)).astype(np.float32))
    assert likeness(one, [other, one]) == pytest.approx(1)
    assert likeness(one, [other]) == pytest.approx(float(one @ other))
    assert likeness(one, []) == 1
