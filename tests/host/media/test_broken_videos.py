"""Videos that end early or are damaged inside: told, and what was there is kept."""

import json
from typing import Any

import av
import pytest

from host.cli.main import main
from host.compat.sam2 import SAM2VideoPredictor
from host.errors import SourceError
from host.media.video import open_source
from host.media.video_times import Steps
from tests.host.cli.test_main import CLICK, fake, track  # noqa: F401 - the fixture opens fake devices
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame
from tests.host.videos import cut, damaged, noisy, write

FAST: dict[str, Any] = {"container": {"movflags": "faststart"}}
PIECES: dict[str, Any] = {
    "container": {"movflags": "frag_keyframe+empty_moov"},
    "options": {"g": "10"},
}
KINDS: dict[str, dict[str, Any]] = {
    "fast.mp4": FAST,
    "pieces.mp4": PIECES,
    "clip.mkv": {},
    "clip.avi": {"codec": "mpeg4"},
    "jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "clip.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "lossless.mkv": {"codec": "ffv1"},
}


@pytest.fixture(params=KINDS)
def whole(request, tmp_path):
    return write(tmp_path / request.param, picture=noisy, **KINDS[request.param])


def test_a_whole_video_ends_well(whole):
    frames = list(open_source(whole))
    assert len(frames) == 40
    assert [f.time for f in frames] == pytest.approx([i / 25 for i in range(40)], abs=2e-3)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.85])
def test_a_video_cut_short_is_told_at_its_end(whole, share):
    seen: list[Any] = []
    with pytest.raises(SourceError, match=r"(ends after \d+ frames|cannot decode)") as caught:
        seen.extend(frame.index for frame in open_source(cut(whole, share)))
        seen.append("the end")
    assert "the end" not in seen and 0 < len(seen) < 40 and caught.value.remedy


def test_damage_in_the_middle_is_told(whole, caplog):
    seen: list[Any] = []
    path = damaged(whole)
    if whole.name == "lossless.mkv":  # zeros fall between its blocks: the rest is right
        assert len(list(open_source(path))) < 40 and "some are missing" in caplog.text
        return
    with pytest.raises(SourceError, match="bad_"):
        seen.extend(frame.index for frame in open_source(path))
        seen.append("the end")
    assert "the end" not in seen


@pytest.mark.parametrize(
    ("times", "hole"),
    [
        ([i / 25 for i in range(40)], None),
        ([i / 30 for i in range(40)], None),
        ([i / 25 for i in range(20)] + [1 + i / 25 for i in range(20)], (0.76, 1)),
        ([0.1 * i * i for i in range(20)], None),
        ([0, 5, 5.04], None),
    ],
)
def test_holes_in_an_even_beat(times, hole):
    steps = Steps()
    for time in times:
        steps.add(time)
    assert steps.hole() == (None if hole is None else pytest.approx(hole))


def test_a_predictor_refuses_a_video_that_is_cut(tmp_path):
    path = cut(write(tmp_path / "fast.mp4", picture=noisy, **FAST))
    with pytest.raises(SourceError, match="cut_fast"):
        SAM2VideoPredictor(FakeDevice()).init_state(path)


def test_what_was_there_is_kept(tmp_path, capsys, clip_folder):
    path = cut(write(tmp_path / "fast.mp4", picture=noisy, **FAST))
    outputs = ("--out", "seen.mp4", "--masks", "m", "--json", "seen.json")
    assert track(path, "--point", CLICK, *outputs) == 2
    said = capsys.readouterr()
    assert "error: " in said.err and "cut_fast" in said.err and "broke off" in said.out
    told = json.loads((tmp_path / "seen.json").read_text())
    count = len(list((tmp_path / "m").iterdir()))
    assert 0 < count < 40 and told["frames"] == count and "cut_fast" in told["broken"]
    assert len(list(open_source(tmp_path / "seen.mp4"))) == count
    assert not list(tmp_path.glob(".part*"))


def test_a_damaged_frame_of_a_folder_keeps_those_before_it(clip_folder, tmp_path, capsys):
    whole = (clip_folder / "f9.png").read_bytes()
    (clip_folder / "f9.png").write_bytes(whole[: len(whole) // 2])
    assert track(clip_folder, "--point", CLICK, "--out", "seen.mp4", "--masks", "m") == 2
    assert "f9.png" in capsys.readouterr().err
    assert len(list((tmp_path / "m").iterdir())) == 4
    assert len(list(open_source(tmp_path / "seen.mp4"))) == 4


def test_a_source_that_breaks_off_before_the_prompt_is_an_error(clip_folder, tmp_path, capsys):
    (clip_folder / "f7.png").write_bytes(b"\x89PNG")
    arguments = ("--point", CLICK, "--frame", "5", "--out", "seen.mp4")
    assert track(clip_folder, *arguments) == 2
    assert "f7.png" in capsys.readouterr().err and not (tmp_path / "seen.mp4").exists()


def test_only_the_frames_asked_for_have_to_be_there(tmp_path, clip_folder):
    path = cut(write(tmp_path / "clip.mkv", picture=noisy))
    assert main(["track", str(path), "--device", "fake", "--point", CLICK, "--frames", "5"]) == 0


def test_music_with_a_cover_is_no_video(tmp_path):
    path = tmp_path / "music.mp4"
    with av.open(str(path), "w") as file:
        sound = file.add_stream("aac", rate=44100)
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = (
            WIDTH,
            HEIGHT,
            "yuvj420p",
            0x400,
        )
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        silence.rate, silence.pts = 44100, 0
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        for stream, what in ((sound, silence), (cover, av.VideoFrame.from_ndarray(both_frame(0)))):
            file.mux(stream.encode(what))
            file.mux(stream.encode())
    with pytest.raises(SourceError, match="no video in it"):
        open_source(path)


def test_a_codec_that_nobody_knows_is_refused(tmp_path):
    whole = write(tmp_path / "clip.mkv", codec="mpeg4")
    assert b"V_MPEG4/ISO/ASP" in whole.read_bytes()
    whole.write_bytes(whole.read_bytes().replace(b"V_MPEG4/ISO/ASP", b"V_MPEG4/IS?/ASP"))
    with pytest.raises(SourceError, match=r"cannot decode .*clip.mkv: its codec is unknown"):
        list(open_source(whole))
