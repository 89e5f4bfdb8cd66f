"""The folder of pseudo-labels: clips found, files written, a stopped run taken up again. The
teacher is a stand-in here; those of `transformers` are in test_teachers.py.
"""

import json
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import quant.teachers.label
from host.concepts.phrases import normalise
from host.errors import SourceError
from quant.data.concepts.dataset import load_concepts
from quant.teachers import OBJECT, Found, TeacherError
from quant.teachers.label import find_clips, main

HEIGHT, WIDTH = 24, 32


def write_clip(folder, count=6):
    folder.mkdir(parents=True)
    for index in range(count):
        image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        image[:, : 4 + 2 * index] = (0, 0, 250)  # BGR: a red curtain drawn from the left
        cv2.imwrite(str(folder / f"{index:03d}.png"), image)


class Curtains:
    """Calls red pixels whatever it is asked for first, and finds nothing else."""

    def __init__(self, phrases, follows=False, fail_at=None):
        self.phrases, self.follows, self.fail_at = phrases, follows, fail_at
        self.seen = 0

    def label(self, pictures):
        for picture in pictures:
            self.seen += 1
            if self.seen == self.fail_at:
                raise KeyboardInterrupt
            red = picture.image[..., 0] > 200
            names = list(picture.boxes) if picture.boxes is not None else self.phrases
            track = 3 if self.follows else None
            yield [Found(names[0], red, 0.9, track), Found(names[0], red & False, 0.8)]


@pytest.fixture
def videos(tmp_path):
    for name in ("street", "more/deep"):
        write_clip(tmp_path / "videos" / name)
    return tmp_path / "videos"


@pytest.fixture
def teacher(monkeypatch):
    """Puts `Curtains` in the place of every checkpoint; the fixture gives the last one made."""
    made: list[Curtains] = []
    how: dict[str, Any] = {}

    def opened(model, phrases, *, boxes, **settings):
        made.append(Curtains(phrases or [OBJECT], **how))
        return made[-1]

    monkeypatch.setattr(quant.teachers.label, "open_teacher", opened)
    return SimpleNamespace(made=made, how=how)


def label(videos, *more, phrases="puppy,yellow taxi", out="labels"):
    asked = ["--phrases", phrases] if phrases else []
    out = videos.parent / out
    return main(["--teacher", "any", "--videos", str(videos), "--out", str(out), *asked, *more])


def test_what_is_written_is_a_data_set(videos, teacher, capsys):
    assert label(videos, "--every", "2") == 0
    assert "6 frames labelled" in capsys.readouterr().out
    images = load_concepts(videos.parent / "labels")
    names = [image.name.rpartition("/")[2] for image in images]
    assert names == [f"{c}_{i:03d}.jpg" for c in ("more-deep", "street") for i in (0, 2, 4)]
    image, instances = images[-1].read()
    red = np.zeros((HEIGHT, WIDTH), bool)
    red[:, :12] = True
    assert abs(image[:, 14:].astype(int) - 100).max() < 20  # lossy, but the frame
    (dog,) = instances  # an empty mask is no instance
    assert dog.concept == "dog" and np.array_equal(dog.mask, red)  # a puppy is a dog
    assert images[-1].exhaustive == {"dog", "yellow taxi"} and images[-1].absent == ("yellow taxi",)
    described = json.loads((videos.parent / "labels/concepts/street_004.json").read_text())
    assert described["instances"][0] == {
        "concept": "dog",
        "phrase": "puppy",
        "mask": "masks/street_004_0.png",
        "score": 0.9,
    }


def test_a_stopped_run_goes_on_where_it_was(videos, teacher):
    teacher.how["fail_at"] = 8
    with pytest.raises(KeyboardInterrupt):
        label(videos, "--every", "1")
    done = sorted((videos.parent / "labels/concepts").glob("*.json"))
    assert len(done) == 7 and not list((videos.parent / "labels").rglob(".part-*"))
    before = [path.stat().st_mtime_ns for path in done]
    del teacher.how["fail_at"]
    assert label(videos, "--every", "1") == 0
    assert teacher.made[-1].seen == 12 - 7
    assert [path.stat().st_mtime_ns for path in done] == before
    assert label(videos, "--every", "1") == 0 and teacher.made[-1].seen == 0


def test_a_tracker_sees_every_frame_of_a_clip_that_is_not_done(videos, teacher):
    teacher.how["follows"] = True
    assert label(videos, "--every", "3") == 0
    assert teacher.made[-1].seen == 12
    written = sorted((videos.parent / "labels/concepts").glob("*.json"))
    assert [path.stem for path in written] == [
        f"{clip}_{index:03d}" for clip in ("more-deep", "street") for index in (0, 3)
    ]
    for path in written:  # frame and label belong together
        width = 4 + 2 * int(path.stem[-3:])
        mask = cv2.imread(str(videos.parent / f"labels/masks/{path.stem}_0.png"), 0)
        assert mask is not None and np.count_nonzero(mask) == width * HEIGHT
    assert json.loads(written[0].read_text())["instances"][0]["track"] == 3
    written[-1].unlink()
    assert label(videos, "--every", "3") == 0
    assert teacher.made[-1].seen == 6 and written[-1].is_file()


def test_boxes_name_what_is_in_them(videos, teacher):
    boxes = {"street/002": {"The Dog": [[0, 0, 8, 24]], "cat": []}}
    path = videos.parent / "boxes.json"
    path.write_text(json.dumps(boxes))
    assert label(videos, "--boxes", str(path), phrases=None) == 0
    (image,) = load_concepts(videos.parent / "labels")
    assert image.present == {"dog"} and image.absent == ("cat",)


def test_without_phrases_things_are_objects(videos, teacher):
    assert label(videos, phrases=None) == 0
    assert load_concepts(videos.parent / "labels")[0].present == {OBJECT}


def test_a_folder_is_labelled_in_one_way_only(videos, teacher, capsys):
    assert label(videos) == 0
    assert label(videos, phrases="cat") == 2
    assert "was labelled with phrases ['puppy', 'yellow taxi']" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "phrases", "says"),
    [
        (("--every", "0"), "dog", "--every 0"),
        ((), "dog,,cat", "empty"),
        ((), "dog,puppy", "mean 'dog'"),
        (("--boxes", "BOXES"), None, "cannot read boxes"),
    ],
)
def test_what_cannot_work_is_said_before_a_teacher_is_opened(
    videos, teacher, capsys, more, phrases, says
):
    assert label(videos, *more, phrases=phrases) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error
    assert not teacher.made and not (videos.parent / "labels").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"nowhere/1": {"dog": [[0, 0, 1, 1]]}}, "no clip for the boxes of 'nowhere/1'"),
        ({"street/1": {"dog": [[5, 0, 1, 1]]}}, "box [5.0, 0.0, 1.0, 1.0] of 'dog'"),
        ({"street/1": {"dog": [[0, 0, 1]]}}, "box [0.0, 0.0, 1.0]"),
        ({"street/1": {"dog": 7}}, "cannot read boxes"),
        ([1], "cannot read boxes"),
    ],
)
def test_bad_boxes_are_named(videos, teacher, capsys, content, says):
    path = videos.parent / "boxes.json"
    path.write_text(json.dumps(content))
    assert label(videos, "--boxes", str(path), phrases=None) == 2
    assert says in capsys.readouterr().err and not teacher.made


def test_clips_of_one_name_are_refused(tmp_path):
    write_clip(tmp_path / "a" / "b", 1)
    write_clip(tmp_path / "a-b", 1)
    with pytest.raises(SourceError, match="'a-b'"):
        find_clips(tmp_path)


def test_a_folder_of_frames_is_a_clip_itself(tmp_path):
    write_clip(tmp_path / "beach", 2)
    assert [clip.name for clip in find_clips(tmp_path / "beach")] == ["beach"]


def test_nothing_to_label(tmp_path, capsys):
    (tmp_path / "videos").mkdir()
    assert label(tmp_path / "videos") == 2
    assert "no videos" in capsys.readouterr().err


def test_a_missing_folder(tmp_path, capsys):
    assert label(tmp_path / "gone") == 2
    assert "no videos in" in capsys.readouterr().err


def test_without_transformers_the_remedy_is_named(monkeypatch):
    import quant.teachers

    monkeypatch.setattr(quant.teachers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TeacherError, match=r"samfabric\[teacher\]"):
        quant.teachers.open_teacher("any", [normalise("dog")])
