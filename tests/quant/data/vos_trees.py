"""Small trees in the layouts of the video data sets, written by the tests themselves.

The film everywhere: a moving square on a grey ramp; object 1 leads, object 2 follows below.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 40


def ids_at(index):
    """Object ids (24, 40) of frame `index`."""
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[2:10, 2 + index : 12 + index] = 1
    ids[14:20, 1 + index : 7 + index] = 2
    return ids


def frame_at(index):
    """RGB frame (24, 40, 3): red object 1, blue object 2."""
    ramp = np.tile(np.linspace(60, 120, WIDTH).astype(np.uint8), (HEIGHT, 1))
    frame = np.dstack([ramp] * 3)
    frame[ids_at(index) == 1] = (230, 20, 20)
    frame[ids_at(index) == 2] = (20, 20, 230)
    return frame


def write_frames(folder: Path, count):
    folder.mkdir(parents=True)
    for i in range(count):
        cv2.imwrite(str(folder / f"{i:05d}.jpg"), frame_at(i)[..., ::-1])


def write_grey(path: Path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def write_palette(path: Path, ids):
    """Palette PNG whose colours say nothing about its ids, as data sets have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids)
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [7] * 756)
    image.save(path)


def write_lines(path: Path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def davis_2016(root: Path, count=5, resolution="480p"):
    write_frames(root / "JPEGImages" / resolution / "bear", count)
    for i in range(count):
        merged = np.where(ids_at(i) > 0, 255, 0).astype(np.uint8)
        write_grey(root / "Annotations" / resolution / "bear" / f"{i:05d}.png", merged)
    lines = [
        f"/JPEGImages/{resolution}/bear/{i:05d}.jpg /Annotations/{resolution}/bear/{i:05d}.png"
        for i in range(count)
    ]
    write_lines(root / "ImageSets" / resolution / "train.txt", *lines)


def davis_2017(root: Path, count=5):
    for name in ("dogs", "cats"):
        write_frames(root / "JPEGImages" / "480p" / name, count)
        for i in range(count):
            write_palette(root / "Annotations" / "480p" / name / f"{i:05d}.png", ids_at(i))
    write_lines(root / "ImageSets" / "2016" / "train.txt", "cats")
    write_lines(root / "ImageSets" / "2017" / "train.txt", "dogs", "cats")
    write_lines(root / "ImageSets" / "2017" / "val.txt", "cats")
