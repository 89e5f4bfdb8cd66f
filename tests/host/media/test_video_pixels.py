"""What videos say of how they are to be seen: honoured, or refused with a word."""

import logging
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from host.cli.main import main
from host.compat.sam2 import SAM2VideoPredictor
from host.errors import SourceError
from host.media.clip_writer import ClipWriter
from host.media.video import open_source
from tests.host.cli.test_main import CLICK, fake  # noqa: F401 - the fixture opens fake devices
from tests.host.fake_device import FakeDevice
from tests.host.scenes import HEIGHT, WIDTH, both_frame
from tests.host.videos import write

ONE = 1 << 16
TURNED = {
    "as stored": ((ONE, 0, 0, ONE), lambda image: image),
    "mirrored": ((-ONE, 0, 0, ONE), lambda image: image[:, ::-1]),
    "upside down": ((ONE, 0, 0, -ONE), lambda image: image[::-1]),
    "half a turn": ((-ONE, 0, 0, -ONE), lambda image: image[::-1, ::-1]),
    "quarter right": ((0, ONE, -ONE, 0), lambda image: np.rot90(image, -1)),
    "quarter left": ((0, -ONE, ONE, 0), lambda image: np.rot90(image)),
    "transposed": ((0, ONE, ONE, 0), lambda image: np.swapaxes(image, 0, 1)),
    "transposed the other way": (
        (0, -ONE, -ONE, 0),
        lambda image: np.rot90(image, 2).swapaxes(0, 1),
    ),
    "scaled alike": ((2 * ONE, 0, 0, 2 * ONE), lambda image: image),
}


def matrix(a, b, c, d):
    return [a, b, 0, c, d, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize("kind", TURNED)
def test_display_matrices_turn_and_mirror(tmp_path, kind):
    values, look = TURNED[kind]
    path = write(tmp_path / "clip.mp4", 2, stream=lambda s: s.set_display_matrix(matrix(*values)))
    (first, _) = open_source(path)
    wanted = look(both_frame(0))
    assert first.image.shape == wanted.shape
    assert np.abs(first.image.astype(int) - wanted).mean() < 8


@pytest.mark.parametrize(
    "values",
    [(46341, 46341, -46341, 46341), (ONE, 0, 0, 2 * ONE), (ONE, ONE // 2, 0, ONE), (0, 0, 0, 0)],
    ids=["45 degrees", "stretched", "sheared", "nothing"],
)
def test_other_display_matrices_are_refused(tmp_path, values):
    path = write(tmp_path / "clip.mp4", 2, stream=lambda s: s.set_display_matrix(matrix(*values)))
    with pytest.raises(SourceError, match="turned by .* stretched"):
        list(open_source(path))


GAPS = [0, 0.04, 0.08, 0.12, 1.5, 1.54, 3.0, 3.04, 6.0, 6.6]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_overlay_keeps_the_time_of_every_frame(tmp_path, clip_folder, suffix):
    path = write(tmp_path / f"clip{suffix}", times=GAPS)
    assert [f.time for f in open_source(path)] == pytest.approx(GAPS, abs=2e-3)
    assert main(["track", str(path), "--device", "fake", "--point", CLICK, "--out", "o.mp4"]) == 0
    assert [f.time for f in open_source("o.mp4")] == pytest.approx(GAPS, abs=2e-3)


def test_frames_without_a_usable_time_follow_each_other(tmp_path):
    writer = ClipWriter(tmp_path / "clip.mp4", fps=25)
    for index, time in enumerate((None, None, 0.02, 0.5, 0.5, -1, None)):
        writer.write(both_frame(index), time)
    path = writer.finish()
    assert path is not None
    times = [f.time for f in open_source(path)]
    assert times == pytest.approx([0, 0.04, 0.08, 0.5, 0.54, 0.58, 0.62], abs=1e-3)


def test_a_clip_of_film_has_its_rate(tmp_path):
    for rate in (24, 30000 / 1001, 24000 / 1001, 59.94, 7.5):
        writer = ClipWriter(tmp_path / "clip.mp4", fps=rate)
        for index in range(12):
            writer.write(both_frame(index))
        path = writer.finish()
        assert path is not None and open_source(path).fps == pytest.approx(rate, rel=2e-3)


def test_pixels_that_are_not_square_stay_so_in_the_overlay(tmp_path, clip_folder):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    def turned(stream):
        wide(stream)
        stream.set_display_matrix(matrix(0, ONE, -ONE, 0))

    for setting, aspect in ((wide, Fraction(4, 3)), (turned, Fraction(3, 4))):
        path = write(tmp_path / "clip.mp4", 3, stream=setting)
        assert next(iter(open_source(path))).aspect == aspect
        arguments = ["track", str(path), "--device", "fake", "--point", "30,30", "--out", "o.mp4"]
        assert main(arguments) == 0
        with av.open("o.mp4") as file:
            assert file.streams.video[0].sample_aspect_ratio == aspect


def deep(bits):
    def picture(index):
        grey = both_frame(index)[..., 0].astype(np.uint16)
        return grey << (bits - 8)

    return picture


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_deep_videos_are_not_black(tmp_path, bits):
    path = write(tmp_path / "deep.mkv", 3, "ffv1", "gray16le", picture=deep(bits))
    for frame in open_source(path):
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert (frame.image[..., 1] == both_frame(frame.index)[..., 0]).all()


def test_a_video_of_ten_bits_keeps_its_own_scale(tmp_path):
    path = write(tmp_path / "ten.mkv", 2, "ffv1", "gray10le", picture=deep(10))
    assert np.abs(next(iter(open_source(path))).image[..., 0] - both_frame(0)[..., 0]).max() <= 1


@pytest.mark.parametrize("pixels", ["bgr0", "gray", "yuv444p", "bgra", "yuv420p10le", "yuv422p"])
def test_pixel_formats(tmp_path, pixels):
    path = write(tmp_path / "clip.mkv", 2, "ffv1", pixels)
    image = next(iter(open_source(path))).image
    wanted = both_frame(0)
    if pixels == "gray":
        wanted = np.repeat(cv2.cvtColor(wanted, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert np.abs(image.astype(int) - wanted).mean() < 8


def test_hdr_is_brought_to_a_screens_range(tmp_path):
    def code(index):  # PQ codes of a grey page of 100 nits, with an object of 1000
        return np.where(both_frame(index)[..., :1] > 200, 192, 130).astype(np.uint8).repeat(3, 2)

    def mark(frame):
        frame.color_trc = 16

    path = write(
        tmp_path / "hdr.mkv",
        2,
        options={"crf": "1"},
        picture=code,
        stream=lambda s: setattr(s.codec_context, "color_trc", 16),
        frame=mark,
    )
    image = next(iter(open_source(path))).image
    assert image[20, 20].mean() > 250  # the brightest
    assert 120 < image[80, 150].mean() < 180  # a page, not dark grey


def test_interlaced_frames_show_one_moment(tmp_path):
    def combed(index):
        frame = both_frame(2 * index)
        frame[1::2] = both_frame(2 * index + 1)[1::2]
        return frame

    path = write(
        tmp_path / "clip.mkv",
        4,
        picture=combed,
        options={"crf": "4", "x264-params": "tff=1"},
    )
    with av.open(str(path)) as file:
        if not next(file.decode(video=0)).interlaced_frame:
            pytest.skip("this x264 does not mark fields")
    image = next(iter(open_source(path))).image.astype(int)
    rows = image[20:44, 5:60]
    assert np.abs(rows[1:] - rows[:-1]).mean() < 3  # no comb


def test_the_first_of_several_videos_is_taken_with_a_word(tmp_path, caplog):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as file:
        streams = [file.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for stream in streams:
            for index in range(3):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(both_frame(index), "rgb24")))
            file.mux(stream.encode())
    with caplog.at_level(logging.WARNING):
        assert len(list(open_source(path))) == 3
    assert "2 videos" in caplog.text


def test_predictors_see_what_one_sees(tmp_path):
    path = write(
        tmp_path / "clip.mp4",
        3,
        stream=lambda s: s.set_display_matrix(matrix(*TURNED["mirrored"][0])),
    )
    state = SAM2VideoPredictor(FakeDevice()).init_state(path)
    seen = cv2.resize(both_frame(0)[:, ::-1], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(state.images[0].astype(int) - seen).mean() < 8


class Camera:
    """A camera of OpenCV's that delivers what the test says."""

    images: list = []
    rate = 30.0

    def __init__(self, _number):
        self.left = list(self.images)

    def isOpened(self):
        return True

    def get(self, _what):
        return self.rate

    def read(self):
        return (True, self.left.pop(0)) if self.left else (False, None)

    def release(self):
        pass


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_camera_that_does_not_know_its_rate(monkeypatch, rate):
    monkeypatch.setattr("host.media.video.cv2.VideoCapture", Camera)
    monkeypatch.setattr(Camera, "rate", rate)
    assert open_source(0).fps == 24


def test_a_camera_may_deliver_any_pixels(monkeypatch):
    grey = both_frame(0)[..., 0]
    blue_first = both_frame(0)[..., ::-1]
    clear = np.concatenate([blue_first, grey[..., None]], 2)
    images = [grey, grey[..., None], blue_first, clear, grey.astype(np.uint16) << 2]
    monkeypatch.setattr("host.media.video.cv2.VideoCapture", Camera)
    monkeypatch.setattr("host.media.video.time.monotonic", iter([5, 7, 7.5, 7.6, 9, 9.5]).__next__)
    monkeypatch.setattr(Camera, "images", [*images, np.zeros((0, 0, 3), np.uint8)])
    frames = []
    with pytest.raises(SourceError, match="camera 0 gave no frame 5"):
        for frame in open_source(0):
            frames.append(frame)
    for frame, kind in zip(frames, (0, 0, 1, 1, 0), strict=True):
        wanted = both_frame(0) if kind else grey[..., None].repeat(3, 2)
        assert (frame.image == wanted).all()
    # By the clock, so that an overlay runs no faster than life.
    assert [f.time for f in frames] == pytest.approx([0, 0.5, 0.6, 2, 2.5])
