"""Frames with coloured squares that move, and the masks they should get."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from host.prompts import Prompt

HEIGHT, WIDTH, SIDE = 96, 160, 32
RED, BLUE = (250, 10, 10), (10, 10, 250)
SMALL = 8
BACKGROUND = (60, 160, 60)


def corner(index: int, row: int = 16) -> tuple[int, int]:
    """Top left corner (x, y) of a square on a frame."""
    return 10 + 4 * index, row


def draw_frame(*squares: tuple[tuple[int, int, int], int, int]) -> np.ndarray:
    """Frame with squares (colour, x, y)."""
    frame = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    for colour, x, y in squares:
        frame[y : y + SIDE, x : x + SIDE] = colour
    return frame


def square_mask(x: int, y: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + SIDE, x : x + SIDE] = True
    return mask


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union; 1 when both are empty."""
    a, b = np.asarray(a), np.asarray(b)
    union = np.logical_or(a, b).sum()
    return 1.0 if not union else float(np.logical_and(a, b).sum() / union)


def red_frame(index: int) -> np.ndarray:
    return draw_frame((RED, *corner(index)))


def both_frame(index: int) -> np.ndarray:
    return draw_frame((RED, *corner(index)), (BLUE, *corner(index, 56)))


def small_frame(index: int, x: int = 20, y: int = 30) -> np.ndarray:
    """A red square of SMALL pixels, less than a cell of the mask grid, that moves by 3 a frame."""
    frame = draw_frame()
    frame[y : y + SMALL, x + 3 * index : x + 3 * index + SMALL] = RED
    return frame


def small_mask(index: int, x: int = 20, y: int = 30) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + SMALL, x + 3 * index : x + 3 * index + SMALL] = True
    return mask


def stored(path: Path | str, flags: int = cv2.IMREAD_UNCHANGED) -> np.ndarray:
    """The picture that a file holds; a test fails by name where it is no picture."""
    found = cv2.imread(str(path), flags)
    assert found is not None, f"{path} is no picture"
    return found


def prompt(**kwargs):
    return Prompt.from_pixels(HEIGHT, WIDTH, **kwargs)


def click(x, y, label=1):
    return prompt(points=[[x, y]], labels=[label])


def box_around(x, y):
    return prompt(box=[x, y, x + SIDE - 1, y + SIDE - 1])
