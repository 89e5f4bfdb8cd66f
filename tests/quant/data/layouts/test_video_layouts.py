"""DAVIS and YouTube-VOS trees, and the messages for broken ones."""

import json
import pickle

import numpy as np
import pytest

from quant.data import DataError, open_dataset
from tests.quant.data.vos_trees import (
    davis_2016,
    davis_2017,
    frame_at,
    ids_at,
    write_frames,
    write_grey,
    write_lines,
    write_palette,
)


def test_davis_2016_merges_the_foreground_into_object_1(tmp_path):
    davis_2016(tmp_path, resolution="256p")
    (bear,) = open_dataset(tmp_path, "train")
    assert (bear.name, len(bear), bear.annotated) == ("bear", 5, [0, 1, 2, 3, 4])
    assert bear.object_ids == (1,)
    np.testing.assert_array_equal(bear.mask(3), ids_at(3) > 0)
    # JPEG blurs colours, but red and blue stay where they belong: RGB, not BGR.
    frame = bear.frame(3)
    assert frame.shape == (24, 40, 3) and frame.dtype == np.uint8
    assert frame[6, 10, 0] > 180 > 90 > frame[6, 10, 2]
    assert np.abs(frame.astype(int) - frame_at(3)).mean() < 12


def test_davis_2017_keeps_palette_ids_and_the_latest_lists(tmp_path):
    davis_2017(tmp_path)
    dogs, cats = open_dataset(tmp_path, "train")
    assert (dogs.name, cats.name) == ("dogs", "cats")
    assert dogs.object_ids == (1, 2)
    np.testing.assert_array_equal(dogs.mask(2), ids_at(2))
    np.testing.assert_array_equal(dogs.object_mask(2, 2), ids_at(2) == 2)
    assert [s.name for s in open_dataset(tmp_path, "val")] == ["cats"]


def test_void_beside_ids_becomes_background(tmp_path):
    davis_2017(tmp_path)
    ids = ids_at(0)
    ids[0] = 255
    write_palette(tmp_path / "Annotations" / "480p" / "dogs" / "00000.png", ids)
    dogs = open_dataset(tmp_path, "train")[0]
    np.testing.assert_array_equal(dogs.mask(0), ids_at(0))


def test_frames_without_masks_are_not_annotated(tmp_path):
    davis_2017(tmp_path)
    (tmp_path / "Annotations" / "480p" / "dogs" / "00002.png").unlink()
    dogs = open_dataset(tmp_path, "train")[0]
    assert dogs.annotated == [0, 1, 3, 4]
    assert dogs.mask(2) is None and dogs.object_mask(2, 1) is None


def test_sequences_travel_to_loader_workers(tmp_path):
    davis_2017(tmp_path)
    dogs = pickle.loads(pickle.dumps(open_dataset(tmp_path, "train")[0]))
    np.testing.assert_array_equal(dogs.mask(1), ids_at(1))


def youtube_vos(root):
    write_frames(root / "train" / "JPEGImages" / "0a1b", 11)
    for i in (0, 5, 10):
        write_palette(root / "train" / "Annotations" / "0a1b" / f"{i:05d}.png", ids_at(i))
    objects = {"1": {"category": "fox", "frames": ["00000"]}, "2": {}, "3": {}}
    meta = {"videos": {"0a1b": {"objects": objects}}}
    (root / "train" / "meta.json").write_text(json.dumps(meta))


@pytest.mark.parametrize("inside", ["", "train"])
def test_youtube_vos_is_annotated_every_fifth_frame(tmp_path, inside):
    youtube_vos(tmp_path)
    (video,) = open_dataset(tmp_path / inside, "train")
    assert (video.name, len(video), video.annotated) == ("0a1b", 11, [0, 5, 10])
    assert video.object_ids == (1, 2, 3)  # of meta.json, although 3 never shows
    np.testing.assert_array_equal(video.mask(5), ids_at(5))
    assert video.mask(4) is None


def test_youtube_vos_names_a_broken_meta_file(tmp_path):
    youtube_vos(tmp_path)
    (tmp_path / "train" / "meta.json").write_text("{")
    with pytest.raises(DataError, match="meta.json"):
        open_dataset(tmp_path, "train")


def test_unknown_layout_names_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match="ImageSets.*meta.json.*JPEGImages_24fps"):
        open_dataset(tmp_path, "train")
    with pytest.raises(DataError, match="nowhere"):
        open_dataset(tmp_path / "nowhere", "train")


def test_missing_parts_of_davis_are_named(tmp_path):
    davis_2017(tmp_path)
    with pytest.raises(DataError, match="no split 'dev'.*train, val"):
        open_dataset(tmp_path, "dev")
    with pytest.raises(DataError, match="1080p.*480p"):
        open_dataset(tmp_path, "train", resolution="1080p")
    write_lines(tmp_path / "ImageSets" / "2017" / "lost.txt", "wolves")
    with pytest.raises(DataError, match="wolves"):
        open_dataset(tmp_path, "lost")
    (tmp_path / "ImageSets" / "2017" / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match="empty.txt is empty"):
        open_dataset(tmp_path, "empty")


def test_two_resolutions_ask_for_one(tmp_path):
    davis_2016(tmp_path, resolution="256p")
    davis_2016(tmp_path, resolution="128p")
    with pytest.raises(DataError, match="128p, 256p"):
        open_dataset(tmp_path, "train")
    assert len(open_dataset(tmp_path, "train", resolution="128p")) == 1


def test_broken_files_are_named_when_read(tmp_path):
    davis_2016(tmp_path)
    (tmp_path / "JPEGImages" / "480p" / "bear" / "00001.jpg").write_bytes(b"no picture")
    (tmp_path / "Annotations" / "480p" / "bear" / "00002.png").write_bytes(b"no mask")
    write_grey(tmp_path / "Annotations/480p/bear/00003.png", np.full((24, 40), 3000, np.uint16))
    (bear,) = open_dataset(tmp_path, "train")
    with pytest.raises(DataError, match=r"00001\.jpg"):
        bear.frame(1)
    for index in (2, 3):
        with pytest.raises(DataError, match=f"0000{index}"):
            bear.mask(index)
    with pytest.raises(DataError, match="no frame 5"):
        bear.frame(5)
