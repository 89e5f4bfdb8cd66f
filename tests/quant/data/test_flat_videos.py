"""Videos without lists: ids, class maps, moving regions that keep their ids, held-out names."""

import numpy as np
import pytest

from quant.data import DataError
from quant.data.held_out import HELD_VIDEOS
from quant.data.layouts.flat_videos import follow_regions, is_flat_videos, load_flat_videos
from tests.quant.data.vos_trees import davis_2016, ids_at, write_frames, write_lines, write_palette


def write_video(folder, name, maps):
    write_frames(folder / "JPEGImages" / name, len(maps))
    for i, ids in enumerate(maps):
        write_palette(folder / f"Annotations/{name}/{i:05d}.png", ids)


def test_ids_and_held_out_names(tmp_path):
    held = sorted(HELD_VIDEOS)[0]
    for name in ("park", held):
        write_video(tmp_path / "set", name, [ids_at(i) for i in range(3)])
    (park,) = load_flat_videos(tmp_path)
    (kept,) = load_flat_videos(tmp_path / "set", held=True)
    assert (park.name, kept.name) == ("park", held)
    assert park.object_ids == (1, 2) and len(park) == 3
    np.testing.assert_array_equal(park.mask(2), ids_at(2))


def test_a_layout_with_lists_is_another(tmp_path):
    davis_2016(tmp_path)
    assert not is_flat_videos(tmp_path)
    with pytest.raises(DataError, match="no videos in"):
        load_flat_videos(tmp_path)


def test_things_are_objects_and_void_stays_void(tmp_path):
    values = np.full((24, 40), 3, np.uint8)  # tree
    values[2:10, 2:12], values[0], values[23] = 12, 0, 255
    write_video(tmp_path / "set", "lane", [values, values])
    write_lines(tmp_path / "set/classes.txt", "0 void", "3 tree", "12 car")
    (lane,) = load_flat_videos(tmp_path)
    assert lane.object_ids == (12,)
    labels = lane.labels(0)
    mask = lane.mask(0)
    assert labels is not None and mask is not None
    assert (labels[0] == 255).all() and (labels[23] == 255).all()
    assert (labels == 12).sum() == 80 and not mask[0].any()


def test_moving_regions_keep_their_ids():
    def cars(*lefts):
        plane = np.zeros((30, 60), np.uint8)
        for row, left in lefts:
            plane[row : row + 6, max(0, left) : left + 10] = 1
        plane[:, 58:] = 255
        return plane

    maps = follow_regions(
        {
            0: cars((2, 5), (15, 30)),
            1: cars((2, 9), (15, 26)),
            2: cars((2, 13), (15, 22), (23, 40)),  # a third one comes
            3: cars((2, 17), (23, 36)),  # the second has gone
        }
    )
    first, second = maps[0][3, 8], maps[0][17, 33]
    assert first != second and first and second
    for index, left in enumerate((5, 9, 13, 17)):
        assert maps[index][3, left + 3] == first
    for index, left in enumerate((30, 26, 22)):
        assert maps[index][17, left + 3] == second
    third = maps[2][25, 43]
    assert third not in (0, first, second) and maps[3][25, 39] == third
    assert all((m[:, 58:] == 255).all() for m in maps.values())
