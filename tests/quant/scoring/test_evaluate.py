"""Scoring through the session: an oracle scores 100, a shifted one the value worked out by hand."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from hw.spec.errors import SamFabricError, SpecError
from quant.config import FLOAT, get_config
from quant.data import open_dataset
from quant.model.tracker import Tracker, save_checkpoint
from quant.scoring.contact_sheet import ContactSheet
from quant.scoring.encode_once import EncodeOnce
from quant.scoring.evaluate import evaluate_sequence, main, open_model
from quant.scoring.evaluate_report import summarize
from quant.scoring.measures.empty import FRAMES as EMPTY_FRAMES
from quant.scoring.measures.empty import EmptyPrompt
from quant.scoring.measures.trace import Count
from quant.scoring.sequence import PROMPTS, score_sequence, track
from tests.quant.oracle import Oracle, R
from tests.tiny import calibrated

FRAMES, SIDE = 6, 20


def write_sequence(root, name, squares, split="dev", annotate=lambda i: True, scale=1):
    """A DAVIS tree with squares (x, y, first frame) that move down; `scale` enlarges the truth."""
    images, annotations = (root / part / "64p" / name for part in ("JPEGImages", "Annotations"))
    for folder in (images, annotations, root / "ImageSets" / "64p"):
        folder.mkdir(parents=True, exist_ok=True)
    for index in range(FRAMES):
        frame, ids = np.zeros((R, R, 3), np.uint8), np.zeros((R, R), np.uint8)
        for channel, (x, y, first) in enumerate(squares):
            if index >= first:
                place = np.s_[y + index : y + index + SIDE, x : x + SIDE]
                frame[place] = np.eye(3, dtype=np.uint8)[channel] * 255
                ids[place] = channel + 1
        cv2.imwrite(str(images / f"{index:05d}.png"), frame[..., ::-1])
        if annotate(index):
            truth = Image.fromarray(np.kron(ids, np.ones((scale, scale), np.uint8)), mode="P")
            truth.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
            truth.save(annotations / f"{index:05d}.png")
    listed = root / "ImageSets" / "64p" / f"{split}.txt"
    before = listed.read_text() if listed.exists() else ""
    listed.write_text(f"{before}{name}\n")


def only(root):
    (sequence,) = open_dataset(root, "dev")
    return sequence


@pytest.mark.parametrize("prompt", PROMPTS)
def test_perfect_answers_score_one(tmp_path, prompt):
    write_sequence(tmp_path, "pair", [(4, 6, 0), (36, 30, 0)])
    device = Oracle()
    score = score_sequence(device, only(tmp_path), prompt)
    assert [o.object_id for o in score.objects] == [1, 2]
    assert all(o.frames == (1, 2, 3, 4) for o in score.objects)
    assert (score.j, score.f, score.jf) == (1, 1, 1)
    assert device.decoded == 2 * FRAMES  # nothing to correct, so no click after the first


def test_a_shift_scores_the_value_worked_out_by_hand(tmp_path):
    write_sequence(tmp_path, "one", [(10, 6, 0)])
    score = score_sequence(Oracle(shift=2), only(tmp_path), "mask")
    # 20 wide, 18 shared, 22 in the union. Contours are rings of 21 x 21 = 80 pixels and the
    # tolerance at 64 x 64 is 1: of the shifted ring 20 of the top, 20 of the bottom and the two
    # ends of the left side lie within 1 of the other; the same share the other way round.
    assert score.j == pytest.approx(18 / 22)
    assert score.f == pytest.approx(42 / 80)
    assert score.jf == pytest.approx((18 / 22 + 42 / 80) / 2)


@pytest.mark.parametrize(("prompt", "calls"), [("click1", 1), ("click3", 3), ("click5", 5)])
def test_clicks_correct_what_is_wrong_on_the_first_frame(tmp_path, prompt, calls):
    write_sequence(tmp_path, "one", [(10, 6, 0)])
    device = Oracle(shift=4)
    frames = list(track(device, only(tmp_path), prompt))
    assert device.decoded == calls + FRAMES - 1
    given = frames[0].prompts[1]
    assert len(given.points) == calls and given.labels[0] == 1
    for (x, y), label in zip(given.points * R, given.labels, strict=True):
        inside = 10 <= x <= 30 and 6 <= y <= 26
        assert inside == bool(label)
    # Later clicks go where the answer is wrong: the strip missed on the left, or that on the right.
    assert all(10 <= x <= 14 or 30 <= x <= 34 for x in given.points[1:, 0] * R)
    clicks = device.prompts[calls - 1][1:3]
    assert (clicks[0] > 0).any() and bool((clicks[1] > 0).any()) == (0 in given.labels)
    assert all(not frame.prompts for frame in frames[1:])


def test_the_box_prompt_is_the_masks_extent(tmp_path):
    write_sequence(tmp_path, "one", [(10, 6, 0)])
    first = next(track(Oracle(), only(tmp_path), "box"))
    box = first.prompts[1].box
    assert box is not None
    np.testing.assert_allclose(box * R, [10, 6, 30, 26])


def test_a_late_object_is_prompted_and_scored_from_its_own_first_frame(tmp_path):
    write_sequence(tmp_path, "late", [(4, 6, 0), (36, 6, 2)])
    frames = list(track(Oracle(), only(tmp_path), "mask"))
    assert [sorted(frame.prompts) for frame in frames] == [[1], [], [2], [], [], []]
    score = score_sequence(Oracle(), only(tmp_path), "mask")
    assert [o.frames for o in score.objects] == [(1, 2, 3, 4), (3, 4)] and score.jf == 1


def test_frames_before_the_first_object_are_passed_over(tmp_path):
    write_sequence(tmp_path, "late", [(4, 6, 2)])
    assert [frame.index for frame in track(Oracle(), only(tmp_path), "box")] == [2, 3, 4, 5]


def test_sparse_annotations_and_another_ground_truth_size(tmp_path):
    write_sequence(tmp_path, "sparse", [(4, 6, 0)], annotate=lambda i: i != 3, scale=2)
    frames = list(track(Oracle(), only(tmp_path), "mask"))
    assert [frame.masks[1].shape[0] for frame in frames] == [128, 128, 128, 64, 128, 128]
    assert not frames[3].truths
    score = score_sequence(Oracle(), only(tmp_path), "mask")
    assert score.objects[0].frames == (1, 2, 4)
    assert score.j > 0.98  # twice as large, an interpolated outline rounds the corners


def test_two_models_in_lockstep(tmp_path):
    write_sequence(tmp_path, "one", [(10, 6, 0)])
    sheet = ContactSheet()
    found = evaluate_sequence(Oracle(), only(tmp_path), ["mask"], Oracle(shift=2), sheet)
    report = found["mask"]
    assert report.frames == FRAMES and report.score.jf == 1
    assert report.other is not None
    assert report.other.score.j == pytest.approx(18 / 22)
    assert len(report.other.ious) == FRAMES - 1  # the prompted frame says nothing of the models
    assert report.other.iou == pytest.approx(18 / 22)
    sheet.caption("one", "J&F 100.0")
    picture = sheet.image()
    assert picture.shape == (166, 6 * 256, 3)
    assert (picture[22:].reshape(144, 6, 256, 3) == 255).all(-1).any((0, 2)).all()  # outlines


class Counting(Oracle):
    """Counts encoder passes, and reuses its buffers as a board does."""

    def __init__(self, shift=0):
        super().__init__(shift)
        self.encoded, self._buffers = 0, {}

    def run(self, graph, inputs):
        found = super().run(graph, inputs)
        self.encoded += graph == "image_encoder"
        kept = self._buffers.setdefault(graph, {k: np.empty_like(v) for k, v in found.items()})
        for name, value in found.items():
            kept[name][:] = value
        return kept


def test_all_prompts_share_the_encoder_and_score_as_each_alone(tmp_path):
    write_sequence(tmp_path, "pair", [(4, 6, 0), (36, 6, 2)])
    device = Counting(shift=3)
    reports = evaluate_sequence(device, only(tmp_path), tuple(PROMPTS))
    assert device.encoded == FRAMES
    for prompt, report in reports.items():
        alone = score_sequence(Counting(shift=3), only(tmp_path), prompt)
        assert report.score == alone
        assert [t.object_id for t in report.traces] == [1, 2]
    empty = reports["mask"].empty
    assert empty is not None and empty.total == FRAMES and reports["box"].empty is None
    assert reports["mask"].ms_per_frame > 0


def test_an_encoder_that_fails_is_asked_again():
    device = Counting()
    shared, image = EncodeOnce(device), np.zeros((1, 3, 4 * R, 4 * R), np.float32)
    shared.run("image_encoder", {"image": image})
    with pytest.raises(SpecError):
        shared.run("image_encoder", {"image": image[:, :2]})
    shared.run("image_encoder", {"image": image})
    assert device.encoded == 2
    image[0, 0, 0, 0] = 1  # the caller's own array: what was encoded is kept apart
    shared.run("image_encoder", {"image": image})
    assert device.encoded == 3


class Seer(Oracle):
    """Answers with all that is not black, whatever is asked for: objects lie on one another."""

    def _mask_decoder(self, conditioned, skip8, skip4, dense_prompt, tokens):
        found = super()._mask_decoder(conditioned, skip8, skip4, dense_prompt, tokens)
        seen = (skip4[0] > 0).any(0)
        surer = found["obj_ptr"][0, 0, 0, 0]  # object 2 is surer than object 1
        found["masks"] = np.broadcast_to(
            np.where(seen, 4.0 * surer, -8.0), found["masks"].shape
        ).astype(np.float32)
        found["scores"][0, 0, 4, 0] = 1
        return found

    def _memory_encoder(self, mask, features):
        found = super()._memory_encoder(mask, features)
        if mask.max() < 16:  # an answer of its own, by whose height it knows the object again
            found["values"][:] = mask.max() / 4
        return found


def test_objects_share_no_pixel_unless_told(tmp_path):
    write_sequence(tmp_path, "pair", [(4, 6, 0), (36, 6, 0)])
    for objects, first in (("as annotated", 0), ("exclusive", 0), ("overlapping", 1 / 2)):
        found = evaluate_sequence(Seer(), only(tmp_path), ["mask"], objects=objects)["mask"]
        assert [o.mean_j for o in found.score.objects] == pytest.approx([first, 1 / 2])
    with pytest.raises(SpecError, match="unknown rule for objects 'both'"):
        next(track(Oracle(), only(tmp_path), "mask", "both"))


def test_what_is_void_is_not_scored(tmp_path):
    write_sequence(tmp_path, "one", [(10, 6, 0)])
    for path in (tmp_path / "Annotations" / "64p" / "one").iterdir():
        ids = np.array(Image.open(path))
        ids[:, 28:40] = 255  # the right edge of the square and beyond
        picture = Image.fromarray(ids, mode="P")
        picture.putpalette([0, 0, 0] * 256)
        picture.save(path)
    score = score_sequence(Oracle(shift=2), only(tmp_path), "mask")
    # 18 columns are known to be the object's; the answer has 16 of them and none beside.
    assert score.j == pytest.approx(16 / 18)


def test_absence_and_return_are_measured(tmp_path):
    write_sequence(tmp_path, "gap", [(10, 6, 0)])
    for part, nothing in (("JPEGImages", np.zeros((R, R, 3))), ("Annotations", np.zeros((R, R)))):
        for index in (2, 3):
            cv2.imwrite(str(tmp_path / part / "64p" / "gap" / f"{index:05d}.png"), nothing)
    found = summarize([evaluate_sequence(Oracle(), only(tmp_path), ["mask"])["mask"]])
    assert (found.false_masks.hits, found.false_masks.total) == (0, 2)
    assert (found.found_again.hits, found.found_again.total) == (1, 1)
    assert (found.missing_masks.hits, found.missing_masks.total) == (0, 3)
    assert list(found.sizes) == ["large"]  # 400 of 4096 cells


def test_no_mask_follows_an_empty_prompt():
    watched = EmptyPrompt(Seer())
    for _ in range(EMPTY_FRAMES + 5):
        watched.step(np.full((R, R, 3), 200, np.uint8))
    assert watched.count == Count(0, EMPTY_FRAMES)


def test_bad_input_is_refused(tmp_path):
    write_sequence(tmp_path, "empty", [])
    with pytest.raises(SpecError, match="unknown prompt kind 'nod'"):
        score_sequence(Oracle(), only(tmp_path), "nod")
    with pytest.raises(SpecError, match="sequence empty annotates no object"):
        score_sequence(Oracle(), only(tmp_path), "mask")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A data set of two sequences and `tiny` checkpoints, float and quantized."""
    root = tmp_path_factory.mktemp("evaluate")
    write_sequence(root / "data", "one", [(10, 6, 0)])
    write_sequence(root / "data", "pair", [(4, 6, 0), (36, 30, 0)])
    save_checkpoint(Tracker(get_config("tiny"), FLOAT), root / "float.safetensors")
    save_checkpoint(calibrated("tiny"), root / "w4a4.safetensors")
    return root


def run(tree, out, *options):
    chosen = ["--data", str(tree / "data"), "--config", "tiny", "--out", str(out), *options]
    return main([*chosen, "--model", "float", "--checkpoint", str(tree / "float.safetensors")])


def test_the_command_on_a_real_model(tree, tmp_path, capsys):
    assert run(tree, tmp_path, "--prompt", "click3") == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("one", "pair", "mean", "J&F", "ms/frame"))
    found = json.loads((tmp_path / "float_tiny_click3_dev.json").read_text())
    assert list(found["prompts"]) == ["click3"]
    found = found["prompts"]["click3"]
    assert list(found["sequences"]) == ["one", "pair"]
    objects = [o for s in found["sequences"].values() for o in s["object_list"]]
    assert [o["frames"] for o in objects] == [[1, 2, 3, 4]] * 3
    per_object = [np.mean(o["j"]) for o in objects]
    assert found["mean"]["j"] == pytest.approx(np.mean(per_object), abs=0.01)
    assert found["mean"]["jf"] == pytest.approx(
        (found["mean"]["j"] + found["mean"]["f"]) / 2, abs=0.01
    )
    sheet = cv2.imread(str(tmp_path / "float_tiny_click3_dev.jpg"))
    assert sheet is not None and sheet.shape == (2 * 166, 6 * 256, 3)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".jpg", ".json"]


def test_all_prompts_in_one_table_and_one_file(tree, tmp_path, capsys):
    assert run(tree, tmp_path, "--prompt", "all", "--objects", "overlapping") == 0
    printed = capsys.readouterr().out
    headings = (f"J&F {prompt}" for prompt in PROMPTS)
    assert all(word in printed for word in (*headings, "large objects (from 5 %)", "0.0 (0/12)"))
    assert "…" not in printed
    found = json.loads((tmp_path / "float_tiny_all_dev.json").read_text())
    assert found["objects"] == "overlapping" and list(found["prompts"]) == list(PROMPTS)
    for part in found["prompts"].values():
        assert part["sizes"]["large"]["objects"] == 3
        assert part["events"]["missing_masks"]["total"] == 15
        assert part["events"]["false_masks"] == {"share": None, "hits": 0, "total": 0}
    assert run(tree, tmp_path, "--prompt", "box,mask") == 0
    found = json.loads((tmp_path / "float_tiny_box-mask_dev.json").read_text())
    assert list(found["prompts"]) == ["box", "mask"]


def test_comparing_and_choosing_sequences(tree, tmp_path, monkeypatch):
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.setattr("quant.model.tracker.CHECKPOINTS", tmp_path / "checkpoints")
    weights = (tree / "w4a4.safetensors").read_bytes()
    (tmp_path / "checkpoints" / "tiny_w4a4.safetensors").write_bytes(weights)
    assert run(tree, tmp_path / "out", "--sequences", "one", "--compare", "quantized") == 0
    found = json.loads((tmp_path / "out" / "float_tiny_mask_dev.json").read_text())
    found = found["prompts"]["mask"]
    assert list(found["sequences"]) == ["one"]
    assert 0 <= found["mean"]["compare"]["mask_iou"] <= 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--split", "test"], "test"),
        (["--sequences", "one,two"], "no sequence two"),
        (["--prompt", "nod"], "unknown prompt kind nod"),
        (["--prompt", "mask,nod"], "unknown prompt kind nod"),
        (["--prompt", ","], "unknown prompt kind ','"),
        (["--compare", "float"], "--compare float is --model itself"),
        (["--data", "nowhere"], "nowhere"),
        (["--config", "huge"], "huge"),
        (["--config", "pico"], "'tiny', not 'pico'"),
        (["--checkpoint", "none.safetensors"], "none.safetensors"),
        (["--out", __file__], "test_evaluate.py"),
    ],
)
def test_bad_options_end_with_one_line_and_status_2(tree, tmp_path, capsys, options, told):
    chosen = ["--data", str(tree / "data"), "--config", "tiny", "--out", str(tmp_path / "out")]
    chosen += ["--model", "float", "--checkpoint", str(tree / "float.safetensors")]
    assert main([*chosen, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_the_other_precision_is_refused(tree):
    with pytest.raises(SpecError, match="holds a float model, --model quantized"):
        open_model("quantized", "tiny", tree / "float.safetensors")
    with pytest.raises(SamFabricError, match="holds no manifest.json"):
        open_model("golden", "tiny", bundle=tree)
