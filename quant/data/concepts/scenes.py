"""Drawn scenes as training images: the animals of the demo clip, any number of them, anywhere on
sea floors of other textures and colours. They teach the detector a drawn turtle, fish and starfish,
which no photo of the data sets shows, and, since most scenes show several kinds close to each other
and some leave one out, to tell them apart. Nothing else is in them, so every other concept is a
valid negative.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from host.media.demo_clip import Layer, Pose, Stage
from host.media.demo_drawings import Picture, draw_fish, draw_turtle
from quant.data.concepts.image import TRAIN, Annotation, ConceptImage, annotate
from quant.data.concepts.vocabulary import shipped_vocabulary

SIDE = 224
"""Height of a scene, pixels; its width is up to 1.8 times that."""
FIRST_SEED = 1000
"""Seeds count from here: the demo clip draws its textures from seed 0."""
KINDS = ("fish", "turtle", "starfish")
CROWDED, NEAR = 0.4, 0.18
"""This share of scenes has animals close to each other, and this is the standard deviation of their
places in sides of the scene.
"""


def drawn_scenes(count: int) -> list[ConceptImage]:
    """Training images (H,W,3) of one to six animals each; the same ones on every run."""
    annotated = frozenset(shipped_vocabulary().concepts)
    return [
        ConceptImage(
            f"drawn scene {number}",
            "drawn",
            TRAIN,
            annotated,
            partial(_picture, number),
            partial(_annotation, number),
        )
        for number in range(count)
    ]


def _picture(number: int) -> NDArray[np.uint8]:
    return _scene(number)[0]


def _annotation(number: int) -> Annotation:
    _, ids, kinds = _scene(number)
    return annotate((kind, ids == object_id) for object_id, kind in enumerate(kinds, 1))


@cache
def _scene(number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[str]]:
    """Frame (H,W,3) uint8, ids (H,W) uint8 and the kind of each id from 1 on."""
    rng = np.random.default_rng(FIRST_SEED + number)
    stage = Stage(rng, SIDE, round(SIDE * rng.uniform(1, 1.8)))
    stage.floor *= _tint(rng, 0.3) * np.float32(rng.uniform(0.6, 1.1))
    kinds = _kinds(rng)
    middle = rng.uniform(0.3, 0.7, 2) if rng.random() < CROWDED else None
    layers = [_layer(stage, i, kind, middle, rng) for i, kind in enumerate(kinds, 1)]
    frame, ids = stage.compose(layers, (rng.random(), rng.random()), rng.random())
    return frame, ids, kinds


def _kinds(rng: np.random.Generator) -> list[str]:
    """One to six animals from back to front: half the time all kinds, else two or one of them."""
    different = int(rng.choice([3, 2, 1], p=[0.5, 0.35, 0.15]))
    chosen = rng.permutation(KINDS)[:different]
    others = rng.choice(chosen, int(rng.integers(0, 7 - different)))
    return [str(kind) for kind in rng.permutation([*chosen, *others])]


def _tint(rng: np.random.Generator, most: float) -> Picture:
    """Gains (3,) of red, green and blue, half the time 1."""
    if rng.random() < 0.5:
        return np.ones(3, np.float32)
    return rng.uniform(1 - most, 1 + most, 3).astype(np.float32)


def _layer(
    stage: Stage,
    object_id: int,
    kind: str,
    middle: NDArray[np.floating] | None,
    rng: np.random.Generator,
) -> Layer:
    """An animal anywhere, or near a point: x and y in widths and heights of the frame."""
    phase = rng.uniform(0, 40)
    if kind == "fish":
        picture, largest, turn = draw_fish(stage.grain, phase), 0.8, 0.7
    elif kind == "turtle":
        picture, largest, turn = draw_turtle(stage.grain, phase), 1.0, np.pi
    else:
        picture, largest, turn = stage.starfish.copy(), 0.7, np.pi
    picture[..., :3] = np.clip(picture[..., :3] * _tint(rng, 0.2), 0, 1)
    x, y = rng.uniform(0.02, 0.98, 2) if middle is None else middle + rng.normal(0, NEAR, 2)
    size = largest * np.exp(rng.uniform(-1.5, 0))
    pose = Pose(float(x), float(y), rng.uniform(-turn, turn), bool(rng.random() < 0.5))
    return Layer(object_id, picture, pose, float(size))
