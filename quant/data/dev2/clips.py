"""Clips drawn from held-out stills: several objects with ids, events by script, nothing stored.

A clip is a `Scene` of quant.data.synthetic whose layers move on exact routes, so that its frames
and masks are the same to the bit wherever the same stills are decoded alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quant.data.dev2.exact import Route, Stop, grain, shrink
from quant.data.dev2.scripts import LENGTH, SCRIPTS, Actor, Dice, Step
from quant.data.errors import DataError
from quant.data.stills import Still
from quant.data.synthetic import Layer, Scene
from quant.data.video import VideoSequence

SIZE = 256
SEED = "dev2"
NOISE = 2  # grey levels of grain

SOURCES = ("caltech101_24", "ccp", "pets", "sysu_shape", "voc_sbd", "weizmann_horse")
"""Sets whose stills show whole objects with good outlines: what is cut out comes from these."""

LEAST_SIDE = 40  # pixels, root of an object's area
LEAST_SHARE = 0.02  # of the still
MOST_LOOSE = 0.1  # of the object, outside its largest region
MOST_CUT = 0.12  # of the root of its area, in pixels on the still's edge
MOST_STRETCH = 2.6  # longer over shorter side of the box
WIDEST = 0.34  # of the frame's side, at the size that a script calls 0.24
TRIES = 400
OVERSCAN = 1.3  # a background's side over the frame's


def drawn_clips(
    stills: Sequence[Still], size: int = SIZE, sources: Sequence[str] = SOURCES
) -> list[VideoSequence]:
    """All drawn clips of the split, rendered as they are read.

    Raises DataError where a set of `sources` is missing: the clips would be others.
    """
    pools = [[s for s in stills if s.source == source] for source in sources]
    missing = [source for source, pool in zip(sources, pools, strict=True) if not pool]
    if missing:
        raise DataError(
            f"no held-out stills of {', '.join(missing)}",
            "the drawn clips need every set: see quant/data/dev2/clips.py, SOURCES",
        )
    clips = []
    for kind, (script, count) in SCRIPTS.items():
        for number in range(count):
            name = f"{kind}{number + 1}"
            clip = DrawnClip(name, script(Dice(f"{SEED}/{name}")), pools, size)
            clips.append(clip.sequence(kind))
    return clips


class DrawnClip:
    """One clip: a store of frames that are drawn when they are read."""

    def __init__(
        self, name: str, actors: Sequence[Actor], pools: Sequence[Sequence[Still]], size: int
    ) -> None:
        self.name, self.actors, self.size = name, actors, size
        self._pools = pools
        self._latest: tuple[int, NDArray[np.uint8], NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return LENGTH

    def read(self, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
        """Draws frames, each (S, S, 3) uint8 RGB."""
        return [self.frame(index)[0] for index in indices]

    def ids(self, index: int) -> NDArray[np.uint8]:
        """Returns the object ids (S, S) uint8 of a frame."""
        return self.frame(index)[1].copy()

    def frame(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A frame and its ids; the latest is kept, since both are asked for one after the other."""
        if self._latest is None or self._latest[0] != index:
            colours, ids = self.scene.composite(index)
            noise = grain(colours.shape, NOISE, (*self.name.encode(), index))
            filmed = np.clip(colours.astype(np.int16) + noise, 0, 255).astype(np.uint8)
            self._latest = index, filmed, ids
        return self._latest[1], self._latest[2]

    def sequence(self, kind: str) -> VideoSequence:
        """Returns the clip as the sequence that scoring reads."""
        known = tuple(sorted({actor.object_id for actor in self.actors} - {0}))
        masks = {index: partial(self.ids, index) for index in range(LENGTH)}
        return VideoSequence(self.name, self, masks, known, kind=kind)

    @cached_property
    def scene(self) -> Scene:
        """The clip's layers. Raises DataError where the stills hold nothing to cut out."""
        dice = Dice(f"{SEED}/{self.name}/cast")
        cast: dict[int, NDArray[np.uint8]] = {}
        layers = [self._background(dice)]
        for actor in self.actors:
            if actor.board is not None:
                layers.append(self._board(dice, actor, actor.board))
                continue
            if actor.cast not in cast:
                cast[actor.cast] = cut_out(*_draw_object(self._pools, dice), self._pixels(actor))
            picture = cast[actor.cast]
            if actor.mirrored:
                picture = np.ascontiguousarray(picture[:, ::-1])
            route = Route(tuple(self._stop(step, picture) for step in actor.steps))
            layers.append(Layer(picture, route, actor.object_id))
        return Scene(layers, self.size)

    def _pixels(self, actor: Actor) -> float:
        """The largest root of an actor's area, in pixels of the frame."""
        of_cast = [a.steps for a in self.actors if a.cast == actor.cast and a.board is None]
        return max(step.size for steps in of_cast for step in steps) * self.size

    def _stop(self, step: Step, picture: NDArray[np.uint8]) -> Stop:
        area = int((picture[..., 3] > 127).sum())
        scale = step.size * self.size / math.sqrt(area)
        # Long objects would not fit behind a board or between their neighbours.
        widest = WIDEST / 0.24 * step.size * self.size
        scale = min(scale, widest / max(picture.shape[:2]))
        return Stop(step.frame, step.x, step.y, scale, step.tilt)

    def _background(self, dice: Dice) -> Layer:
        picture = _draw_still(self._pools, dice).read_image()
        height, width = picture.shape[:2]
        scale = OVERSCAN * self.size / min(height, width)
        stops = tuple(
            Stop(
                frame,
                0.5 + dice.real(-0.08, 0.08),
                0.5 + dice.real(-0.08, 0.08),
                scale * dice.real(1, 1.08),
                dice.real(-0.02, 0.02),
            )
            for frame in (0, LENGTH // 2, LENGTH - 1)
        )
        return Layer(picture, Route(stops), labels=np.zeros((height, width), np.uint8))

    def _board(self, dice: Dice, actor: Actor, sides: tuple[float, float]) -> Layer:
        """A rectangle of a still with sides (width, height) in those of the frame."""
        wide, high = (round(v * self.size) for v in sides)
        picture = _draw_still(self._pools, dice).read_image()
        scale = max(wide / picture.shape[1], high / picture.shape[0])
        whole = Route((Stop(0, 0.5, 0.5, scale),))
        square = whole.warp(picture, 0, max(wide, high), cv2.BORDER_REFLECT_101)
        left, top = (len(square) - wide) // 2, (len(square) - high) // 2
        piece = square[top : top + high, left : left + wide]
        # Darker than its surroundings, as a post in the foreground.
        shaded = (piece.astype(np.uint16) * 3 // 4).astype(np.uint8)
        cover = np.full((high, wide, 1), 255, np.uint8)
        stops = tuple(Stop(s.frame, s.x, s.y, s.size) for s in actor.steps)
        return Layer(np.concatenate([shaded, cover], 2), Route(stops), actor.object_id)


def _draw_still(pools: Sequence[Sequence[Still]], dice: Dice) -> Still:
    pool = pools[dice.pick(len(pools))]
    return pool[dice.pick(len(pool))]


def _draw_object(
    pools: Sequence[Sequence[Still]], dice: Dice
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    for _ in range(TRIES):
        still = _draw_still(pools, dice)
        image, masks = still.read()
        if masks and is_whole(masks[0]):
            return image, masks[0]
    raise DataError(
        f"{TRIES} held-out stills hold no object to cut out",
        f"of sets such as {Path(still.name).parent}",
    )


def is_whole(mask: NDArray[np.bool_]) -> bool:
    """Tells whether a mask (H, W) looks like a whole object: large, in one piece, not cut by the
    edge.
    """
    area = int(mask.sum())
    if area < max(LEAST_SIDE**2, LEAST_SHARE * mask.size):
        return False
    *_, width, height = cv2.boundingRect(mask.astype(np.uint8))
    on_edge = int(mask[[0, -1]].sum() + mask[:, [0, -1]].sum())
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    largest = int(stats[1:, cv2.CC_STAT_AREA].max())
    return (
        max(width, height) <= MOST_STRETCH * min(width, height)
        and on_edge <= MOST_CUT * math.sqrt(area)
        and area - largest <= MOST_LOOSE * area
    )


def cut_out(image: NDArray[np.uint8], mask: NDArray[np.bool_], pixels: float) -> NDArray[np.uint8]:
    """An object with a rim of nothing around it, (h, w, 4) uint8, the fourth its cover.

    pixels: the largest root of its area that is asked for; a much larger still is shrunk by a whole
    factor, which also softens the edge.
    """
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    stacked = np.dstack([image, mask.astype(np.uint8) * 255])
    by = max(1, int(math.sqrt(int(mask.sum())) / (1.5 * pixels)))
    rim = 2 * by
    top, left = max(y - rim, 0), max(x - rim, 0)
    piece = stacked[top : y + h + rim, left : x + w + rim]
    # A still may end where its object does: the colours there go on under no cover.
    piece = np.pad(piece, ((rim, rim), (rim, rim), (0, 0)), mode="edge")
    for edge in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
        piece[edge][..., 3] = 0
    return shrink(piece, by) if by > 1 else np.ascontiguousarray(piece)
