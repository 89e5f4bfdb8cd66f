"""The split dev2: scripts that keep their word, pictures the same everywhere, lasting regions."""

import hashlib
from functools import partial

import cv2
import numpy as np
import pytest

from quant.data import DataError, Still, open_dataset
from quant.data.dev2.clips import SOURCES, cut_out, drawn_clips, is_whole
from quant.data.dev2.exact import Route, Stop, grain, shrink
from quant.data.dev2.regions import LEAST_FRAMES, lasting_regions
from quant.data.dev2.scripts import LENGTH, SCRIPTS, Dice
from quant.data.held_out import is_held_out
from quant.data.images import VOID
from quant.data.stills import load_stills

SIZE = 128
DIGEST = "ef2cc433c1f1fdd6821241092775d21c2b4b902aa7d0ac95acab57f81a593643"
"""Of chosen frames and ids: another one means that the split has changed."""


def picture(number):
    """A still with a disc, in integers so that it is the same everywhere."""
    rows, columns = np.mgrid[:120, :150]
    image = np.stack([rows * 2, columns, (rows * columns * (number + 3)) % 256], 2).astype(np.uint8)
    disc = (rows - 60) ** 2 + (columns - 70) ** 2 < (30 + number % 9) ** 2
    image[disc] = (250 - 9 * number % 90, 20 + 13 * number % 200, 40)
    return image, disc


def still(number, source):
    image, disc = picture(number)
    name = f"{source}/{number}.png"
    return Still(name, partial(np.copy, image), lambda height, width: [disc], source)


@pytest.fixture(scope="module")
def clips():
    stills = [still(10 * k + n, source) for k, source in enumerate(SOURCES) for n in range(4)]
    return drawn_clips(stills, SIZE)


def areas(clip):
    """Areas (frames, objects) in pixels."""
    ids = [clip.mask(index) for index in range(len(clip))]
    return np.array([[(frame == i).sum() for i in clip.object_ids] for frame in ids])


def kind(clips, name):
    return [clip for clip in clips if clip.kind == name]


def test_the_split_has_what_its_scripts_say(clips):
    assert [clip.kind for clip in clips] == [k for k, (_, n) in SCRIPTS.items() for _ in range(n)]
    assert len({clip.name for clip in clips}) == len(clips) >= 24
    for clip in clips:
        assert len(clip) == LENGTH == 40 and clip.annotated == list(range(LENGTH))
        assert clip.frame(0).shape == (SIZE, SIZE, 3)
        assert len(clip.object_ids) >= 2
        assert (areas(clip)[0] > 0).all()  # every object can be prompted on the first frame
    assert all(len(clip.object_ids) >= 4 for clip in kind(clips, "crowd"))


def test_hidden_objects_come_back(clips):
    for clip in kind(clips, "occluded"):
        hidden = areas(clip)[:, 0] == 0
        assert hidden.sum() >= 8 and not hidden[0] and not hidden[-5:].any()
        assert (areas(clip)[:, 1] > 0).all()


def test_absent_objects_stay_away_for_ten_frames_and_return(clips):
    for clip in kind(clips, "absent"):
        away = np.flatnonzero(areas(clip)[:, 0] == 0)
        assert len(away) >= 10 and np.ptp(away) == len(away) - 1  # in one go
        assert away[-1] <= LENGTH - 10  # room to be found again
    for clip in kind(clips, "gone"):
        away = np.flatnonzero(areas(clip)[:, 0] == 0)
        assert len(away) >= 10 and away[-1] == LENGTH - 1


def test_small_objects_are_small_and_scales_change(clips):
    for clip in kind(clips, "small"):
        assert (areas(clip)[:, :3] < 0.01 * SIZE**2).all()
    for clip in kind(clips, "scaled"):
        found = areas(clip)
        assert found[-1, 0] > 6 * found[0, 0] and found[0, 1] > 6 * found[-1, 1]


def test_look_alikes_are_of_one_still(clips):
    for clip in kind(clips, "alike"):
        layers = clip.frames.scene.layers
        first, second = layers[1].picture, layers[2].picture
        assert (first == second[:, ::-1]).all() and layers[1].object_id != layers[2].object_id


def test_the_same_frames_in_any_order_and_on_every_machine(clips):
    clip = kind(clips, "crowd")[0]
    later, first = clip.frame(20).copy(), clip.frame(0).copy()
    np.testing.assert_array_equal(clip.frame(20), later)
    np.testing.assert_array_equal(clip.frame(0), first)
    digest = hashlib.sha256()
    for name in SCRIPTS:
        shown = kind(clips, name)[0]
        for index in (0, 17, 39):
            digest.update(shown.frame(index).tobytes() + shown.mask(index).tobytes())
    assert digest.hexdigest() == DIGEST


def test_a_missing_set_is_named():
    with pytest.raises(DataError, match="voc_sbd, weizmann_horse"):
        drawn_clips([still(n, source) for n, source in enumerate(SOURCES[:4])], SIZE)


def test_stills_without_whole_objects_end_in_an_error():
    image, _ = picture(0)
    bare = [Still("bare.png", lambda: image, lambda height, width: [], s) for s in SOURCES]
    with pytest.raises(DataError, match="no object to cut out"):
        drawn_clips(bare, SIZE)[0].frame(0)


@pytest.mark.parametrize(
    ("region", "whole"),
    [
        (np.s_[20:80, 20:80], True),
        (np.s_[20:50, 20:50], False),  # small
        (np.s_[0:80, 20:80], False),  # cut by the edge
        (np.s_[20:60, 5:145], False),  # long
    ],
)
def test_what_is_a_whole_object(region, whole):
    mask = np.zeros((120, 150), bool)
    mask[region] = True
    assert is_whole(mask) == whole


def test_an_object_in_two_pieces_is_not_whole():
    mask = np.zeros((120, 150), bool)
    mask[20:80, 20:70] = True
    mask[20:80, 75:100] = True
    assert not is_whole(mask)


def test_a_cut_out_has_a_rim_of_nothing():
    image, _ = picture(0)
    mask = np.zeros(image.shape[:2], bool)
    mask[0:60, 40:100] = True  # the still ends where the object does
    found = cut_out(image, mask, 40)
    assert not found[[0, -1], :, 3].any() and not found[:, [0, -1], 3].any()
    assert (found[..., 3] > 127).sum() == 3600
    assert cut_out(image, mask, 10)[..., 3].max() == 255
    assert (cut_out(image, mask, 10)[..., 3] > 127).sum() == 225  # by 60 // 15 = 4


def test_a_route_is_straight_between_stops():
    route = Route((Stop(0, 0.2, 0.5, 1.0), Stop(10, 0.6, 0.5, 2.0, 0.1)))
    assert route.at(-3) == route.stops[0] and route.at(50) == route.stops[1]
    middle = route.at(5)
    assert (middle.x, middle.scale, middle.tilt) == pytest.approx((0.4, 1.5, 0.05))


def test_an_exact_warp_places_pixels():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (8, 8, 4), np.uint8)
    still_there = Route((Stop(0, 0.5, 0.5, 1.0),))
    found = still_there.warp(small, 0, 16, cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(found[4:12, 4:12], small)
    assert found.sum() == small.sum()
    # A quarter turn: the tangent of half a right angle is 1.
    turned = Route((Stop(0, 0.5, 0.5, 1.0, 1.0),)).warp(small, 0, 8, cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(turned, np.rot90(small, -1))
    doubled = Route((Stop(0, 0.5, 0.5, 2.0),))
    nearest = doubled.warp(small[..., 0], 0, 16, cv2.BORDER_CONSTANT, cv2.INTER_NEAREST)
    np.testing.assert_array_equal(nearest[1::2, 1::2][:7, :7], small[..., 0][:7, :7])
    halved = Route((Stop(0, 0.5, 0.5, 0.5),)).warp(small, 0, 4, cv2.BORDER_REFLECT_101)
    np.testing.assert_array_equal(halved, shrink(small, 2))


def test_exact_warps_agree_with_opencv():
    image, _ = picture(1)
    route = Route((Stop(0, 0.4, 0.55, 0.9, 0.07),))
    found = route.warp(image, 0, 96, cv2.BORDER_REFLECT_101).astype(int)
    angle = 2 * np.arctan(0.07)
    linear = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = np.array([0.4, 0.55]) * 96 - 0.5 - linear @ [74.5, 59.5]
    matrix = np.concatenate([linear, shift[:, None]], 1)
    expected = cv2.warpAffine(image, matrix, (96, 96), borderMode=cv2.BORDER_REFLECT_101)
    smooth = np.abs(found[..., :2] - expected[..., :2].astype(int))  # two smooth channels
    assert np.percentile(smooth, 95) <= 2


def test_means_of_blocks_are_rounded_half_up():
    np.testing.assert_array_equal(shrink(np.array([[1, 2], [2, 1]], np.uint8), 2), [[2]])
    np.testing.assert_array_equal(shrink(np.array([[1, 1], [2, 1]], np.uint8), 2), [[1]])


def test_grain_has_the_deviation_asked_for_and_its_seed():
    found = grain((300, 300), 8, (1, 2))
    assert abs(found.mean()) < 0.1 and found.std() == pytest.approx(8, abs=0.1)
    assert (found == grain((300, 300), 8, (1, 2))).all()
    assert (found != grain((300, 300), 8, (1, 3))).any()


def test_dice_are_pythons_own_sequence():
    assert Dice("dev2").real(0, 1) == Dice("dev2").real(0, 1)
    assert sorted(Dice("a").shuffled(6)) == list(range(6))
    rolls = [Dice(str(i)).pick(3) for i in range(60)]
    assert set(rolls) == {0, 1, 2}


def class_maps(frames, *squares):
    """Class 22 where squares (x at frame 0, speed, first frame, last frame) of 12 x 12 are."""
    maps = {}
    for index in range(frames):
        values = np.full((60, 120), 2, np.uint8)
        for row, (x, speed, first, last) in enumerate(squares):
            if first <= index <= last:
                left = x + speed * index
                values[10 + 6 * row : 22 + 6 * row, max(left, 0) : left + 12] = 22
        maps[index] = values
    return maps


def test_a_region_that_lasts_is_an_object_from_its_first_frame_on():
    frames = LEAST_FRAMES + 10
    ids = lasting_regions(
        class_maps(frames, (5, 1, 0, frames), (90, 0, 8, frames)), frozenset({22})
    )
    assert {int(v) for v in np.unique(ids[frames - 1])} == {0, 1, 2}
    assert {int(v) for v in np.unique(ids[7])} == {0, 1}
    assert (ids[0] == 1).sum() == (ids[frames - 1] == 1).sum() == 144
    assert np.flatnonzero((ids[9] == 1).any(0))[0] < np.flatnonzero((ids[9] == 2).any(0))[0]


def test_regions_that_merge_split_vanish_or_came_late_are_void():
    frames = LEAST_FRAMES + 10
    late = class_maps(frames, (50, 0, frames - LEAST_FRAMES + 1, frames))
    vanishing = class_maps(frames, (50, 0, 0, frames - 2))
    # Two squares side by side from frame 12 on, so that they are one region at the end.
    merging = class_maps(frames, (10, 1, 0, frames), (40, 0, 0, frames))
    split = {frames - 1 - index: values for index, values in merging.items()}
    for maps in (late, vanishing, split):
        ids = lasting_regions(maps, frozenset({22}))
        for index, values in maps.items():
            assert ((ids[index] == VOID) == (values == 22)).all()
    ids = lasting_regions(merging, frozenset({22}))
    assert all((ids[i][merging[i] == 22] == VOID).all() for i in range(10))


def test_what_is_void_in_the_annotation_stays_void():
    maps = class_maps(LEAST_FRAMES, (10, 1, 0, 99))
    maps[3][50, 50] = VOID
    ids = lasting_regions(maps, frozenset({22}))
    assert ids[3][50, 50] == VOID and (ids[3] == 1).sum() == 144


def write_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def write_tree(root):
    """Videos and stills such as the split is made of, the smallest that will do."""
    videos = root / "videos" / "set"
    for name in ("girl", "trained"):
        for index in range(3):
            frame, mask = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.uint8)
            frame[10:20, 5 + index : 15 + index] = 200
            mask[10:20, 5 + index : 15 + index] = 1
            write_image(videos / "JPEGImages" / name / f"{index:05}.png", frame)
            write_image(videos / "Annotations" / name / f"{index:05}.png", mask)
    classes = root / "videos" / "classes"
    for index, values in class_maps(LEAST_FRAMES, (10, 1, 0, 99)).items():
        frame = np.repeat(values[..., None], 3, 2) * 5
        write_image(classes / "JPEGImages" / "soccer" / f"{index:05}.png", frame)
        write_image(classes / "Annotations" / "soccer" / f"{index:05}.png", values)
        nothing = np.full_like(values, 2)
        write_image(classes / "JPEGImages" / "ice" / f"{index:05}.png", frame)
        write_image(classes / "Annotations" / "ice" / f"{index:05}.png", nothing)
    (classes / "classes.txt").write_text("0 void\n2 grass\n22 body\n")
    stems = [f"still{n}" for n in range(60) if is_held_out(f"still{n}")][:3]
    for source in SOURCES:
        for number, stem in enumerate(stems):
            image, disc = picture(number)
            write_image(root / "stills" / source / "images" / f"{stem}.png", image[..., ::-1])
            write_image(root / "stills" / source / "masks" / f"{stem}.png", disc * np.uint8(255))
    return root


def test_dev2_is_one_more_split_of_a_data_folder(tmp_path):
    sequences = open_dataset(write_tree(tmp_path), "dev2")
    names = [s.name for s in sequences]
    # `trained` is not held out, and nothing in `ice` can be followed.
    assert names[:2] == ["soccer", "girl"] and "ice" not in names and "trained" not in names
    assert [s.kind for s in sequences[:3]] == ["real", "real", "crowd"]
    assert sequences[0].object_ids == (1,) and sequences[1].object_ids == (1,)
    assert sequences[-1].frame(3).shape == (256, 256, 3)


def test_a_copy_that_follows_its_original_changes_no_clip(tmp_path):
    root = write_tree(tmp_path)
    before = [s.frame(5) for s in open_dataset(root, "dev2")[2:6]]
    assert is_held_out("a_voc2012_2008_005972")  # for its original alone
    for source in SOURCES:
        image, disc = picture(9)
        name = "a_voc2012_2008_005972.png"
        write_image(root / "stills" / source / "images" / name, image[..., ::-1])
        write_image(root / "stills" / source / "masks" / name, disc * np.uint8(255))
    assert len(load_stills(root / "stills", held=True)) == 4 * len(SOURCES)
    after = [s.frame(5) for s in open_dataset(root, "dev2")[2:6]]
    assert all((old == new).all() for old, new in zip(before, after, strict=True))


def test_without_held_out_videos_the_split_is_refused(tmp_path):
    write_tree(tmp_path)
    for name in ("girl", "soccer", "ice"):
        for folder in tmp_path.glob(f"videos/*/*/{name}"):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
    with pytest.raises(DataError, match="no held-out video"):
        open_dataset(tmp_path, "dev2")
