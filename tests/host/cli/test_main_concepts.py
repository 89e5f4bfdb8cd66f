"""The command line with phrases and examples: detect, track, demo."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.devices import registry as devices
from host.media.demo_clip import write_demo_clip
from host.media.video import open_source
from host.spec import load_spec
from tests.host.fake_detector import QUERIES, SURE, FakeConceptDevice, write_concept_bundle
from tests.host.fake_device import GRID, FakeDevice, write_bundle
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask, stored

KEYS = {"out_obj_ids", "out_probs", "out_boxes_xywh"}


@pytest.fixture(autouse=True)
def fake(monkeypatch, tmp_path):
    """The fake devices under names of their own, and a bundle for them in the working folder."""
    opened = []

    def open_fake(bundle):
        detector = load_spec(bundle)[1].detector
        assert detector is not None
        opened.append(FakeConceptDevice(detector.vocabulary))
        return opened[-1]

    monkeypatch.setitem(devices.DEVICES, "fake", open_fake)
    monkeypatch.setitem(devices.DEVICES, "plain", lambda _bundle: FakeDevice())
    monkeypatch.setattr("host.concepts.phrases.encoder_installed", lambda: False)
    monkeypatch.chdir(tmp_path)
    write_concept_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    cv2.imwrite("both.png", both_frame(0)[:, :, ::-1])
    return opened


def run(*arguments):
    return main([str(a) for a in arguments])


def detect(*arguments):
    return run("detect", "both.png", "--device", "fake", *arguments)


def track(source, *arguments):
    return run("track", source, "--device", "fake", *arguments)


def test_a_newer_bundle_without_a_detector_is_not_taken(tmp_path, capsys):
    write_bundle(tmp_path / "bitstreams" / "nano_fake_1")
    assert detect("--text", "red square") == 0
    assert track("both.png", "--text", "red square", "--frames", "1") in (0, 2)
    assert "no concept detector" not in capsys.readouterr().err


def test_detect_writes_a_picture_and_sam3_s_keys(tmp_path, capsys, fake):
    out = tmp_path / "out"
    asked = ("--text", "red square", "--example", "10,56,41,87")
    status = detect(*asked, "--out", out / "found.png", "--json", out / "found.json")
    assert status == 0 and fake[0].closed
    picture = stored(out / "found.png", cv2.IMREAD_COLOR)[:, :, ::-1]
    changed = (picture != both_frame(0)).any(2)
    drawn = square_mask(*corner(0)) | square_mask(*corner(0, 56))
    assert overlap(changed, drawn) > 0.5  # how wide an outline is differs between OpenCVs
    result = json.loads((out / "found.json").read_text())
    assert result.keys() >= KEYS | {"out_binary_masks", "presence", "saturated", "threshold"}
    assert result["out_obj_ids"] == [1, 2] and result["text"] == "red square"
    assert result["examples"] == [[10, 56, 41, 87, 1]] and not result["saturated"]
    assert (result["image_height"], result["image_width"]) == (HEIGHT, WIDTH)
    shown = capsys.readouterr().out
    assert "2 instances" in shown and "found.png" in shown


def test_detect_without_any_instance(tmp_path, capsys):
    assert detect("--text", "yellow square", "--json", "none.json", "--out", "none.png") == 0
    result = json.loads((tmp_path / "none.json").read_text())
    assert all(result[key] == [] for key in KEYS | {"out_binary_masks"})
    assert result["presence"] < 0.1 and "0 instances" in capsys.readouterr().out
    assert (stored("none.png", cv2.IMREAD_COLOR)[:, :, ::-1] == both_frame(0)).all()


def test_a_full_house_is_said(monkeypatch, capsys):
    planes = [np.full((GRID, GRID), -8.0) for _ in range(QUERIES)]
    for row, plane in enumerate(planes):
        plane[2 * row] = 8
    monkeypatch.setattr(
        FakeConceptDevice, "_pieces", staticmethod(lambda *_: [(p, SURE) for p in planes])
    )
    assert detect("--text", "red square", "--json", "r.json") == 0
    assert "more instances than" in capsys.readouterr().out
    assert json.loads(Path("r.json").read_text())["saturated"]


BAD_DETECT = [
    ((), "nothing to look for"),
    (("--text", ""), "phrase '' is empty"),
    (("--text", "zebra"), "not in the vocabulary"),
    (("--example", "200,16,300,47"), "outside the 160x96 frame"),
    (("--example", "10,16,9,47"), "empty"),
    (("--example", "10,16,41,47,0"), "only examples of what not to find"),
    (("--example", "10,16,41,47", "--example", "10,16,41,47,0"), "positive and negative"),
    (sum((("--example", f"{i},0,{i + 20},20") for i in range(0, 50, 10)), ()), "5 example boxes"),
    (("--text", "red square", "--out", "found.xyz"), "found.xyz"),
    (("--text", "red square", "--out", "both.png"), "picture itself"),
    (("--text", "red square", "--json", "bitstreams"), "folder"),
    (("--text", "red square", "--device", "plain"), "no concept detector"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD_DETECT)
def test_bad_input_of_detect_is_one_line(tmp_path, capsys, fake, arguments, text):
    before = sorted(tmp_path.rglob("*"))
    assert detect(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and text in line
    assert sorted(tmp_path.rglob("*")) == before
    assert not any(device.calls for device in fake)


def test_bad_pictures(capsys):
    assert run("detect", "nowhere.png", "--device", "fake", "--text", "red square") == 2
    assert "nowhere.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [
        ("--example", "1,2,3"),
        ("--example", "1,2,3,4,5"),
        ("--example", "1,2,3,x"),
        ("--threshold", "2"),
        ("--threshold", "x"),
    ],
)
def test_malformed_options(capsys, option):
    with pytest.raises(SystemExit) as caught:
        detect("--text", "red square", *option)
    assert caught.value.code == 2 and option[1] in capsys.readouterr().err


def test_a_phrase_is_followed_through_a_video(clip_folder, tmp_path, capsys, fake):
    out = tmp_path / "out"
    status = track(
        *(clip_folder, "--text", "red square", "--delay", 4, "--every", 2),
        *("--out", out / "clip.mp4", "--masks", out / "masks", "--json", out / "found.json"),
    )
    assert status == 0
    assert len(list(open_source(out / "clip.mp4"))) == 10
    assert fake[0].calls.count("detector") == 5 and fake[0].calls.count("image_encoder") == 10
    for index in range(10):
        mask = stored(out / "masks" / f"f{index + 5}.png")
        assert set(np.unique(mask)) == {0, 1}  # ids, since there might be several
        assert overlap(mask == 1, square_mask(*corner(index))) > 0.7
    result = json.loads((out / "found.json").read_text())
    assert result["text"] == "red square" and (result["delay"], result["every"]) == (4, 2)
    assert result["objects"] == {"1": {"present_frames": 10}} and result["frames"] == 10
    assert [one["frame_index"] for one in result["results"]] == list(range(10))
    assert all(one.keys() >= KEYS and one["out_obj_ids"] == [1] for one in result["results"])
    for stage in ("detector", "association", "mask_decoder", "upsample", "write clip", "total"):
        assert result["stages_ms"][stage]["mean"] > 0
    assert "1 object" in capsys.readouterr().out


def test_looking_begins_on_the_frame_asked_for(clip_folder, tmp_path):
    x, y = corner(4, 56)
    box = f"{x},{y},{x + 31},{y + 31}"
    masks = ("--masks", tmp_path / "m", "--json", "r.json")
    assert track(clip_folder, "--example", box, "--frame", 4, *masks) == 0
    assert not stored(tmp_path / "m" / "f8.png").any()
    last = stored(tmp_path / "m" / "f14.png")
    assert overlap(last == 1, square_mask(*corner(9, 56))) > 0.7
    results = json.loads(Path("r.json").read_text())["results"]
    assert [one["frame_index"] for one in results] == [*range(4, 10)]


BAD_TRACK = [
    (("--text", "red square", "--box", "10,16,41,47"), "one kind of prompt"),
    (("--box", "10,16,41,47", "--delay", "3"), "--delay is for a concept"),
    (("--box", "10,16,41,47", "--new", "0.5"), "--new is for a concept"),
    (("--text", "zebra"), "not in the vocabulary"),
    (("--text", "red square", "--frame", "10"), "frame 10"),
    (("--text", "red square", "--frame", "-1"), "--frame -1"),
    (("--text", "red square", "--device", "plain"), "no concept detector"),
    ((), "nothing to track"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD_TRACK)
def test_bad_input_of_track_is_one_line(clip_folder, tmp_path, capsys, fake, arguments, text):
    before = sorted(tmp_path.rglob("*"))
    assert track(clip_folder, *arguments) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(errors) == 1 and text in errors[0]
    assert sorted(tmp_path.rglob("*")) == before
    assert not any(device.calls for device in fake)


def test_demo_finds_and_follows_by_a_phrase(clip_folder, tmp_path, monkeypatch):
    small = {"frames": 3, "height": 64, "width": 96}
    monkeypatch.setattr(
        "host.media.demo_clip.write_demo_clip", lambda path: write_demo_clip(path, **small)
    )
    own = ("demo", "--device", "fake", "--text", "blue square")
    assert run(*own, "--video", clip_folder, "--out", tmp_path / "d") == 0
    result = json.loads((tmp_path / "d" / "stats.json").read_text())
    assert result["objects"] == {"1": {"present_frames": 10}}
    assert run(*own, "--frames", 2, "--out", tmp_path / "rendered") == 0
    assert (tmp_path / "rendered" / "overlay.mp4").is_file()
    assert run(*own, "--example", "1,2,30,40", "--out", tmp_path / "e") == 2
    unknown = ("demo", "--device", "fake", "--text", "zebra")
    assert run(*unknown, "--out", tmp_path / "f") == 2
    assert not (tmp_path / "f").exists()  # nothing was drawn for it


def test_boards_detect_on_every_eighth_frame(clip_folder, monkeypatch, fake):
    monkeypatch.setattr("host.cli.main.HARDWARE_DEVICES", ("fake",))
    bundle = ("--bundle", "bitstreams/nano_fake_0", "--text", "red square")
    assert track(clip_folder, *bundle) == 0
    assert fake[0].calls.count("detector") == 2
    assert track(clip_folder, *bundle, "--every", 5) == 0
    assert fake[1].calls.count("detector") == 2
    assert track(clip_folder, *bundle, "--every", 1) == 0
    assert fake[2].calls.count("detector") == 10
