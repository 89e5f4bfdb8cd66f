"""Drawn scenes as training images: the animals of the demo clip, any number of them, anywhere on
sea floors of other textures. They teach the detector a drawn turtle, fish and starfish, which no
photo of the data sets shows; nothing else is in them, so every other concept is a valid negative.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from host.media.demo_clip import Layer, Pose, Stage
from host.media.demo_drawings import draw_fish, draw_turtle
from quant.data.concepts.image import TRAIN, Annotation, ConceptImage, annotate
from quant.data.concepts.vocabulary import shipped_vocabulary

SIDE = 224
"""Height of a scene, pixels; its width is up to 1.8 times that."""
FIRST_SEED = 1000
"""Seeds count from here: the demo clip draws its textures from seed 0."""
KINDS = ("fish", "turtle", "starfish")


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
    kinds = [KINDS[k] for k in rng.integers(len(KINDS), size=rng.integers(1, 7))]
    layers = [_layer(stage, i, kind, rng) for i, kind in enumerate(kinds, 1)]
    frame, ids = stage.compose(layers, (rng.random(), rng.random()), rng.random())
    return frame, ids, kinds


def _layer(stage: Stage, object_id: int, kind: str, rng: np.random.Generator) -> Layer:
    phase = rng.uniform(0, 40)
    if kind == "fish":
        picture, largest, turn = draw_fish(stage.grain, phase), 0.8, 0.7
    elif kind == "turtle":
        picture, largest, turn = draw_turtle(stage.grain, phase), 1.0, np.pi
    else:
        picture, largest, turn = stage.starfish, 0.7, np.pi
    x, y = rng.uniform(0.02, 0.98, 2)
    size = largest * np.exp(rng.uniform(-1.3, 0))
    pose = Pose(x, y, rng.uniform(-turn, turn), bool(rng.random() < 0.5))
    return Layer(object_id, picture, pose, float(size))
