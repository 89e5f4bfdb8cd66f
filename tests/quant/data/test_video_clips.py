"""Clips drawn from annotated videos: shapes, order, gaps, crops, and masks that stay on objects."""

import numpy as np
import pytest

from host.images import to_network
from quant.data import DataError, open_dataset, sample_video_clip
from quant.data.clips import choose_target, draw_close_window, draw_crop, draw_positions, squash_ids
from quant.data.packed import FramesInMemory
from quant.data.video import VideoSequence
from tests.quant.data.vos_trees import davis_2017, write_palette


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    root = tmp_path_factory.mktemp("davis")
    davis_2017(root, count=20)
    return open_dataset(root, "train")[0]


def test_shapes_types_and_determinism(video):
    frames, ids = sample_video_clip(video, 5, 64, np.random.default_rng(3))
    assert frames.shape == (5, 64, 64, 3) and frames.dtype == np.uint8
    assert ids.shape == (5, 64, 64) and ids.dtype == np.uint8
    assert frames.flags.c_contiguous and ids.flags.c_contiguous
    again = sample_video_clip(video, 5, 64, np.random.default_rng(3))
    np.testing.assert_array_equal(frames, again[0])
    np.testing.assert_array_equal(ids, again[1])
    other, _ = sample_video_clip(video, 5, 64, np.random.default_rng(4))
    assert (frames != other).any()


def test_masks_stay_on_their_objects(video):
    for seed in range(25):
        frames, ids = sample_video_clip(video, 4, 96, np.random.default_rng(seed))
        assert ids[0].any()
        redness = frames[..., 0].astype(int) - frames[..., 2]
        for index in range(4):
            for object_id, sign in ((1, 1), (2, -1)):
                inside = ids[index] == object_id
                if inside.sum() > 60:
                    assert sign * np.median(redness[index][inside]) > 60
            assert np.abs(np.median(redness[index][ids[index] == 0])) < 40


def test_positions_keep_order_and_gaps():
    turned = 0
    for seed in range(300):
        positions = draw_positions(100, 6, np.random.default_rng(seed), max_gap=4)
        steps = np.diff(positions)
        assert min(positions) >= 0 and max(positions) < 100
        assert (np.abs(steps) >= 1).all() and (np.abs(steps) <= 4).all()
        assert (steps > 0).all() or (steps < 0).all()
        turned += int((steps < 0).all())
    assert 40 < turned < 120


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_short_videos_run_there_and_back(count):
    for seed in range(20):
        positions = draw_positions(count, 8, np.random.default_rng(seed), max_gap=5)
        assert len(positions) == 8 and set(positions) == set(range(count))
        assert (np.abs(np.diff(positions)) <= 1).all()


def test_crops_keep_half_of_the_target():
    target = np.zeros((60, 80), bool)
    target[40:55, 60:78] = True
    cropped = 0
    for seed in range(200):
        left, top, right, bottom = draw_crop(target, np.random.default_rng(seed))
        assert 0 <= left < right <= 80 and 0 <= top < bottom <= 60
        assert 2 * target[top:bottom, left:right].sum() >= target.sum()
        cropped += (right - left, bottom - top) != (80, 60)
    assert cropped > 60


def test_ids_and_frames_are_squashed_alike():
    ids = np.zeros((256, 455), np.uint8)
    ids[100:180, 200:300] = 9
    picture = np.dstack([np.where(ids > 0, 255, 0).astype(np.uint8)] * 3)
    small, frame = squash_ids(ids, 64), to_network(picture, 64)
    assert set(np.unique(small)) == {0, 9}
    assert (np.abs((small > 0) * 255.0 - frame[..., 0]) <= 128).all()


def test_specks_are_no_targets():
    ids = np.zeros((100, 100), np.uint8)
    ids[0, :3], ids[50:60, 50:60] = 4, 6
    assert {choose_target(ids, np.random.default_rng(s)) for s in range(10)} == {6}
    assert choose_target(np.zeros_like(ids), np.random.default_rng(0)) == 0


def test_masks_of_another_size_are_named(tmp_path):
    davis_2017(tmp_path, count=1)
    write_palette(tmp_path / "Annotations/480p/dogs/00000.png", np.ones((9, 9), np.uint8))
    dogs = open_dataset(tmp_path, "train")[0]
    with pytest.raises(DataError, match=r"frame 0 of dogs is \(24, 40\), its mask \(9, 9\)"):
        sample_video_clip(dogs, 3, 32, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("masks", "overlapping", "said"),
    [
        ({0: {}}, False, "frame 0 of a is annotated with no object"),
        ({0: lambda: np.ones((8, 8), np.uint8)}, True, "frame 0 of a has one map of ids"),
    ],
    ids=["no object", "a map of ids"],
)
def test_annotations_without_masks_to_draw_from_are_named(masks, overlapping, said):
    frame = np.zeros((8, 8, 3), np.uint8)
    video = VideoSequence("a", FramesInMemory([frame]), masks, overlapping=overlapping)
    with pytest.raises(DataError, match=said):
        sample_video_clip(video, 2, 32, np.random.default_rng(0))


def test_close_windows_hold_the_object_and_its_path_and_keep_the_frames_proportions():
    shapes = [np.zeros((90, 160), bool) for _ in range(3)]
    for step, shape in enumerate(shapes):
        shape[40:50, 60 + 8 * step : 72 + 8 * step] = True
    sides = []
    for seed in range(200):
        left, top, right, bottom = draw_close_window(shapes, np.random.default_rng(seed))
        assert 0 <= left < right <= 160 and 0 <= top < bottom <= 90
        assert all(shape[top:bottom, left:right].sum() == shape.sum() for shape in shapes)
        assert abs((right - left) / 160 - (bottom - top) / 90) < 0.02
        sides.append((right - left) / 160)
    assert min(sides) >= 0.15 and max(sides) <= 0.4 and np.ptp(sides) > 0.08
    nothing = [np.zeros((90, 160), bool)]
    assert draw_close_window(nothing, np.random.default_rng(0)) == (0, 0, 160, 90)
    everything = [np.ones((90, 160), bool)]
    assert draw_close_window(everything, np.random.default_rng(0)) == (0, 0, 160, 90)
