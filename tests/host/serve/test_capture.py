"""Sources over and over, at their pace; cameras that are not there, go, and come back."""

import time

import cv2
import numpy as np
import pytest

from host.errors import SourceError
from host.media.video import Frame
from host.serve import capture
from host.serve.capture import Capture, check_source, fitted, is_camera
from host.serve.limits import TRACKED_SIDE
from host.serve.notices import Notices
from tests.host.scenes import HEIGHT, WIDTH, both_frame
from tests.host.serve.shows import until, write_clip


@pytest.fixture
def started(monkeypatch):
    """Starts captures and ends them; cameras are waited for without patience."""
    monkeypatch.setattr(capture, "RETRY_S", 0.02)
    running = []

    def start(source):
        running.append(Capture(str(source), lambda frame: frame[:1, :1], Notices()))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.stop()


class Camera:
    """Gives `count` frames and is unplugged then."""

    description, fps, count = "camera 7", 30.0, None

    def __init__(self, count):
        self.frames = count

    def __iter__(self):
        for index in range(self.frames):
            yield Frame(index, f"{index}", both_frame(index), index / 30)
        raise SourceError(f"camera 7 gave no frame {self.frames}", "check its cable")


def test_a_file_goes_round_at_its_own_pace(started, tmp_path):
    one = started(write_clip(tmp_path / "clip.mp4", frames=6, fps=60.0))
    began = time.monotonic()
    until(lambda: one.shots.get()[0] >= 14, "a third time through the clip")
    assert time.monotonic() - began > 11 / 60  # no faster than it was filmed
    shot = one.shots.get()[1]
    assert shot.opened >= 3 and shot.frame.shape == (HEIGHT, WIDTH, 3)
    assert (shot.codes == shot.frame[:1, :1]).all()
    assert one.notices.lines() == []


def test_a_held_file_stands_still(started, tmp_path):
    one = started(write_clip(tmp_path / "clip.mp4", frames=60))
    until(lambda: one.shots.get()[0] >= 2)
    one.playing.clear()
    time.sleep(0.1)
    version, _ = one.shots.get()
    time.sleep(0.25)
    assert one.shots.get()[0] <= version + 1
    one.playing.set()
    until(lambda: one.shots.get()[0] > version + 2, "the clip going on")


def test_a_camera_that_is_not_there_is_waited_for(started, monkeypatch):
    there: list[bool] = []

    def opened(self):
        if not there:
            raise SourceError("there is no camera 7", "plug it in")
        return Camera(1000)

    monkeypatch.setattr(Capture, "_open", opened)
    one = started("7")
    until(one.notices.lines)
    assert one.notices.lines() == ["there is no camera 7 (plug it in); trying again"]
    assert one.shots.get() == (0, None)
    there.append(True)
    until(lambda: one.shots.get()[1], "the first frame")
    until(lambda: not one.notices.lines(), "the message going away")


def test_a_camera_unplugged_mid_way_is_said_and_comes_back(started, monkeypatch):
    heard = []
    monkeypatch.setattr(Capture, "_open", lambda self: Camera(3))
    monkeypatch.setattr(Notices, "set", lambda self, topic, line: heard.append(line))
    one = started("7")
    until(lambda: one.shots.get()[0] >= 7, "frames after it was plugged in again")
    assert heard[0] == "camera 7 gave no frame 3 (check its cable); trying again"
    assert one.shots.get()[1].opened >= 3


def test_a_camera_without_frames_is_silent(started, monkeypatch):
    monkeypatch.setattr(capture, "SILENT_S", 0.05)
    monkeypatch.setattr(Capture, "_open", lambda self: Camera(10**9))
    one = started("7")
    until(lambda: one.shots.get()[1])
    one.stop()
    until(lambda: one.silent, "the silence")


def test_a_real_machine_without_a_camera_says_so_in_one_line(started, capfd):
    one = started("97")
    until(one.notices.lines)
    assert one.notices.lines()[0].startswith("there is no camera 97 (plug it in")
    assert "VIDEOIO" not in capfd.readouterr().err


def test_what_cannot_be_read_is_refused_before_anything_starts(tmp_path):
    check_source("3")  # a camera may come later
    with pytest.raises(SourceError, match="no video, folder or camera"):
        check_source(str(tmp_path / "none.mp4"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no frames"):
        check_source(str(tmp_path / "empty"))


def test_a_file_that_is_called_like_a_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_camera("0") and not is_camera("clip.mp4") and not is_camera("²")
    write_clip(tmp_path / "c.mp4").rename("0")
    assert not is_camera("0")


def test_frames_too_large_are_shrunk(started, tmp_path):
    wide = np.zeros((30, 3000, 3), np.uint8)
    assert fitted(wide, TRACKED_SIDE).shape == (19, TRACKED_SIDE, 3)
    assert fitted(np.zeros((3000, 1, 3), np.uint8), 100).shape == (100, 1, 3)
    cv2.imwrite(str(tmp_path / "a.png"), wide)
    one = started(tmp_path)
    until(lambda: one.shots.get()[1])
    assert one.shots.get()[1].frame.shape == (19, TRACKED_SIDE, 3)


def test_a_file_that_breaks_off_begins_again(started, tmp_path):
    whole = write_clip(tmp_path / "whole.avi".replace("avi", "mkv"), frames=40).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: 2 * len(whole) // 3])
    one = started(tmp_path / "cut.mkv")
    until(one.notices.lines, "a message about the cut file")
    assert "beginning again" in one.notices.lines()[0]
    opened = one.shots.get()[1].opened
    until(lambda: one.shots.get()[1].opened > opened, "another pass")
