"""A small data set of coloured shapes in the layouts of Clothing Co-Parsing and Oxford-IIIT Pet."""

import cv2
import numpy as np

from tests.quant.data.vos_trees import write_grey, write_lines

COLOURS = {"boots": (200, 40, 30), "blouse": (30, 60, 220), "bag": (40, 180, 60)}


def write_street(root, count, seed=0, side=64):
    """`count` street photos: two or three of the shapes on noise; names 0000, 0001 ..."""
    rng = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    write_lines(root / "labels.txt", "null", *COLOURS)
    for number in range(count):
        image = rng.integers(90, 160, (side, side, 3), dtype=np.uint8)
        labels = np.zeros((side, side), np.uint8)
        kinds = rng.permutation(len(COLOURS))[: rng.integers(1, 4)]
        for kind in kinds:
            x, y = rng.integers(2, side - 26, 2)
            labels[y : y + 22, x : x + 22] = kind + 1
            image[y : y + 22, x : x + 22] = list(COLOURS.values())[kind]
        cv2.imwrite(str(root / f"images/{number:04}.jpg"), image[..., ::-1])
        write_grey(root / f"masks/{number:04}.png", labels)


def write_pets(root, count, seed=1, side=64):
    """`count` photos of a Bengal: a brown disc."""
    rng = np.random.default_rng(seed)
    (root / "images").mkdir(parents=True)
    for number in range(count):
        image = rng.integers(90, 160, (side, side, 3), dtype=np.uint8)
        mask = np.zeros((side, side), np.uint8)
        cv2.circle(mask, tuple(rng.integers(20, side - 20, 2).tolist()), 14, 255, -1)
        image[mask > 0] = (120, 80, 20)
        cv2.imwrite(str(root / f"images/Bengal_{number}.jpg"), image[..., ::-1])
        write_grey(root / f"masks/Bengal_{number}.png", mask)
