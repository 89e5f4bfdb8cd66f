"""Both SA-V layouts: frames with a PNG an object, and MP4 with run-length masklets."""

import json

import av
import numpy as np
import pytest

from quant.data import DataError, open_dataset, sample_video_clip
from tests.quant.data.vos_trees import (
    HEIGHT,
    WIDTH,
    frame_at,
    ids_at,
    write_frames,
    write_grey,
    write_lines,
)


def whole(index):
    """A third object that contains the second, as SA-V allows."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[12:23, index : index + 14] = True
    return mask


def objects_at(index):
    return [ids_at(index) == 1, whole(index), ids_at(index) == 2]


def sav_frames(root):
    write_frames(root / "JPEGImages_24fps" / "sav_7", 9)
    for i in (0, 4, 8):
        for number, mask in enumerate(objects_at(i)):
            path = root / "Annotations_6fps" / "sav_7" / f"{number:03d}" / f"{i:05d}.png"
            write_grey(path, mask.astype(np.uint8) * 255)
    write_lines(root / "sav_val.txt", "sav_7")


def test_frames_with_overlapping_objects(tmp_path):
    sav_frames(tmp_path)
    (video,) = open_dataset(tmp_path, "val")
    assert (video.name, len(video), video.annotated) == ("sav_7", 9, [0, 4, 8])
    assert video.object_ids == (1, 2, 3) and video.overlapping
    for number, mask in enumerate(objects_at(4), start=1):
        np.testing.assert_array_equal(video.object_mask(4, number), mask)
    # Flattened, the part lies on top of its whole.
    ids = video.mask(4)
    assert ids is not None and set(np.unique(ids)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(ids == 3, objects_at(4)[2])
    assert video.mask(1) is None


def test_clips_of_overlapping_objects_follow_one_whole_object(tmp_path):
    sav_frames(tmp_path)
    (video,) = open_dataset(tmp_path, "val")
    areas = set()
    for seed in range(30):
        _, ids = sample_video_clip(video, 3, 48, np.random.default_rng(seed))
        assert set(np.unique(ids)) == {0, 1}
        areas.add(round(float(ids[0].mean()), 3))
    # Uncropped: 80, 154 and 36 of 960 pixels; the second is not lessened by the third.
    assert any(abs(area - 154 / 960) < 0.01 for area in areas)


def test_a_missing_list_is_named(tmp_path):
    sav_frames(tmp_path)
    with pytest.raises(DataError, match="test.txt"):
        open_dataset(tmp_path, "test")


def write_video(path, count):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate, stream.gop_size = 4_000_000, 5  # seeking must land on key frames
        for i in range(count):
            picture = av.VideoFrame.from_ndarray(frame_at(i), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def sav_videos(root):
    coco = pytest.importorskip("pycocotools.mask", reason="SA-V's masklets need pycocotools")

    def encode(mask):
        code = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {"size": code["size"], "counts": code["counts"].decode()}

    folder = root / "sav_000"
    folder.mkdir(parents=True)
    write_video(folder / "sav_000001.mp4", 14)
    manual = [[encode(mask) for mask in objects_at(i)[:2]] for i in range(0, 14, 4)]
    manual[1][0] = None  # not annotated there
    auto = [[encode(objects_at(i)[2])] for i in range(0, 14, 4)]
    (folder / "sav_000001_manual.json").write_text(json.dumps({"masklet": manual}))
    (folder / "sav_000001_auto.json").write_text(json.dumps({"masklet": auto}))
    return folder


def test_masklets_of_a_video_file(tmp_path):
    sav_videos(tmp_path)
    (video,) = open_dataset(tmp_path, "train")
    assert (video.name, len(video), video.annotated) == ("sav_000001", 14, [0, 4, 8, 12])
    assert video.object_ids == (1, 2, 3)
    for number, mask in enumerate(objects_at(8), start=1):
        np.testing.assert_array_equal(video.object_mask(8, number), mask)
    assert video.object_mask(4, 1) is None  # null in the file: unknown, not hidden
    second = video.object_mask(4, 2)
    assert second is not None and second.any()


def test_frames_of_a_video_file_come_in_any_order(tmp_path):
    sav_videos(tmp_path)
    (video,) = open_dataset(tmp_path, "train")
    for index, frame in zip((12, 3, 3, 8), video.read([12, 3, 3, 8]), strict=True):
        assert frame.shape == (HEIGHT, WIDTH, 3)
        distance = [np.abs(frame.astype(int) - frame_at(i)).mean() for i in range(14)]
        assert int(np.argmin(distance)) == index
    frames, ids = sample_video_clip(video, 4, 32, np.random.default_rng(1))
    assert frames.shape == (4, 32, 32, 3) and ids[0].any()


def test_broken_sav_files_are_named(tmp_path):
    folder = sav_videos(tmp_path)
    (folder / "sav_000001_auto.json").write_text('{"masklet": [[{"size": [2]}]]}')
    (video,) = open_dataset(tmp_path, "train")
    with pytest.raises(DataError, match="auto.json"):
        video.object_mask(0, 3)
    (folder / "sav_000001.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match="sav_000001.mp4"):
        len(open_dataset(tmp_path, "train")[0])
    (folder / "sav_000001.mp4").unlink()
    with pytest.raises(DataError, match="no video .*sav_000001.mp4"):
        open_dataset(tmp_path, "train")
