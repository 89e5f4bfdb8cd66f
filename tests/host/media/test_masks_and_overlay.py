"""Mask files and the drawing of masks."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from host.errors import PromptError
from host.media.masks import MaskWriter, label_map, masks_by_id, read_label_map
from host.media.overlay import colour_of, draw
from host.prompts import Prompt
from tests.host.scenes import HEIGHT, WIDTH, red_frame, square_mask, stored

SHAPE = (HEIGHT, WIDTH)


def plane(mask, strength=5.0):
    return np.where(mask, strength, -strength).astype(np.float32)


def save(path, picture):
    cv2.imwrite(str(path), picture)
    return path


def palette_png(indices, colours):
    """A palette PNG, written by hand since OpenCV writes none."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width = indices.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in indices.astype(np.uint8))
    body = chunk(b"IHDR", header) + chunk(b"PLTE", bytes(colours))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_grey_masks(tmp_path):
    mask = square_mask(5, 7)
    labels = read_label_map(save(tmp_path / "m.png", mask.astype(np.uint8) * 255))
    assert list(masks_by_id(labels)) == [1] and (masks_by_id(labels)[1] == mask).all()
    grey = np.repeat(labels[..., None], 3, 2)
    assert (read_label_map(save(tmp_path / "rgb.png", grey)) == labels).all()


def test_palette_masks_read_as_indices(tmp_path):
    # An odd width: rows of a decoded picture are padded.
    labels = (np.arange(30 * 37) % 3).astype(np.uint8).reshape(30, 37)
    path = tmp_path / "davis.png"
    path.write_bytes(palette_png(labels, [0, 0, 0, 128, 0, 0, 0, 128, 0]))
    assert (read_label_map(path) == labels).all()
    assert list(masks_by_id(labels)) == [1, 2]


def test_several_ids_keep_their_numbers():
    labels = np.zeros((4, 4), np.uint8)
    labels[0], labels[1] = 3, 9
    assert list(masks_by_id(labels)) == [3, 9]


def test_bad_masks(tmp_path):
    with pytest.raises(PromptError, match="nowhere"):
        read_label_map(tmp_path / "nowhere.png")
    (tmp_path / "noise.png").write_bytes(b"noise")
    with pytest.raises(PromptError, match=r"noise\.png"):
        read_label_map(tmp_path / "noise.png")
    with pytest.raises(PromptError, match="colour"):
        read_label_map(save(tmp_path / "colour.png", red_frame(0)))
    with pytest.raises(PromptError, match="uint16"):
        read_label_map(save(tmp_path / "deep.png", np.ones((4, 4), np.uint16)))
    with pytest.raises(PromptError, match="empty"):
        masks_by_id(np.zeros((4, 4), np.uint8))
    with pytest.raises(PromptError, match="255 values"):
        masks_by_id(np.arange(256, dtype=np.uint8).reshape(16, 16))


def test_one_object_is_written_black_and_white(tmp_path):
    writer = MaskWriter(tmp_path / "out", [4])
    path = writer.write("f007", {4: plane(square_mask(5, 7))}, SHAPE)
    assert path.name == "f007.png"
    found = stored(path)
    assert set(np.unique(found)) == {0, 255} and ((found > 0) == square_mask(5, 7)).all()
    writer.write("f008", {}, SHAPE)
    assert sorted(p.name for p in path.parent.iterdir()) == ["f007.png", "f008.png"]
    assert not stored(tmp_path / "out/f008.png").any()


def test_several_objects_are_written_by_id(tmp_path):
    writer = MaskWriter(tmp_path, [2, 5])
    near, far = square_mask(5, 7), square_mask(20, 7)
    path = writer.write("a", {2: plane(near, 3), 5: plane(far, 4)}, SHAPE)
    found = stored(path)
    assert (found[far] == 5).all() and (found[near & ~far] == 2).all()
    with pytest.raises(PromptError, match="300"):
        MaskWriter(tmp_path, [1, 300])


def test_overlaps_go_to_the_surer_object():
    everywhere = np.ones((2, 2), bool)
    assert (label_map({1: plane(everywhere, 2), 2: plane(everywhere, 1)}, (2, 2)) == 1).all()
    assert (label_map({}, (2, 2)) == 0).all()


def test_overlays_tint_the_object_and_nothing_else():
    frame = red_frame(0)
    mask = square_mask(60, 30)
    picture = draw(frame, {2: plane(mask)})
    assert (frame == red_frame(0)).all()
    inside = picture[45, 75].astype(float)
    towards = np.array(colour_of(2)) - frame[45, 75]
    assert ((inside - frame[45, 75]) * towards > 0).all()
    far = np.ones(SHAPE, bool)
    far[25:67, 55:97] = False
    assert (picture[far] == frame[far]).all()
    assert np.abs(picture[30, 62].astype(int) - colour_of(2)).max() < 60  # the outline
    assert (draw(frame, {2: plane(np.zeros(SHAPE, bool))}) == frame).all()


def test_overlays_reach_the_borders_and_show_prompts():
    frame = red_frame(0)
    assert (draw(frame, {1: plane(np.ones(SHAPE, bool))}) != frame).any(axis=2).all()
    clicks = Prompt.from_pixels(*SHAPE, points=[[0, 0], [80, 50]], labels=[1, 0])
    box = Prompt.from_pixels(*SHAPE, box=[0, 0, WIDTH - 1, HEIGHT - 1])
    picture = draw(frame, {}, {1: clicks, 2: box})
    assert (picture[0, 100] == colour_of(2)).all()
    assert picture[50, 80, 0] > 200 > 60 > picture[50, 80, 1]
    assert picture[0, 0, 1] > 150


def test_colours_repeat_only_after_a_while():
    assert len({colour_of(i) for i in range(1, 9)}) == 8
    assert colour_of(0) and colour_of(1000)
