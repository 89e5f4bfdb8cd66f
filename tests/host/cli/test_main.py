"""The command line: results, exit codes, one-line errors, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.devices import registry as devices
from host.media.video import open_source
from host.policy import Policy
from tests.host.fake_device import FakeDevice, write_bundle
from tests.host.scenes import HEIGHT, WIDTH, corner, overlap, square_mask, stored

ROOT = Path(__file__).resolve().parents[3]
CLICK = f"{corner(0)[0] + 16},32"


@pytest.fixture(autouse=True)
def fake(monkeypatch, tmp_path):
    """The fake device under a name of its own, and a bundle for it in the working folder."""
    opened = []

    def open_fake(_bundle):
        opened.append(FakeDevice())
        return opened[-1]

    monkeypatch.setitem(devices.DEVICES, "fake", open_fake)
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    return opened


def run(*arguments):
    return main([str(a) for a in arguments])


def track(source, *arguments):
    return run("track", source, "--device", "fake", *arguments)


def test_a_click_becomes_clip_masks_and_times(clip_folder, tmp_path, capsys, fake):
    out = tmp_path / "out"
    status = track(
        *(clip_folder, "--point", CLICK, "--out", out / "clip.mp4"),
        *("--masks", out / "masks", "--json", out / "stats.json"),
    )
    assert status == 0 and fake[0].closed
    assert len(list(open_source(out / "clip.mp4"))) == 10
    names = sorted(p.name for p in (out / "masks").iterdir())
    assert names == sorted(f"f{i + 5}.png" for i in range(10))
    for index in range(10):
        mask = stored(out / "masks" / f"f{index + 5}.png")
        assert set(np.unique(mask)) == {0, 255}
        assert overlap(mask > 0, square_mask(*corner(index))) > 0.8
    stats = json.loads((out / "stats.json").read_text())
    assert stats["frames"] == 10 and stats["device"] == "fake" and not stats["interrupted"]
    assert stats["objects"] == {"1": {"present_frames": 10}}
    assert (stats["frame_height"], stats["frame_width"]) == (HEIGHT, WIDTH)
    for stage in ("read", "image_encoder", "mask_decoder", "upsample", "write clip", "total"):
        row = stats["stages_ms"][stage]
        assert 0 <= row["median"] <= row["p95"] and row["mean"] > 0
    assert stats["stages_ms"]["image_encoder"]["frames"] == 10
    assert stats["stages_ms"]["memory_attention"]["frames"] == 9
    assert len(stats["frame_ms"]) == 10
    shown = capsys.readouterr().out
    assert "mask_decoder" in shown and "p95" in shown and str(out / "clip.mp4") in shown


def test_a_mask_of_ids_tracks_several(clip_folder, tmp_path):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[square_mask(*corner(0))] = 3
    labels[square_mask(*corner(0, 56))] = 8
    cv2.imwrite(str(tmp_path / "ids.png"), labels)
    assert track(clip_folder, "--mask", tmp_path / "ids.png", "--masks", tmp_path / "m") == 0
    last = stored(tmp_path / "m" / "f14.png")
    assert overlap(last == 3, square_mask(*corner(9))) > 0.8
    assert overlap(last == 8, square_mask(*corner(9, 56))) > 0.8
    assert (stored(tmp_path / "m" / "f5.png") == labels).all()


def test_objects_may_share_one_look_at_the_whole_frame(
    clip_folder, tmp_path, monkeypatch, fake, capsys
):
    device = FakeDevice(policy=Policy(window=0.9))
    monkeypatch.setitem(devices.DEVICES, "fake", lambda _bundle: device)
    two = ("--box", "10,16,41,47", "--box", "10,56,41,87", "--frames", 5)
    for options, runs in (((), 10), (("--whole-frame",), 5)):
        device.calls.clear()
        assert track(clip_folder, *two, *options, "--masks", tmp_path / "m") == 0
        assert device.calls.count("image_encoder") == runs
        assert overlap(stored(tmp_path / "m" / "f9.png") == 2, square_mask(*corner(4, 56))) > 0.7
    assert track(clip_folder, "--text", "red", "--whole-frame") == 2
    assert "--whole-frame is for prompted objects" in capsys.readouterr().err


def test_boxes_and_a_later_frame(clip_folder, tmp_path):
    x, y = corner(4)
    box = f"{x},{y},{x + 31},{y + 31}"
    assert track(clip_folder, "--box", box, "--frame", 4, "--masks", tmp_path / "m") == 0
    assert not stored(tmp_path / "m" / "f8.png").any()
    assert overlap(stored(tmp_path / "m" / "f9.png") > 0, square_mask(x, y)) > 0.8
    two = ("--box", "10,16,41,47", "--box", "10,56,41,87")
    assert track(clip_folder, *two, "--masks", tmp_path / "two") == 0
    assert set(np.unique(stored(tmp_path / "two" / "f14.png"))) == {0, 1, 2}


def test_negative_clicks(clip_folder, tmp_path):
    clicks = ("--point", f"{CLICK},1", "--point", f"{corner(0)[0] + 2},18,0")
    assert track(clip_folder, *clicks, "--masks", tmp_path / "m") == 0
    first = stored(tmp_path / "m" / "f5.png")
    assert first[40, 30] == 255 and first[17, 12] == 0


BAD = [
    (("--point", "500,10"), "(500, 10)"),
    (("--box", "400,0,500,10"), "500"),
    (("--box", "9,9,8,20"), "empty"),
    (("--mask", "nowhere.png"), "nowhere.png"),
    (("--mask", "small.png"), "(5, 5)"),
    (("--mask", "blank.png"), "empty"),
    ((), "nothing to track"),
    (("--mask", "small.png", "--point", CLICK), "--mask together"),
    (("--point", CLICK, "--frame", "10"), "frame 10"),
    (("--point", CLICK, "--frame", "-1"), "--frame -1"),
    (("--point", CLICK, "--device", "quantum"), "quantum"),
    (("--point", CLICK, "--config", "huge"), "huge"),
    (("--point", f"{CLICK},0"), "background"),
    (("--point", CLICK, "--out", "clip.xyz"), "clip.xyz"),
    (("--point", CLICK, "--out", "bitstreams"), "folder"),
    (("--point", CLICK, "--json", "small.png/stats.json"), "small.png"),
    (("--point", CLICK, "--masks", "frames"), "source itself"),
    (("--point", CLICK, "--device", "golden", "--bundle", "nowhere"), "nowhere"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_input_is_one_line_and_exit_2(clip_folder, tmp_path, capsys, fake, arguments, text):
    cv2.imwrite("small.png", np.ones((5, 5), np.uint8))
    cv2.imwrite("blank.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    before = sorted(tmp_path.rglob("*"))
    assert track(clip_folder, *arguments) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(error) == 1 and text in error[0] and "Traceback" not in error[0]
    assert sorted(tmp_path.rglob("*")) == before
    assert not any(device.calls for device in fake)


@pytest.mark.parametrize("option", [("--point", "a,b"), ("--box", "1,2,3"), ("--point", "1,2,3")])
def test_malformed_options(clip_folder, capsys, option):
    with pytest.raises(SystemExit) as caught:
        track(clip_folder, *option)
    assert caught.value.code == 2 and option[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    [("--box", "-5,10,60,80"), ("--box", "-.5,-3e0,60,80"), ("--point", "-0.3,30")],
)
def test_values_may_begin_with_a_minus(clip_folder, tmp_path, option):
    assert track(clip_folder, *option, "--masks", tmp_path / "masks") == 0
    assert track(clip_folder, f"{option[0]}={option[1]}", "--masks", tmp_path / "again") == 0
    for path in sorted((tmp_path / "masks").iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_minus_elsewhere_is_no_value(clip_folder, capsys):
    for arguments in (("--debug", "-5"), ("-5,10,60,80",)):
        with pytest.raises(SystemExit) as caught:
            track(clip_folder, *arguments)
        assert caught.value.code == 2 and "-5" in capsys.readouterr().err


def test_bad_sources(tmp_path, capsys, clip_folder):
    (tmp_path / "noise.mp4").write_bytes(b"noise" * 100)
    for source in ("nowhere.mp4", "noise.mp4", "bitstreams"):
        assert track(source, "--point", CLICK) == 2
        assert source in capsys.readouterr().err
    cv2.imwrite(str(clip_folder / "f9.png"), np.zeros((10, 10, 3), np.uint8))
    outputs = ("--out", "clip.mp4", "--json", "stats.json", "--masks", "m")
    assert track(clip_folder, "--point", CLICK, *outputs) == 2
    assert "10x10" in capsys.readouterr().err
    # Four frames were done: their masks are whole, the clip and the times were never born.
    assert not Path("clip.mp4").exists() and not Path("stats.json").exists()
    assert not list(tmp_path.glob(".part*")) and len(list(Path("m").iterdir())) == 4


def test_debug_shows_the_traceback(clip_folder):
    with pytest.raises(Exception, match="500"):
        track(clip_folder, "--point", "500,10", "--debug")


INTERRUPTED = """
import os, signal, sys
from host.cli.main import main
from host.devices import registry
from tests.host.fake_device import FakeDevice

class Interrupted(FakeDevice):
    def run(self, graph, inputs):
        if graph == "image_encoder" and self.calls.count(graph) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return super().run(graph, inputs)

registry.DEVICES["fake"] = lambda bundle: Interrupted()
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_leaves_whole_files(clip_folder, tmp_path):
    arguments = ["track", clip_folder, "--device", "fake", "--point", CLICK]
    arguments += ["--out", "clip.mp4", "--masks", "m", "--json", "stats.json"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *map(str, arguments)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr and "interrupted" in done.stdout
    assert len(list(open_source(tmp_path / "clip.mp4"))) == 5
    assert len(list((tmp_path / "m").iterdir())) == 5
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["interrupted"] and stats["frames"] == 5
    assert not list(tmp_path.glob(".part*"))


def test_the_former_signal_handler_comes_back(clip_folder):
    before = signal.getsignal(signal.SIGINT)
    track(clip_folder, "--point", CLICK)
    assert signal.getsignal(signal.SIGINT) is before


def test_help_names_every_option(capsys):
    for command in ("track", "demo"):
        with pytest.raises(SystemExit) as caught:
            run(command, "--help")
        assert caught.value.code == 0
    shown = capsys.readouterr().out
    for option in ("--mask", "--point", "--box", "--frame", "--device", "--bundle", "--out"):
        assert option in shown
    for option in ("--masks", "--json", "--debug", "--video", "--config"):
        assert option in shown


def test_demo_on_ones_own_video(clip_folder, tmp_path, capsys):
    box = "10,16,41,47"
    own = ("demo", "--device", "fake", "--config", "nano", "--video", clip_folder)
    assert run(*own, "--box", box, "--out", tmp_path / "d") == 0
    assert str(tmp_path / "d" / "overlay.mp4") in capsys.readouterr().out
    assert len(list(open_source(tmp_path / "d" / "overlay.mp4"))) == 10
    assert (tmp_path / "d" / "stats.json").is_file()
    assert run(*own) == 2 and "nothing to track" in capsys.readouterr().err
    assert run("demo", "--device", "fake", "--box", box) == 2
    assert "--video" in capsys.readouterr().err


def test_a_run_can_stop_after_some_frames(clip_folder, tmp_path):
    masks = tmp_path / "masks"
    assert track(clip_folder, "--point", CLICK, "--masks", masks, "--frames", 4) == 0
    assert len(list(masks.iterdir())) == 4
    assert track(clip_folder, "--point", CLICK, "--frame", 4, "--frames", 4) == 2
    with pytest.raises(SystemExit):
        track(clip_folder, "--point", CLICK, "--frames", 0)


@pytest.mark.parametrize("name", ["rtl", "pynq"])
def test_a_bundle_without_hardware_is_said_in_one_line(clip_folder, capsys, name):
    assert run("track", clip_folder, "--device", name, "--point", CLICK) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds no hardware" in line and "make hardware" in line
