"""SAM 2 and SAM 3 as teachers, on randomly initialised small models: no weights are fetched."""

import importlib.util

import numpy as np
import pytest
import torch

from quant.data.concepts.dataset import load_concepts
from quant.teachers import OBJECT, Picture, TeacherError, open_teacher
from quant.teachers.common import Pixels, upscale
from quant.teachers.label import main
from quant.teachers.sam2 import distinct, stability
from tests.quant import small_teachers
from tests.quant.teachers.test_label import write_clip

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None,
    reason="transformers is not installed (the `teacher` extra)",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folder of a small model by its kind, made when it is first asked for."""
    root, made = tmp_path_factory.mktemp("models"), {}

    def folder(kind):
        if kind not in made:
            made[kind] = str(getattr(small_teachers, kind)(root / kind))
        return made[kind]

    return folder


def pictures(count=3, height=30, width=50):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8)
    return [Picture(image) for image in images]


@needs_transformers
@pytest.mark.parametrize("kind", ["sam3", "sam3_video"])
def test_sam3_says_what_its_own_forward_says(models, kind):
    from transformers import AutoTokenizer, Sam3Model

    (picture,) = pictures(1)
    teacher = open_teacher(models(kind), ["Dog", "yellow taxi"], threshold=0.0, still=True)
    (found,) = teacher.label([picture])
    assert [one.phrase for one in found] == ["dog"] * 5 + ["yellow taxi"] * 5

    model = Sam3Model.from_pretrained(models(kind)).eval()
    text = AutoTokenizer.from_pretrained(models(kind))(
        "yellow taxi", return_tensors="pt", padding="max_length", max_length=32
    )
    pixels = Pixels(models(kind), 56, torch.device("cpu"), (0.5,) * 3, (0.5,) * 3)
    with torch.inference_mode():
        out = model(pixel_values=pixels(picture.image), **text)
    scores = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid())[0]
    assert [one.score for one in found[5:]] == pytest.approx(scores.tolist(), abs=1e-5)
    wanted = upscale(out.pred_masks[0], (30, 50))
    assert all(
        one.mask.shape == (30, 50) and (one.mask != mask).mean() < 0.01
        for one, mask in zip(found[5:], wanted, strict=True)
    )
    (none,) = open_teacher(models(kind), ["dog"], threshold=0.9, still=True).label([picture])
    assert none == []


@needs_transformers
def test_sam3_follows_through_a_clip(models):
    teacher = open_teacher(models("sam3_video"), ["dog", "cat"], threshold=0.0)
    assert teacher.follows
    frames = list(teacher.label(pictures(3)))
    assert [len(found) >= 10 for found in frames] == [True] * 3  # 5 queries a phrase, and tracks
    names = [{one.track: one.phrase for one in found} for found in frames]
    assert set(names[0].values()) == {"dog", "cat"}
    assert names[0].items() <= names[1].items() <= names[2].items()  # an id keeps its phrase
    assert all(one.mask.shape == (30, 50) and one.mask.dtype == bool for one in frames[2])


@needs_transformers
def test_sam3_labels_become_a_data_set(models, tmp_path):
    write_clip(tmp_path / "videos/street", 3)
    asked = ["--teacher", models("sam3"), "--videos", str(tmp_path / "videos")]
    asked += ["--out", str(tmp_path / "labels"), "--phrases", "dog,cat", "--threshold", "0"]
    assert main([*asked, "--every", "2", "--device", "cpu"]) == 0
    images = load_concepts(tmp_path / "labels")
    assert len(images) == 2 and all(image.annotated == {"dog", "cat"} for image in images)
    assert {one.concept for one in images[0].read()[1]} <= {"dog", "cat"}


@needs_transformers
@pytest.mark.parametrize("kind", ["sam2", "sam2_video"])
def test_sam2_cuts_out_what_is_in_the_boxes(models, kind):
    (picture,) = pictures(1)
    boxed = Picture(picture.image, {"dog": [[1, 2, 20, 28], [25, 2, 49, 29]], "cat": []})
    teacher = open_teacher(models(kind), boxes=True)
    found, none = teacher.label([boxed, Picture(picture.image, {"cat": []})])
    assert [one.phrase for one in found] == ["dog", "dog"] and none == []
    assert all(one.mask.shape == (30, 50) and 0 <= one.score <= 1 for one in found)
    assert (found[0].mask != found[1].mask).any()


@needs_transformers
def test_sam2_finds_objects_at_a_grid(models, monkeypatch):
    monkeypatch.setattr("quant.teachers.sam2.LEAST_SCORE", 0.0)
    monkeypatch.setattr("quant.teachers.sam2.LEAST_STABILITY", 0.0)
    (found,) = open_teacher(models("sam2")).label(pictures(1))
    assert found and {one.phrase for one in found} == {OBJECT}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@needs_transformers
@pytest.mark.parametrize(
    ("kind", "phrases", "boxes", "says"),
    [
        ("sam3", [], False, "by their names"),
        ("sam3", ["dog"], True, "by their names"),
        ("sam2", ["dog"], False, "knows no words"),
    ],
)
def test_prompts_that_a_teacher_does_not_take(models, kind, phrases, boxes, says):
    with pytest.raises(TeacherError, match=says):
        open_teacher(models(kind), phrases, boxes=boxes)


@needs_transformers
def test_models_that_are_none(tmp_path):
    with pytest.raises(TeacherError, match="cannot open the model"):
        open_teacher(str(tmp_path), ["dog"])
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(TeacherError, match="type 'bert'"):
        open_teacher(str(tmp_path), ["dog"])
    (tmp_path / "config.json").write_text('{"model_type": "sam3"}')
    with pytest.raises(TeacherError, match="threshold 3"):
        open_teacher(str(tmp_path), ["dog"], threshold=3)
    with pytest.raises(TeacherError, match="no device 'abacus'"):
        open_teacher(str(tmp_path), ["dog"], device="abacus")


def test_masks_grow_to_the_frame():
    logits = torch.full((1, 4, 4), -1.0)
    logits[0, :, 2:] = 1
    (mask,) = upscale(logits, (8, 12))
    assert mask.shape == (8, 12) and mask[:, 6:].all() and not mask[:, :6].any()
    assert upscale(logits[:0], (8, 12)).shape == (0, 8, 12)


def test_stability_by_hand():
    logits = torch.tensor([[[2.0, 2, 0.5, -3]], [[0.5, 0.5, 0.5, -3]], [[-3.0, -3, -3, -3]]])
    assert stability(logits).tolist() == pytest.approx([2 / 3, 0, 0])


def test_duplicates_go_the_better_one_stays():
    masks = torch.zeros(4, 1, 10, dtype=torch.bool)
    masks[0, 0, :8] = masks[1, 0, :10] = masks[2, 0, 8:] = True  # IoU of 0 and 1: 0.8
    assert distinct(masks, torch.tensor([0.9, 0.95, 0.5, 0.99])) == [1, 2]  # 3 is empty
    assert distinct(masks[:0], torch.zeros(0)) == []
