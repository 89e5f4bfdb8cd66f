"""Animated stills: ids that fit the pictures, real occlusion, objects that leave and return."""

from functools import partial

import cv2
import numpy as np
import pytest

from quant.data import DataError, Still, synthesize_clip
from quant.data.images import VOID
from quant.data.synthetic import SetDraw, draw_scene

HUES = [(230, 30, 30), (30, 220, 40), (30, 60, 230), (230, 220, 30)]


def still_arrays(number, height=90, width=120):
    """Grey noise with one saturated disc, so that colour tells where an object is."""
    rng = np.random.default_rng(number)
    image = np.repeat(rng.integers(90, 150, (height, width, 1), np.uint8), 3, 2)
    disc = np.zeros((height, width), np.uint8)
    cv2.circle(disc, (40 + 5 * (number % 8), 45), 26, 1, -1)
    image[disc > 0] = HUES[number % len(HUES)]
    return image, [disc.astype(bool)]


def make_still(number):
    image, masks = still_arrays(number)
    return Still(f"disc {number}", partial(np.copy, image), lambda height, width: masks)


STILLS = [make_still(number) for number in range(8)]


def test_shapes_types_and_determinism():
    frames, ids = synthesize_clip(STILLS, 5, 64, np.random.default_rng(1))
    assert frames.shape == (5, 64, 64, 3) and frames.dtype == np.uint8
    assert ids.shape == (5, 64, 64) and ids.dtype == np.uint8 and ids.max() <= 5
    again = synthesize_clip(STILLS, 5, 64, np.random.default_rng(1))
    np.testing.assert_array_equal(frames, again[0])
    np.testing.assert_array_equal(ids, again[1])
    assert (frames != synthesize_clip(STILLS, 5, 64, np.random.default_rng(2))[0]).any()


def test_every_clip_starts_with_an_object_in_sight():
    for seed in range(40):
        _, ids = synthesize_clip(STILLS, 2, 64, np.random.default_rng(seed))
        assert np.bincount(ids[0].ravel())[1:].max() >= 0.005 * 64 * 64


def test_ids_lie_on_colour():
    """Inside a labelled object everything is saturated, whatever bends, turns and recolours it."""
    for seed in range(25):
        frames, ids = synthesize_clip(STILLS, 4, 96, np.random.default_rng(seed))
        spread = np.ptp(frames.astype(int), axis=-1)
        for index in range(4):
            for object_id in np.unique(ids[index][ids[index] > 0]):
                inside = (ids[index] == object_id).astype(np.uint8)
                core = cv2.erode(inside, np.ones((5, 5), np.uint8)) > 0
                if core.any():
                    assert np.median(spread[index][core]) > 50


def test_objects_move_smoothly_and_do_move():
    moved = []
    for seed in range(30):
        _, ids = synthesize_clip(STILLS, 6, 96, np.random.default_rng(seed))
        for object_id in range(1, 4):
            centres = [np.argwhere(i == object_id).mean(0) for i in ids if (i == object_id).any()]
            steps = np.linalg.norm(np.diff(centres, axis=0), axis=1) if len(centres) > 1 else [0]
            assert max(steps) < 0.45 * 96  # no jump across the frame
            moved.append(max(steps))
    assert np.mean(np.array(moved) > 1) > 0.5


def alone(layer, frame, size):
    return layer.ids(frame, size) > 0


def test_ids_name_the_topmost_object_and_occlusion_happens():
    hidden = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = draw_scene(STILLS, 6, 64, rng)
        for frame in range(6):
            _, ids = scene.composite(frame)
            expected = np.zeros_like(ids)
            covers = [alone(layer, frame, 64) for layer in scene.layers]
            for layer, cover in zip(scene.layers, covers, strict=True):
                expected[cover] = layer.ids(frame, 64)[cover]
            np.testing.assert_array_equal(ids, expected)
            hidden += int((np.sum(covers, axis=0) > 1).sum() > 20)
    assert hidden > 20  # of 240 frames


def test_both_kinds_occur_and_objects_leave_and_return():
    whole, left, returned = 0, 0, 0
    for seed in range(60):
        scene = draw_scene(STILLS, 24, 48, np.random.default_rng(seed))
        ground = scene.layers[0].labels
        assert ground is not None
        whole += bool(ground.any())
        for layer in scene.layers[1:]:
            seen = [bool(alone(layer, frame, 48).any()) for frame in range(24)]
            gone = [i for i, here in enumerate(seen) if not here]
            left += bool(gone)
            returned += any(any(seen[:i]) and any(seen[i:]) for i in gone)
    assert 15 < whole < 45
    assert left >= 5 and returned >= 2


def test_a_still_of_several_objects_keeps_their_ids_and_its_void():
    """Two discs and a stripe of void: ids, and nothing else, lie where their colours do."""
    image = np.full((90, 120, 3), 100, np.uint8)
    masks = [np.zeros((90, 120), bool) for _ in range(2)]
    masks[0][20:70, 10:50], masks[1][30:60, 70:100] = True, True
    image[masks[0]], image[masks[1]] = (250, 20, 20), (20, 20, 250)
    void = np.zeros((90, 120), bool)
    void[:10] = True
    image[void] = (20, 250, 20)
    still = Still("two", lambda: image, lambda height, width: masks, read_void=lambda: void)
    seen = set()
    for seed in range(20):
        scene = draw_scene([still], 3, 96, np.random.default_rng(seed))
        layer = scene.layers[0]
        ids, colours = layer.ids(1, 96), layer.warp(1, 96).astype(int)
        for object_id, channel in ((1, 0), (2, 2), (VOID, 1)):
            core = cv2.erode((ids == object_id).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            if core.any():
                seen.add(object_id)
                others = np.delete(colours[core], channel, axis=1).max(1)
                assert (colours[core][:, channel] > others + 40).mean() > 0.95
    assert seen == {1, 2, VOID}


def test_a_pasted_object_may_have_a_twin():
    twins = 0
    for seed in range(60):
        layers = draw_scene(STILLS, 3, 64, np.random.default_rng(seed)).layers[1:]
        hues = [
            tuple(np.median(k.picture[k.picture[..., 3] > 200][:, :3], 0) > 128) for k in layers
        ]
        twins += len(hues) > 1 and hues[-1] == hues[0] and len(set(hues)) < len(hues)
    assert 5 < twins < 40


def test_a_set_counts_by_the_root_of_its_size():

    def nothing():
        raise AssertionError("only the source is asked for")

    few = [Still(f"few {n}", nothing, lambda h, w: [], "few") for n in range(4)]
    many = [Still(f"many {n}", nothing, lambda h, w: [], "many") for n in range(100)]
    rng, draw = np.random.default_rng(0), SetDraw([*few, *many])
    share = np.mean([draw(rng).source == "few" for _ in range(4000)])
    assert abs(share - 2 / 12) < 0.03


def test_stills_without_objects_are_refused():
    empty = Still("empty", lambda: np.zeros((20, 20, 3), np.uint8), lambda height, width: [])
    with pytest.raises(DataError, match="hold no object"):
        for seed in range(10):
            synthesize_clip([empty], 2, 32, np.random.default_rng(seed))
