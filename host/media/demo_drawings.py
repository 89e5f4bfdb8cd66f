"""The demo clip shows a sea floor, the light on it, and three animals, all of them computed.

Drawings are float32 RGB with their cover as fourth channel, (SPRITE, SPRITE, 4), each in 0..1; an
animal looks to the right. Shapes are signed distances, so that edges are soft at any size.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

SPRITE = 320
"""An animal is drawn on a square of this side, in pixels."""

Picture = NDArray[np.floating]


def noise(rng: np.random.Generator, high: int, wide: int, cells: int, octaves: int = 4) -> Picture:
    """Returns a cloudy texture (high, wide) of mean 0 and reach about 1."""
    total = np.zeros((high, wide), np.float32)
    for octave in range(octaves):
        grid = rng.normal(0, 1, (max(2, cells * high // wide), max(2, cells))).astype(np.float32)
        total += 0.55**octave * cv2.resize(grid, (wide, high), interpolation=cv2.INTER_CUBIC)
        cells *= 2
    return np.asarray(total / 2, np.float32)


def sea_floor(rng: np.random.Generator, high: int, wide: int) -> Picture:
    """Returns sand with ripples, pebbles and patches of weed, (high, wide, 3)."""
    clouds, fine = noise(rng, high, wide, 5), noise(rng, high, wide, 160, octaves=2)
    rows, columns = np.mgrid[0:high, 0:wide].astype(np.float32) / high
    ripples = np.sin(62 * rows + 14 * columns + 5 * clouds) * (0.6 + 0.4 * np.sin(3 * columns))
    light = 0.68 + 0.09 * clouds + 0.045 * ripples + 0.035 * fine
    floor = light[..., None] * _rgb(0.98, 0.91, 0.72)
    weed = 1 / (1 + np.exp(-12 * (noise(rng, high, wide, 7) - 0.55)))
    blades = 0.30 + 0.10 * np.sin(150 * columns + 9 * clouds) + 0.06 * fine
    floor += weed[..., None] * (blades[..., None] * _rgb(0.55, 0.95, 0.62) - floor)
    for _ in range(70):
        centre = (int(rng.integers(wide)), int(rng.integers(high)))
        radius = rng.uniform(0.004, 0.022) * high
        axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.6, 1))))
        tone = rng.uniform(0.3, 0.8) * rng.uniform(0.85, 1.15, 3)
        turn = float(rng.uniform(0, 180))
        below = (centre[0] + axes[0] // 3, centre[1] + axes[1] // 3)
        cv2.ellipse(floor, below, axes, turn, 0, 360, (0.28, 0.27, 0.22), -1, cv2.LINE_AA)
        cv2.ellipse(floor, centre, axes, turn, 0, 360, tone.tolist(), -1, cv2.LINE_AA)
    # Water swallows red first.
    return np.asarray(floor * _rgb(0.84, 0.98, 1.00), np.float32)


def caustics(high: int, wide: int, moment: float) -> Picture:
    """Returns the net of light that waves throw on the floor, (high, wide) in 0..1."""
    rows, columns = np.mgrid[0:high:4, 0:wide:4].astype(np.float32) * (9 / high)
    time = 7 * moment
    for step in range(1, 4):  # each turn folds the waves of the one before
        bent = rows + np.sin(columns * 1.1 + time + step) / step
        columns = columns + np.cos(rows * 1.3 - 0.8 * time + step) / step
        rows = bent
    net = 1 - np.abs(np.sin(rows) * np.cos(columns))
    return np.asarray(cv2.resize(net**4, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)


def _rgb(red: float, green: float, blue: float) -> Picture:
    return np.array([red, green, blue], np.float32)


def _canvas() -> tuple[Picture, Picture, Picture]:
    """Empty drawing and the coordinates of its pixels, -1..1, y down."""
    axis = (np.arange(SPRITE, dtype=np.float32) + 0.5) * (2 / SPRITE) - 1
    columns, rows = np.meshgrid(axis, axis)
    return np.zeros((SPRITE, SPRITE, 4), np.float32), columns, rows


def _inside(distance: Picture) -> Picture:
    """Cover of what is nearer than 0, soft over a pixel of the drawing."""
    return np.asarray(np.clip(0.5 - distance * (SPRITE / 2), 0, 1), np.float32)


def _paint(picture: Picture, cover: Picture, colour: Picture | tuple[float, ...]) -> None:
    """Lays a colour (3,) or (h, w, 3) over a drawing where the cover (h, w) says so."""
    x, y, w, h = cv2.boundingRect((cover > 0).astype(np.uint8))
    part = (slice(y, y + h), slice(x, x + w))  # most strokes touch little of the drawing
    tone = np.asarray(colour, np.float32)
    tone = tone[part] if tone.ndim == 3 else tone
    picture[part][..., :3] += cover[part][..., None] * (tone - picture[part][..., :3])
    np.maximum(picture[part][..., 3], cover[part], out=picture[part][..., 3])


def _ellipse(
    x: Picture, y: Picture, centre: tuple[float, float], axes: tuple[float, float], turn: float = 0
) -> Picture:
    """About the distance to an ellipse with these half axes, the first turned by `turn`."""
    cos, sin = np.cos(turn), np.sin(turn)
    dx, dy = x - centre[0], y - centre[1]
    along, across = (dx * cos + dy * sin) / axes[0], (dy * cos - dx * sin) / axes[1]
    return np.asarray((np.hypot(along, across) - 1) * min(axes), np.float32)


def draw_fish(grain: Picture, beat: float) -> Picture:
    """Draws an orange fish with white bands, seen from the side; `beat` (radians) moves
    its tail.
    """
    picture, x, y = _canvas()
    # The body swings more the nearer to the tail.
    y = y - 0.07 * (0.55 - x) * np.sin(beat + 2.2 * x)
    fin = _rgb(0.93, 0.38, 0.06) * (0.82 + 0.18 * np.sin(70 * y + 20 * x))[..., None]
    spread = 0.10 * np.sin(beat + 1)
    tail = np.maximum(np.abs(y) - 0.06 - 0.62 * (-x - 0.38), np.hypot(x + 0.28, y) - 0.46 - spread)
    back = np.maximum(_ellipse(x, y, (0.02, -0.27), (0.40, 0.23)), y + 0.12)
    belly = np.maximum(_ellipse(x, y, (-0.05, 0.28), (0.24, 0.20)), 0.12 - y)
    for distance in (np.maximum(tail, x + 0.34), back, belly):
        _paint(picture, _inside(distance), fin)
        _paint(picture, _inside(np.abs(distance + 0.012) - 0.012), (0.16, 0.07, 0.04))
    body = np.maximum(_ellipse(x, y, (0.08, 0), (0.52, 0.31)), -0.50 - x)
    light = 1.06 - 0.55 * np.clip(y / 0.3, -0.4, 1) ** 2 + 0.10 * grain
    scales = 1 + 0.05 * np.sin(75 * x + 6 * np.sin(40 * y)) * np.sin(60 * y)
    shade = (light * scales)[..., None]
    _paint(picture, _inside(body), _rgb(1.0, 0.50, 0.08) * shade)
    for centre, half in ((0.30, 0.055), (0.0, 0.075), (-0.32, 0.05)):
        band = np.abs(x - centre - 0.10 * np.cos(5 * y) + 0.08) - half
        _paint(picture, _inside(np.maximum(band - 0.025, body)), (0.10, 0.06, 0.06))
        _paint(picture, _inside(np.maximum(band, body)), _rgb(0.98, 0.97, 0.94) * shade)
    flap = 0.5 + 0.35 * np.sin(0.7 * beat)
    side_fin = _ellipse(x, y, (0.10, 0.10), (0.15, 0.075), flap)
    _paint(picture, _inside(side_fin), 0.9 * fin)
    _paint(picture, _inside(np.abs(side_fin + 0.008) - 0.008), (0.16, 0.07, 0.04))
    for radius, tone in ((0.062, 0.98), (0.042, 0.05)):
        _paint(picture, _inside(np.hypot(x - 0.45, y + 0.07) - radius), (tone, tone, tone))
    _paint(picture, _inside(np.hypot(x - 0.46, y + 0.085) - 0.014), (1, 1, 1))
    return picture


def draw_turtle(grain: Picture, stroke: float) -> Picture:
    """Draws a green turtle, seen from above; `stroke` (radians) moves its flippers."""
    picture, x, y = _canvas()
    skin = _rgb(0.42, 0.66, 0.30) * (0.95 + 0.22 * grain)[..., None]
    spots = np.clip(2.2 * np.sin(34 * x + 3 * grain) * np.sin(34 * y - 2 * grain) - 0.4, 0, 1)
    skin = skin * (1 - 0.45 * spots[..., None])
    row = 0.38 * np.sin(stroke)
    for side in (-1, 1):
        front = _ellipse(x, y, (0.34, side * 0.52), (0.42, 0.12), side * (1.95 + row))
        hind = _ellipse(x, y, (-0.56, side * 0.30), (0.23, 0.10), side * (2.45 - row))
        for distance in (front, hind):
            _paint(picture, _inside(distance), skin)
            _paint(picture, _inside(np.abs(distance + 0.012) - 0.012), (0.16, 0.27, 0.12))
    _paint(picture, _inside(_ellipse(x, y, (-0.66, 0), (0.16, 0.05))), skin)
    nod = 0.03 * np.sin(stroke)
    head = _ellipse(x, y, (0.66, nod), (0.19, 0.145))
    _paint(picture, _inside(_ellipse(x, y, (0.50, nod), (0.18, 0.10))), skin)
    _paint(picture, _inside(head), 1.06 * skin)
    for side in (-1, 1):
        _paint(picture, _inside(np.hypot(x - 0.72, y - nod - side * 0.085) - 0.032), (0.04,) * 3)
        _paint(picture, _inside(np.hypot(x - 0.73, y - nod - side * 0.092) - 0.010), (1, 1, 1))
    shell = _ellipse(x, y, (-0.05, 0), (0.58, 0.47))
    dome = np.clip(1.12 - 0.9 * ((x - 0.02) ** 2 + (y + 0.12) ** 2), 0.3, 1.2)[..., None]
    _paint(picture, _inside(shell), _rgb(0.34, 0.25, 0.12) * dome)
    plates, seams = _plates()
    brown = _rgb(0.55, 0.40, 0.16) + plates[..., None] * _rgb(0.16, 0.10, 0.02)
    plate = np.maximum(shell + 0.055, seams)
    _paint(picture, _inside(plate), brown * dome * (1 + 0.16 * grain)[..., None])
    _paint(picture, _inside(plate + 0.05), 1.14 * brown * dome * (1 + 0.2 * grain)[..., None])
    return picture


def draw_starfish(grain: Picture) -> Picture:
    """Draws a violet starfish with pale knobs along its arms."""
    picture, x, y = _canvas()
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    fold = np.abs((angle / (2 * np.pi) * 5 + 0.5) % 1 - 0.5) * (2 * np.pi / 5)  # from an arm's axis
    along, across = radius * np.cos(fold), radius * np.sin(fold)
    width = 0.30 * np.clip(1 - along / 0.98, 0, 1) ** 0.8 + 0.05
    star = np.maximum(across - width, along - 0.86)
    star = np.where(along > 0.80, np.hypot(along - 0.80, across) - 0.10, star)
    light = 1.10 - 1.6 * (across / (width + 0.05)) ** 2 * 0.35 + 0.22 * grain
    _paint(picture, _inside(star), _rgb(0.62, 0.20, 0.66) * light[..., None])
    _paint(picture, _inside(np.abs(star + 0.015) - 0.015), (0.34, 0.08, 0.38))
    for distance in np.arange(0.12, 0.86, 0.125):
        knob = np.hypot(along - distance, across) - 0.045 * (1.1 - 0.7 * distance)
        _paint(picture, _inside(knob), (0.98, 0.80, 0.72))
        if distance < 0.5:
            twin = np.hypot(along - distance - 0.06, across - 0.13 * (1 - distance)) - 0.022
            _paint(picture, _inside(twin), (0.95, 0.66, 0.70))
    return picture


@lru_cache(maxsize=1)  # the same on every frame
def _plates() -> tuple[Picture, Picture]:
    _, x, y = _canvas()
    return _hexagons(x + 0.05, y, 0.235)


def _hexagons(x: Picture, y: Picture, side: float) -> tuple[Picture, Picture]:
    """A honeycomb: a tone 0..1 for each cell, and the distance to its wall (inside < 0)."""
    step = np.array([side * np.sqrt(3), side * 3], np.float32)
    nearest = np.full(x.shape, np.inf, np.float32)
    second, tone = nearest.copy(), np.zeros_like(nearest)
    for k, offset in enumerate(((0, 0), (0.5, 0.5))):  # two lattices make one of hexagons
        u, v = x / step[0] + offset[0], y / step[1] + offset[1]
        for du in (-0.5, 0.5):
            for dv in (-0.5, 0.5):
                column, row = np.floor(u + du + 0.5), np.floor(v + dv + 0.5)
                far = np.hypot((u - column) * step[0], (v - row) * step[1])
                new = far < nearest - 1e-6
                other = (far > nearest + 1e-6) & ~new
                second = np.where(new, nearest, np.where(other, np.minimum(second, far), second))
                cell = (np.sin(12.9898 * column + 78.233 * row + 3.1 * k) * 43758.5453) % 1
                tone = np.where(new, cell, tone)
                nearest = np.where(new, far, nearest)
    return np.asarray(tone, np.float32), np.asarray((nearest - second) / 2 + 0.018, np.float32)
