"""Recordings: whole after the end, after losing power, and where the disk gives out."""

import os
import signal
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest

from host.errors import UsageError
from host.media.clip_writer import ClipWriter
from host.media.video import open_source
from host.serve import downloads, recording
from host.serve.commands import Play, Point, Record, Rename
from host.serve.tracking import Reply
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, overlap, square_mask
from tests.host.serve.shows import Hand, middle, show, until, write_clip

ROOT = Path(__file__).resolve().parents[3]


def test_what_is_shown_is_recorded(tmp_path):
    replies: list[Reply] = []
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        until(lambda: live.tracking.tracked.get()[1])
        live.ask(Point(*middle(0)), replies.append)
        live.ask(Record(True), replies.append)
        until(lambda: (live.recording.state() or {}).get("seconds", 0) >= 1, "a second of clip")
        with pytest.raises(UsageError, match="a recording is running"):
            live.recording.begin()
        live.ask(Record(False), replies.append)
        name = live.recording.clips[0]
        assert live.recording.state() is None
    assert [r.said for r in replies if r.said] == [f"recording {name}", f"kept {name}"]
    frames = list(open_source(tmp_path / "out" / name))
    assert len(frames) > 5 and frames[0].image.shape[1] > WIDTH  # drawn at a multiple
    end = frames[-1].time
    assert end is not None and 0.9 < end < 4  # by the clock


def test_a_recording_left_running_is_closed_at_the_end(tmp_path):
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        live.ask(Record(True), lambda reply: None)
        until(lambda: live.recording._size, "the first frame of the clip")
    (clip,) = (tmp_path / "out").iterdir()
    assert list(open_source(clip))


WRITES = """
import sys, time
from host.media.clip_writer import ClipWriter
from tests.host.scenes import both_frame
writer = ClipWriter(sys.argv[1], 30.0, live=True)
for index in range(10**6):
    writer.write(both_frame(index % 20), index / 30)
    if index == 100:
        print("now", flush=True)
    time.sleep(0.001)
"""


def test_what_losing_power_leaves_plays(tmp_path):
    """The process is killed in the middle of a frame's work; nothing of its own runs after that."""
    clip = tmp_path / "clip.mp4"
    command = [sys.executable, "-c", WRITES, str(clip)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "now\n"
        os.kill(process.pid, signal.SIGKILL)
    frames = list(open_source(clip))
    assert 60 <= len(frames) <= 101 + 40  # all but the last second
    assert overlap(frames[3].image[..., 0] > 200, square_mask(*corner(3))) > 0.8
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_live_clip_overwrites_nothing(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        ClipWriter(tmp_path / "clip.mp4", live=True).write(both_frame(0))
    assert (tmp_path / "clip.mp4").read_bytes() == b"mine"


def test_two_clips_of_one_second_have_two_names(tmp_path):
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        for _ in range(3):
            live.recording.begin()
            until(lambda: live.recording._size)
            live.recording.end()
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "file" / "out") as live:
        replies: list[Reply] = []
        live.ask(Record(True), replies.append)
        assert "cannot write to" in str(replies[0].error)
        assert live.recording.state() is None


def test_a_disk_that_is_full_is_said(tmp_path, monkeypatch):
    free = [10**12]
    monkeypatch.setattr(recording.shutil, "disk_usage", lambda path: Free(free[0]))
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        live.ask(Record(True), lambda reply: None)
        until(lambda: live.recording._size)
        free[0] = 1 << 20
        until(lambda: live.notices.lines(), "the message")
        assert live.notices.lines() == ["the recording ended: the disk is nearly full"]
        replies: list[Reply] = []
        live.ask(Record(True), replies.append)
        assert "1 MB are free" in str(replies[0].error)
        assert live.tracking.tracked.get()[1] is not None  # the rest goes on
    (clip,) = (tmp_path / "out").iterdir()
    assert list(open_source(clip))


class Free:
    def __init__(self, free):
        self.free = free


def test_a_write_that_fails_ends_the_recording_alone(tmp_path, monkeypatch):
    def broken(self, *arguments):
        raise OSError(28, "No space left on device")

    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        monkeypatch.setattr(ClipWriter, "write", broken)
        live.ask(Record(True), lambda reply: None)
        until(lambda: live.notices.lines())
        assert live.notices.lines() == ["the recording broke off: No space left on device"]
        assert live.recording.state() is None
        number = live.tracking.tracked.get()[1].number
        until(lambda: live.tracking.tracked.get()[1].number > number + 2)


def test_holding_the_picture_makes_no_hour_of_stillness(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST_REST", 0.2)
    with show(write_clip(tmp_path / "clip.mp4"), tmp_path / "out") as live:
        live.ask(Record(True), lambda reply: None)
        until(lambda: live.recording._size)
        live.ask(Play(False), lambda reply: None)
        time.sleep(0.6)
        before = live.recording._shown
        live.ask(Play(True), lambda reply: None)
        until(lambda: live.recording._shown > before + 0.1)
        live.recording.end()
        frames = list(open_source(tmp_path / "out" / live.recording.clips[0]))
    times = [frame.time for frame in frames if frame.time is not None]
    assert len(times) == len(frames)
    assert 0.15 < max(np.diff(times)) < 0.25


def tracked():
    hand = Hand()
    hand.frame(both_frame(0))
    hand.ask(Point(*middle(0)), Point(*middle(0, 56)))
    return hand.ask(Rename(2, "blau ä"))


def test_the_snapshot_is_the_frame_with_its_masks():
    stored = np.frombuffer(downloads.snapshot(tracked()), np.uint8)
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None
    picture = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    inside = square_mask(*corner(0))
    assert (picture[inside] != both_frame(0)[inside]).any(-1).mean() > 0.9
    assert (picture[60:, 120:] == both_frame(0)[60:, 120:]).all()


def test_masks_come_as_files_by_their_numbers():
    with zipfile.ZipFile(BytesIO(downloads.masks(tracked()))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {"frame.png", "ids.png", "object_1.png", "object_2.png", "objects.json"}

    def read(name, how):
        return cv2.imdecode(np.frombuffer(files[name], np.uint8), how)

    frame = cv2.cvtColor(read("frame.png", cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert (frame == both_frame(0)).all()
    ids = read("ids.png", cv2.IMREAD_UNCHANGED)
    for number, row in ((1, 16), (2, 56)):
        mask = read(f"object_{number}.png", cv2.IMREAD_UNCHANGED)
        assert set(np.unique(mask)) == {0, 255} and ((mask > 0) == (ids == number)).all()
        assert overlap(mask > 0, square_mask(*corner(0, row))) > 0.8
    assert '"name": "blau ä"' in files["objects.json"].decode()
