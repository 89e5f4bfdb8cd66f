"""Pictures of every depth, channels and kind of file."""

import logging
import os

import cv2
import numpy as np
import pytest

from host.errors import SourceError
from host.media.levels import Levels, depth_of
from host.media.video import natural_key, open_source, read_image
from tests.host.scenes import HEIGHT, WIDTH, both_frame

GREY = both_frame(0)[..., 0]


def save(path, image):
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_files_of_fewer_bits(tmp_path, bits, suffix):
    deep = GREY.astype(np.uint16) << (bits - 8)
    found = read_image(save(tmp_path / f"deep{suffix}", deep))
    assert found.dtype == np.uint8 and (found == GREY[..., None]).all()
    colour = both_frame(0).astype(np.uint16)[..., ::-1] << (bits - 8)
    assert (read_image(save(tmp_path / f"colour{suffix}", colour)) == both_frame(0)).all()


def test_depths():
    assert [depth_of(v) for v in (0, 255, 256, 1023, 4095, 4096, 16384, 65535)] == [
        *(8, 8, 10, 10, 12, 14, 16, 16)
    ]


def test_a_sequence_has_one_depth(tmp_path, caplog):
    for index, gain in enumerate((1, 4, 16, 15, 2)):  # the first frame is nearly black
        save(tmp_path / f"{index}.png", GREY.astype(np.uint16) * gain)
    images = [frame.image for frame in open_source(tmp_path)]
    assert images[0].max() == 250 // 16 and (images[2] == GREY[..., None]).all()
    with caplog.at_level(logging.WARNING):
        levels = Levels()
        levels.rgb(np.full((2, 2), 4000, np.uint16), "frame 0")
        assert levels.rgb(np.full((2, 2), 60000, np.uint16), "frame 1").max() == 234
    assert "frame 1 holds values up to 60000, more than the 12 bits" in caplog.text


def test_channels():
    levels, colour = Levels(), both_frame(0)
    grey = np.repeat(GREY[..., None], 3, 2)
    assert (levels.rgb(GREY, "x") == grey).all() and (
        levels.rgb(GREY[..., None], "x") == grey
    ).all()
    rgba = np.concatenate([colour, GREY[..., None]], 2)
    assert (levels.rgb(rgba, "x") == colour).all()
    assert (levels.rgb(rgba[..., [2, 1, 0, 3]], "x", bgr=True) == colour).all()
    assert (levels.rgb(GREY > 100, "x") == (grey > 100) * 255).all()
    assert (levels.rgb(colour / np.float32(255), "x") == colour).all()
    for bad in (GREY[..., None, None], np.zeros((4, 5, 2), np.uint8), np.zeros(3, np.uint8)):
        with pytest.raises(SourceError, match="has the shape"):
            levels.rgb(bad, "x")


@pytest.mark.parametrize(
    "values",
    [
        GREY.astype(np.float32),
        np.where(GREY > 99, np.nan, 0).astype(np.float32),
        GREY.astype(np.int16) - 100,
        GREY.astype(np.int32) * 70000,
    ],
    ids=["floats up to 255", "NaN", "negative", "32 bits"],
)
def test_what_is_no_brightness_is_refused(tmp_path, values):
    with pytest.raises(SourceError, match=r"deep\.tif"):
        read_image(save(tmp_path / "deep.tif", values))


def test_float_and_signed_pictures_of_known_range(tmp_path):
    found = read_image(save(tmp_path / "f.tif", GREY.astype(np.float32) / 255))
    assert (found == GREY[..., None]).all()
    found = read_image(save(tmp_path / "i.tif", GREY.astype(np.int16) << 4))
    assert (found == GREY[..., None]).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(tmp_path, kind, orientation):
    Image = pytest.importorskip("PIL.Image")
    note = Image.Exif()
    note[0x0112] = orientation
    stored = both_frame(0)
    Image.fromarray(stored).save(tmp_path / "x.bin", kind, exif=note)
    look = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).swapaxes(0, 1),
        8: np.rot90(stored),
    }[orientation]
    found = read_image(tmp_path / "x.bin")
    assert found.shape == look.shape and np.abs(found.astype(int) - look).mean() < 8


@pytest.mark.parametrize("name", ["many.tif", "many.webp", "many.png"])
def test_files_of_several_pictures_are_refused(tmp_path, name):
    Image = pytest.importorskip("PIL.Image")
    one, two = Image.fromarray(both_frame(0)), Image.fromarray(both_frame(5))
    one.save(tmp_path / name, save_all=True, append_images=[two])
    with pytest.raises(SourceError, match=f"{name} holds several pictures"):
        list(open_source(tmp_path))
    one.save(tmp_path / name)
    assert len(list(open_source(tmp_path))) == 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_pictures_cut_short_are_refused(tmp_path, suffix, share):
    whole = cv2.imencode(suffix, both_frame(0))[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match="cut"):
        read_image(path)
    path.write_bytes(whole)
    assert read_image(path).shape == (HEIGHT, WIDTH, 3)


def test_a_jpeg_with_a_thumbnail_needs_its_own_end(tmp_path):
    small = cv2.imencode(".jpg", both_frame(0)[::4, ::4])[1].tobytes()
    whole = cv2.imencode(".jpg", both_frame(0))[1].tobytes()
    part = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    (tmp_path / "x.jpg").write_bytes(whole[:2] + part + whole[2:])
    assert read_image(tmp_path / "x.jpg").shape == (HEIGHT, WIDTH, 3)
    (tmp_path / "x.jpg").write_bytes((whole[:2] + part + whole[2:])[:-40])
    with pytest.raises(SourceError, match="x.jpg"):
        read_image(tmp_path / "x.jpg")


NAMES = ["a²", "a³", "٣", "10", "９", "①", "frame_½", "ж12", "ж3", "é1", "Ⅷ", "a" + "9" * 200]


def test_frame_names_of_any_script(tmp_path):
    for name in NAMES:
        save(tmp_path / "x.png", GREY)
        os.replace(tmp_path / "x.png", tmp_path / f"{name}.png")
    bytes_only = os.fsencode(str(tmp_path)) + b"/f\xff1.png"
    with open(bytes_only, "wb") as file:
        file.write((tmp_path / "10.png").read_bytes())
    frames = list(open_source(tmp_path))
    assert {f.name for f in frames} == {*NAMES, "f\udcff1"}
    assert sorted(["ж12", "ж3"], key=natural_key) == ["ж3", "ж12"]
    for name in ("²", "٣", "①", "nowhere"):
        with pytest.raises(SourceError, match="no video, folder or camera"):
            open_source(name)


def test_a_frame_twice_is_found_wherever_it_stands(tmp_path):
    for name in ("f7.jpg", "f7.p.jpg", "f7.png"):
        save(tmp_path / name, GREY)
    with pytest.raises(SourceError, match="f7 twice"):
        open_source(tmp_path)
