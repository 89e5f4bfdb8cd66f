"""Stills with named regions: ids and names, class maps cut into objects, void, parts, held out."""

import json

import numpy as np
import pytest

from quant.data import DataError, load_stills
from quant.data.held_out import is_held_out
from quant.data.named_stills import load_named_stills, read_labels
from tests.quant.data.vos_trees import frame_at, write_lines, write_palette

TRAIN = [f"photo{n}" for n in range(40) if not is_held_out(f"photo{n}")][:3]
HELD = next(f"photo{n}" for n in range(40) if is_held_out(f"photo{n}"))


def write_still(folder, stem, ids):
    import cv2

    (folder / "JPEGImages").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"JPEGImages/{stem}.jpg"), frame_at(0)[..., ::-1])
    write_palette(folder / f"Annotations/{stem}.png", ids)


def three_ids():
    ids = np.zeros((24, 40), np.uint8)
    ids[2:10, 2:12], ids[14:20, 1:31], ids[20:22, :] = 1, 2, 255
    return ids


@pytest.fixture
def instances(tmp_path):
    folder = tmp_path / "photos"
    for stem in (*TRAIN, HELD):
        write_still(folder, stem, three_ids())
    names = {stem: {"objects": [[1, "cat"], [2, "sofa"]]} for stem in (*TRAIN, HELD)}
    (folder / "labels.json").write_text(json.dumps(names))
    return folder


def test_ids_names_and_void(instances):
    stills = load_named_stills(instances)
    assert [s.stem for s in stills] == sorted((*TRAIN, HELD), key=lambda s: int(s[5:]))
    found = stills[0].read()
    assert found.names == {1: "cat", 2: "sofa"}
    np.testing.assert_array_equal(found.void, three_ids() == 255)
    np.testing.assert_array_equal(found.ids, np.where(three_ids() == 255, 0, three_ids()))


def test_training_and_scoring_share_no_still(instances):
    train, held = load_stills(instances), load_stills(instances, held=True)
    assert len(train) == 3 and len(held) == 1 and HELD in held[0].name
    image, masks = train[0].read()
    assert [int(m.sum()) for m in masks] == [180, 80]  # the largest first
    assert train[0].void(*image.shape[:2]).sum() == 80 and train[0].source == "photos"


def test_instances_are_read_where_the_set_has_them(instances):
    ids = three_ids()
    ids[14:20, 16:31] = 3  # the sofa's second half is another sofa
    write_palette(instances / f"Instances/{TRAIN[0]}.png", ids)
    (only,) = load_named_stills(instances)  # the others have no instances
    assert sorted(np.unique(only.read().ids)) == [0, 1, 2, 3]


def test_regions_of_a_class_are_objects_and_stuff_is_not(tmp_path):
    folder = tmp_path / "streets"
    values = np.full((24, 40), 2, np.uint8)  # road
    values[2:10, 2:12], values[2:10, 20:30], values[15, 5], values[22:] = 1, 1, 1, 3
    write_still(folder, TRAIN[0], values)
    write_lines(folder / "classes.txt", "0 Sky", "1 Car", "2 Road", "3 Unlabelled")
    found = load_named_stills(folder)[0].read()
    assert found.names == {1: "Car", 2: "Car", 3: "Car"}  # the speck is 1/960 of the image
    assert {int((found.ids == i).sum()) for i in (1, 2)} == {80}
    assert found.void[22:].all() and not found.void[:14].any()


def test_parts_stand_behind_their_whole(tmp_path):
    folder = tmp_path / "car_parts"
    write_still(folder, TRAIN[0], three_ids() % 255)
    (folder / "labels.json").write_text(json.dumps({TRAIN[0]: [[1, "door"], [2, "hood"]]}))
    (still,) = load_stills(folder)
    _, masks = still.read()
    assert still.parts and [int(m.sum()) for m in masks] == [260, 180, 80]


def test_broken_names_are_named(instances):
    for odd in ('{"a": 3}', '{"a": [[-Infinity, "cat"]]}', '{"a": [[NaN, "cat"]]}'):
        (instances / "labels.json").write_text(odd)
        with pytest.raises(DataError, match="labels.json"):
            read_labels(instances / "labels.json")
    with pytest.raises(DataError, match="labels.json"):
        load_named_stills(instances)
    (instances / "labels.json").unlink()
    write_lines(instances / "classes.txt", "no numbers")
    with pytest.raises(DataError, match="classes.txt"):
        load_named_stills(instances)
