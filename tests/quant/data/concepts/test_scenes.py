"""Drawn scenes: the same on every run, their masks on their animals, and everything else absent."""

import numpy as np

from host.media.demo_clip import render_demo_clip
from quant.data.concepts.scenes import KINDS, drawn_scenes
from quant.data.concepts.vocabulary import shipped_vocabulary

KINDS_OF_ALL = ("animal", "sea creature")


def test_scenes_show_each_animal_somewhere_and_nothing_else():
    scenes = drawn_scenes(12)
    assert {item.split for item in scenes} == {"train"}
    shown = set().union(*(item.present for item in scenes))
    assert shown == {*KINDS, *KINDS_OF_ALL}
    for item in scenes:
        assert "animal" in item.present and "person" in item.absent
        assert item.exhaustive | {*KINDS, *KINDS_OF_ALL} >= set(shipped_vocabulary().concepts)


def test_masks_lie_on_what_they_name():
    for item in drawn_scenes(12):
        image, instances = item.read()
        for one in instances:
            red, green, blue = image[one.mask].mean(0)
            if one.concept == "starfish":
                assert blue > green and red > green  # violet
            elif one.concept == "fish":
                assert red > blue  # orange and white


def test_a_scene_is_the_same_when_drawn_again_and_not_the_demo_clip():
    first, again = (drawn_scenes(2)[1].read()[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    height, width = first.shape[:2]
    (frame,), _ = render_demo_clip(1, height, width)
    assert np.abs(first.astype(int) - frame).mean() > 10


def test_most_scenes_show_kinds_side_by_side_and_some_leave_one_out():
    shown = [item.present & set(KINDS) for item in drawn_scenes(40)]
    counts = [sum(len(kinds) == n for kinds in shown) for n in (1, 2, 3)]
    assert counts[2] > 8 and counts[1] > 5 and counts[0] > 1
    for kind in KINDS:
        alone = [item for item in drawn_scenes(40) if kind in item.absent]
        assert alone and all("animal" in item.present for item in alone)


def test_floors_differ_in_colour():
    means = np.array([item.read()[0].mean((0, 1)) for item in drawn_scenes(12)])
    assert (means.std(0) > 10).all()
