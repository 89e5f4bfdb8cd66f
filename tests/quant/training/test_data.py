"""What is trained on is said, and what is left out is said with its reason."""

import json

import pytest

from quant.config import get_config
from quant.data import DataError
from quant.training.data import Clips, TrainingData, find_material
from quant.training.recipe import RECIPES
from tests.quant.data.test_named_stills import TRAIN, three_ids, write_still
from tests.quant.data.vos_trees import davis_2016, frame_at, ids_at, write_grey, write_lines


def add_sequence(root, name, masks=True):
    import cv2

    for i in range(4):
        path = root / f"JPEGImages/480p/{name}/{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), frame_at(i))
        if masks:
            values = (ids_at(i) > 0).astype("uint8") * 255
            write_grey(root / f"Annotations/480p/{name}/{i:05d}.png", values)


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    davis_2016(root / "DAVIS")
    names = ["bear", *(f"walk{n}" for n in range(11))]
    for name in names[1:]:
        add_sequence(root / "DAVIS", name)
    write_lines(root / "DAVIS/ImageSets/480p/train.txt", *names)
    for stem in TRAIN:
        write_still(root / "stills/photos", stem, three_ids())
    table = {stem: [[1, "cat"], [2, "sofa"]] for stem in TRAIN}
    (root / "stills/photos/labels.json").write_text(json.dumps(table))
    return root


def relist(data, *names):
    write_lines(data / "DAVIS/ImageSets/480p/train.txt", *names)


def test_everything_is_found_and_counted(data):
    found = find_material(data)
    assert len(found.videos) == 12 and len(found.stills) == 3 and not found.skipped
    assert found.listing() == "12 videos of 49 frames, 3 stills (photos 3)"


@pytest.mark.parametrize("missing", ["folder", "masks"])
def test_one_missing_sequence_is_named_and_the_others_stay(data, missing):
    if missing == "masks":
        add_sequence(data / "DAVIS", "lost", masks=False)
    relist(data, "bear", "lost", *(f"walk{n}" for n in range(11)))
    found = find_material(data)
    assert len(found.videos) == 12
    (reason,) = found.skipped
    assert reason.startswith("lost: no ") and "left out: lost" in found.listing()


def test_too_many_missing_sequences_stop_the_run(data):
    relist(data, "bear", "lost", "gone", *(f"walk{n}" for n in range(8)))
    with pytest.raises(DataError, match=r"2 of 11 videos in .* lost: no .*gone: no "):
        find_material(data)


def test_a_missing_list_stops_the_run(data):
    (data / "DAVIS/ImageSets/480p/train.txt").unlink()
    with pytest.raises(DataError, match="no split 'train'"):
        find_material(data)


def test_nothing_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no data folder"):
        find_material(tmp_path / "nowhere")
    with pytest.raises(DataError, match="neither videos nor stills"):
        find_material(tmp_path)


def test_a_picture_cut_short_is_left_out_at_the_start(data):
    broken = data / f"stills/photos/JPEGImages/{TRAIN[0]}.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    found = find_material(data)
    assert len(found.stills) == 2
    assert found.skipped == [f"{broken}: cut short or no picture"]


def test_a_file_that_breaks_later_costs_a_clip_and_not_the_run(data):
    found = find_material(data)
    clips = Clips([], found.stills, 32, 2, 40, seed=1)
    (data / f"stills/photos/JPEGImages/{TRAIN[0]}.jpg").write_bytes(b"")
    assert all(clips[i]["frames"].shape == (2, 3, 32, 32) for i in range(20))
    for stem in TRAIN[1:]:
        (data / f"stills/photos/JPEGImages/{stem}.jpg").write_bytes(b"")
    with pytest.raises(DataError):
        clips[0]


def test_a_clip_is_the_same_on_every_run_and_another_in_every_epoch(data):
    found = find_material(data)
    first, again = (Clips(found.videos, found.stills, 32, 3, 9, seed=5) for _ in range(2))
    for i in range(9):
        assert first[i]["frames"].equal(again[i]["frames"])
        assert first[i]["ids"].equal(again[i]["ids"])
    again.epoch = 1
    assert any(not first[i]["frames"].equal(again[i]["frames"]) for i in range(9))


def test_a_runs_seed_draws_other_clips(data):
    found, stage = find_material(data), RECIPES["tiny"][0]

    def drawn(**seed):
        made = TrainingData(found, get_config("tiny"), stage, 0, **seed)
        made.setup("fit")
        assert made.clips is not None
        return made.clips[0]["frames"]

    assert drawn().equal(drawn(seed=0))
    assert not drawn().equal(drawn(seed=1))
