"""Still sets: label indices, single objects with a border, and polygons."""

import pickle

import cv2
import numpy as np
import pytest

from quant.data import DataError, load_stills
from tests.quant.data.vos_trees import write_grey, write_lines


def picture(path, height=40, width=50):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), (200, 100, 30), np.uint8))  # BGR


def labels():
    values = np.zeros((40, 50), np.uint8)
    values[5:30, 10:30], values[30:38, 10:30], values[0:2, 0:2] = 14, 41, 19
    return values


@pytest.fixture
def stills_folder(tmp_path):
    picture(tmp_path / "clothes/images/0001.jpg")
    write_grey(tmp_path / "clothes/masks/0001.png", labels())
    write_lines(tmp_path / "clothes/labels.txt", "null", "accessories")
    picture(tmp_path / "pets/images/cat_1.jpg")
    picture(tmp_path / "pets/images/cat_2.jpg")  # no mask: left out
    pet = np.zeros((40, 50), np.uint8)
    pet[8:32, 8:32], pet[10:30, 10:30] = 128, 255
    write_grey(tmp_path / "pets/masks/cat_1.png", pet)
    picture(tmp_path / "polygons/images/9.jpg")
    small, large = "0 0 0 0.04 0 0.04 0.04", "7 0.2 0.25 0.8 0.25 0.8 0.75 0.2 0.75"
    write_lines(tmp_path / "polygons/labels/9.txt", small, "", large)
    return tmp_path


def test_every_kind_is_found_by_itself(stills_folder):
    stills = load_stills(stills_folder)
    assert len(stills) == 3
    for still in pickle.loads(pickle.dumps(stills)):
        image, masks = still.read()
        assert image.shape == (40, 50, 3) and image[20, 20, 0] < 60 < 180 < image[20, 20, 2]
        assert masks and all(m.dtype == bool and m.shape == (40, 50) and m.any() for m in masks)


def test_labels_give_the_person_and_every_large_label(stills_folder):
    _, masks = load_stills(stills_folder / "clothes")[0].read()
    np.testing.assert_array_equal(masks[0], labels() > 0)
    assert [int(m.sum()) for m in masks[1:]] == [500, 160]  # 4 pixels of label 19 are no object


def test_the_border_counts_as_pet(stills_folder):
    _, (mask,) = load_stills(stills_folder / "pets")[0].read()
    assert mask.sum() == 24 * 24


def test_polygons_fill_their_outline(stills_folder):
    _, (mask,) = load_stills(stills_folder / "polygons")[0].read()
    assert mask[20, 25] and not mask[2, 2]
    assert abs(mask.mean() - 0.3) < 0.04  # 0.6 by 0.5 of the image


def test_broken_sets_are_named(stills_folder, tmp_path):
    with pytest.raises(DataError, match="images/ with masks/ or labels/"):
        load_stills(tmp_path / "clothes" / "images")
    write_lines(stills_folder / "polygons/labels/9.txt", "3 0.5 0.5 0.2 0.2")
    with pytest.raises(DataError, match=r"line 1 of .*9\.txt has 4"):
        load_stills(stills_folder / "polygons")[0].read()
    write_grey(stills_folder / "pets/masks/cat_1.png", np.ones((9, 9), np.uint8))
    with pytest.raises(DataError, match="one size"):
        load_stills(stills_folder / "pets")[0].read()


def test_a_copy_is_held_out_with_its_original(tmp_path):
    # 2008_005972 is held out by its name, its copy's own name is not.
    for stem in ("car_voc2012_2008_005972", "car_voc2012_2008_005971"):
        picture(tmp_path / f"shapes/images/{stem}.jpg")
        write_grey(tmp_path / f"shapes/masks/{stem}.png", labels())
    assert [s.name.rsplit("/", 1)[-1] for s in load_stills(tmp_path)] == [
        "car_voc2012_2008_005971.jpg"
    ]
    assert [s.name.rsplit("/", 1)[-1] for s in load_stills(tmp_path, held=True)] == [
        "car_voc2012_2008_005972.jpg"
    ]
