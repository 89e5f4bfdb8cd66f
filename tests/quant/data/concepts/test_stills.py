"""Named instances of the sets that share one layout: what each marks, names of the vocabulary, and
what void regions and classes of regions leave in doubt.
"""

import json

import cv2
import numpy as np
import pytest

from quant.data.concepts.dataset import load_concepts
from tests.quant.data.vos_trees import write_grey, write_lines

HEIGHT, WIDTH = 60, 80


def write_set(root, name, regions, classes=None, objects=None, folder="Annotations", stem="a_1"):
    """One image of a set: regions {value: (y0, y1, x0, x1)}."""
    place = root / name
    (place / "JPEGImages").mkdir(parents=True)
    grey = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    cv2.imwrite(str(place / f"JPEGImages/{stem}.jpg"), grey)
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value, (y0, y1, x0, x1) in regions.items():
        values[y0:y1, x0:x1] = value
    (place / "Annotations").mkdir()
    write_grey(place / folder / f"{stem}.png", values)
    if objects is not None:
        (place / "labels.json").write_text(json.dumps({stem: objects}))
    if classes is not None:
        write_lines(place / "classes.txt", *classes)
    (image,) = load_concepts(root)
    return image


def named(image):
    return sorted((one.concept, int(one.mask.sum())) for one in image.read()[1])


def voc(root, regions, objects):
    entry = {"classes": [], "objects": objects, "animal_boxes": []}
    return write_set(root, "voc_sbd", regions, ["0 background"], entry, "Instances")


def test_pascal_voc_marks_its_classes(tmp_path):
    regions = {1: (5, 25, 5, 25), 2: (30, 50, 5, 25), 3: (5, 50, 40, 70)}
    image = voc(tmp_path, regions, [[1, "sheep"], [2, "sheep"], [3, "sofa"]])
    assert named(image) == [
        ("animal", 400), ("animal", 400), ("couch", 1350), ("sheep", 400), ("sheep", 400),
    ]  # fmt: skip
    assert image.source == "voc"
    assert {"person", "motorcycle", "tv", "airplane", "dog", "starfish"} <= set(image.absent)
    # Nobody marked furniture of other kinds, lorries or what lies on a table; a chair is doubtful
    # beside a couch.
    assert not {"furniture", "truck", "vehicle", "cup", "shirt"} & image.exhaustive
    assert "chair" in image.exhaustive and "chair" not in image.absent


def test_void_as_an_outline_hides_nothing(tmp_path):
    image = voc(tmp_path, {255: (4, 26, 4, 26), 1: (6, 24, 6, 24)}, [[1, "dog"]])
    assert named(image) == [("animal", 324), ("dog", 324)] and "person" in image.absent


@pytest.mark.parametrize("name", ["voc_sbd", "coco_mini"])
def test_a_void_region_may_hide_anything_that_the_set_marks(tmp_path, name):
    regions = {255: (20, 50, 40, 70), 1: (6, 24, 6, 24)}
    image = write_set(tmp_path, name, regions, objects={"objects": [[1, "dog"]]})
    assert image.present == {"dog", "animal"} and image.exhaustive == frozenset()


def test_coco_marks_eighty_classes(tmp_path):
    objects = {"src": "x", "objects": [[1, "handbag"], [2, "apple"]]}
    regions = {1: (5, 25, 5, 25), 2: (30, 50, 5, 25)}
    image = write_set(tmp_path, "coco_mini", regions, objects=objects)
    assert named(image) == [("apple", 400), ("bag", 400), ("fruit", 400)]
    assert image.source == "coco" and len(image.annotated) == 85
    assert {"person", "vehicle", "banana", "toothbrush"} <= set(image.absent)
    # Food that COCO has no class for is not marked, nor are plates and cameras.
    assert not {"food", "tableware", "electronics", "fish"} & image.exhaustive


def test_one_person_of_many_says_nothing_of_the_others(tmp_path):
    image = write_set(tmp_path, "coco_person", {1: (5, 25, 5, 25)}, objects=[[1, "person"]])
    assert named(image) == [("person", 400)]
    assert image.exhaustive == frozenset() and image.absent == ()


def test_named_alone(tmp_path):
    image = write_set(tmp_path, "sysu_shape", {1: (5, 25, 5, 25)}, objects=[[1, "motorbike"]])
    assert image.exhaustive == {"motorcycle"} and image.absent == ()
    assert named(image) == [("motorcycle", 400)]


def test_caltech_names_one_thing_and_shows_none_of_the_others(tmp_path):
    image = write_set(tmp_path, "caltech101_24", {1: (5, 25, 5, 25)}, objects=[[1, "emu"]])
    assert image.present == {"emu", "bird", "animal"}
    assert {"flamingo", "crocodile", "fish", "anchor"} <= set(image.absent)
    assert not {"person", "car", "camera", "potted plant", "duck"} & image.exhaustive


def test_horses_from_the_side(tmp_path):
    image = write_set(tmp_path, "weizmann_horse", {1: (5, 25, 5, 25)}, ["0 background", "1 horse"])
    assert image.present == {"horse", "animal"} and {"cow", "zebra"} <= set(image.absent)
    assert not {"person", "dog"} & image.exhaustive


def test_a_car_of_parts_is_one_car_with_its_gaps(tmp_path):
    regions = {1: (10, 30, 10, 30), 2: (10, 30, 33, 60)}
    parts = [[1, "hood"], [2, "front_left_door"]]
    image = write_set(tmp_path, "car_parts", regions, objects=parts)
    ((name, area),) = named(image)
    assert name == "car" and 20 * 47 <= area <= 20 * 50 and image.exhaustive == frozenset()


def test_regions_of_driving_scenes(tmp_path):
    classes = ["0 Sky", "8 Car", "9 Pedestrian", "10 Bicyclist", "11 Unlabelled"]
    regions = {8: (5, 25, 5, 25), 9: (30, 50, 5, 15), 11: (30, 59, 60, 79)}
    image = write_set(tmp_path, "camvid", regions, classes)
    assert named(image) == [("car", 400), ("person", 200)]
    assert image.exhaustive >= {"car", "person"} and "cow" in image.absent
    assert not {"truck", "bus", "bicycle", "vehicle"} & image.exhaustive


def test_a_rider_makes_people_and_bicycles_doubtful(tmp_path):
    classes = ["0 Sky", "8 Car", "9 Pedestrian", "10 Bicyclist"]
    image = write_set(tmp_path, "camvid", {9: (5, 25, 5, 25), 10: (30, 50, 30, 50)}, classes)
    assert named(image) == [("person", 400)] and "person" not in image.exhaustive
    assert "car" in image.absent


def test_a_set_that_is_not_listed_marks_what_it_names(tmp_path):
    image = write_set(tmp_path, "toys", {1: (5, 25, 5, 25)}, objects=[[1, "spinning top"]])
    assert image.source == "toys" and image.exhaustive == {"spinning top"}
