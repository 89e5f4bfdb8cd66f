"""Sources: files, folders, cameras, and what is wrong with them."""

import sys
from typing import Any

import cv2
import numpy as np
import pytest

from host.errors import SourceError, UsageError
from host.media.clip_writer import ClipWriter
from host.media.video import (
    CameraSource,
    FolderSource,
    VideoSource,
    natural_key,
    open_source,
    read_image,
)
from tests.host.scenes import HEIGHT, WIDTH, both_frame


def test_natural_order():
    names = ["f10.png", "f9.png", "F1.png", "a.png", "10.png", "9.png"]
    assert sorted(names, key=natural_key) == [
        "9.png",
        "10.png",
        "a.png",
        "F1.png",
        "f9.png",
        "f10.png",
    ]


def test_a_folder_is_read_in_natural_order(clip_folder):
    (clip_folder / "notes.txt").write_text("not a frame")
    (clip_folder / ".hidden.png").write_text("not a frame")
    source = open_source(clip_folder)
    assert isinstance(source, FolderSource) and source.count == 10
    frames = list(source)
    assert [frame.name for frame in frames] == [f"f{i + 5}" for i in range(10)]
    assert [frame.index for frame in frames] == list(range(10))
    assert all((frame.image == both_frame(i)).all() for i, frame in enumerate(frames))
    assert all(frame.image.dtype == np.uint8 for frame in frames)


def test_grey_and_transparent_pictures_become_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 5), 9, np.uint8))
    cv2.imwrite(str(tmp_path / "alpha.png"), np.full((4, 5, 4), 9, np.uint8))
    assert read_image(tmp_path / "grey.png").shape == (4, 5, 3)
    assert read_image(tmp_path / "alpha.png").shape == (4, 5, 3)


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (HEIGHT - 1, WIDTH - 1)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_clips_are_written_and_read_back(tmp_path, size, suffix):
    writer = ClipWriter(tmp_path / f"deep/clip{suffix}", fps=25)
    frames = [both_frame(i)[: size[0], : size[1]] for i in range(6)]
    for frame in frames:
        writer.write(frame)
    assert not (tmp_path / f"deep/clip{suffix}").exists()
    path = writer.finish()
    assert path is not None
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    source = open_source(str(path))
    assert isinstance(source, VideoSource) and source.fps == pytest.approx(25)
    back = list(source)
    assert [frame.name for frame in back] == [f"{i:05d}" for i in range(6)]
    for found, wanted in zip(back, frames, strict=True):
        assert found.image.shape[0] == size[0] + size[0] % 2
        difference = found.image[: size[0], : size[1]].astype(int) - wanted
        assert np.abs(difference).mean() < 8


def test_an_aborted_clip_leaves_nothing(tmp_path):
    writer = ClipWriter(tmp_path / "clip.mp4")
    writer.write(both_frame(0))
    writer.abort()
    assert list(tmp_path.iterdir()) == []
    writer = ClipWriter(tmp_path / "clip.mp4")
    assert writer.finish() is None
    with pytest.raises(UsageError, match=r"clip\.xyz"):
        ClipWriter(tmp_path / "clip.xyz")


def test_missing_and_empty(tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        open_source(tmp_path / "nowhere.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no frames"):
        open_source(tmp_path / "empty")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceError, match=r"empty\.mp4 is empty"):
        open_source(tmp_path / "empty.mp4")


def test_corrupt_files(tmp_path, clip_folder):
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(SourceError, match=r"cannot decode .*noise\.mp4"):
        list(open_source(tmp_path / "noise.mp4"))
    writer = ClipWriter(tmp_path / "clip.mp4")
    for index in range(6):
        writer.write(both_frame(index))
    path = writer.finish()
    assert path is not None
    whole = path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"cut\.mp4"):
        list(open_source(tmp_path / "cut.mp4"))
    (clip_folder / "f8.png").write_bytes(b"\x89PNG not really")
    with pytest.raises(SourceError, match=r"f8\.png"):
        list(open_source(clip_folder))


def test_a_frame_twice(clip_folder):
    cv2.imwrite(str(clip_folder / "f7.jpg"), both_frame(0))
    with pytest.raises(SourceError, match="f7 twice"):
        open_source(clip_folder)


def test_no_camera():
    with pytest.raises(SourceError, match="camera 987"):
        open_source("987")


def test_a_camera_streams_until_it_fails(monkeypatch):
    class Capture:
        def __init__(self, number):
            self.left, self.released = 3, False

        def isOpened(self):
            return True

        def get(self, _what):
            return 30.0

        def read(self):
            self.left -= 1
            return self.left >= 0, np.full((4, 6, 3), (1, 2, 3), np.uint8)

        def release(self):
            self.released = True

    monkeypatch.setattr("host.media.video.cv2.VideoCapture", Capture)
    source = open_source(0)
    frames = []
    with pytest.raises(SourceError, match="camera 0 gave no frame 3"):
        for frame in source:
            frames.append(frame)
    assert len(frames) == 3 and frames[0].image[0, 0].tolist() == [3, 2, 1]
    assert isinstance(source, CameraSource)
    capture: Any = source._capture
    assert source.fps == 30 and capture.released


def test_without_pyav_pictures_and_cameras_still_serve(clip_folder, tmp_path, monkeypatch):
    """As on a PYNQ-Z2: a video file says what is missing."""
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"some bytes")
    monkeypatch.setitem(sys.modules, "av", None)
    assert sum(1 for _ in open_source(clip_folder)) == 10
    with pytest.raises(SourceError, match="video files need the Python package av.*folder of pic"):
        open_source(video)
    with pytest.raises(SourceError, match="package av"):
        ClipWriter(tmp_path / "out" / "clip.mp4").write(both_frame(0))
    assert not (tmp_path / "out").exists()  # nothing was begun
