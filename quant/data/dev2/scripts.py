"""What happens in the drawn clips: routes of objects by kind of event.

Positions are shares of the frame, sizes the share of its side that the root of an object's area
takes. Every number comes from `Dice`, so that a seed gives the same script everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

LENGTH = 40  # frames
BACKGROUND = 0  # id of what is not annotated


class Dice:
    """Random numbers from `random.Random.random` alone: Python keeps its sequence for ever."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def real(self, low: float, high: float) -> float:
        return low + (high - low) * self._random()

    def pick(self, count: int) -> int:
        return min(int(self._random() * count), count - 1)

    def sign(self) -> int:
        return 1 if self._random() < 0.5 else -1

    def shuffled(self, count: int) -> list[int]:
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.pick(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


@dataclass(frozen=True)
class Step:
    """The place of an object at a frame: centre (x, y), size, tilt (tangent of half the angle)."""

    frame: int
    x: float
    y: float
    size: float
    tilt: float = 0.0


@dataclass(frozen=True)
class Actor:
    """One thing in a clip, drawn over those before it.

    object_id: 0 where it is not annotated. cast: which still it is cut from, equal numbers the
    same; mirrored: flipped, as a look-alike is. board: not cut out, a piece of the still (width
    over height of the frame) that hides what passes behind.
    """

    object_id: int
    cast: int
    steps: tuple[Step, ...]
    mirrored: bool = False
    board: tuple[float, float] | None = None


Script = Callable[[Dice], list[Actor]]


def crowd(dice: Dice) -> list[Actor]:
    """Four or five objects that change places through the middle."""
    count = 4 + dice.pick(2)
    corners = [(0.22, 0.25), (0.78, 0.26), (0.24, 0.76), (0.77, 0.75), (0.5, 0.5)]
    starts = [corners[i] for i in dice.shuffled(5)[:count]]
    actors = []
    for index, (x, y) in enumerate(starts):
        goal = starts[(index + 1) % count]
        size = dice.real(0.15, 0.26)
        bend = (dice.real(0.35, 0.65), dice.real(0.35, 0.65))
        turn = dice.real(-0.12, 0.12)
        steps = [Step(0, x, y, size), Step(dice.pick(8) + 16, *bend, size, turn)]
        steps.append(Step(LENGTH - 1, *goal, size * dice.real(0.8, 1.2)))
        actors.append(Actor(index + 1, index, tuple(steps)))
    return actors


def small(dice: Dice) -> list[Actor]:
    """Three objects of less than one per cent of the frame beside a larger one."""
    actors = [Actor(4, 3, _wander(dice, 0.5, 0.75, dice.real(0.2, 0.3), 0.12))]
    for index, (x, y) in enumerate([(0.2, 0.25), (0.5, 0.2), (0.8, 0.3)]):
        steps = _wander(dice, x, y, dice.real(0.045, 0.09), 0.16)
        actors.append(Actor(index + 1, index, steps))
    return actors


def occluded(dice: Dice) -> list[Actor]:
    """An object passes behind a board and is hidden for ten frames or so; another stays before."""
    side, y = dice.sign(), dice.real(0.4, 0.6)
    size, slow = dice.real(0.18, 0.24), dice.pick(3)
    route = (
        Step(0, 0.5 - 0.36 * side, y, size),
        Step(4, 0.5 - 0.36 * side, y, size),
        Step(13, 0.5 - 0.03 * side, y, size),
        Step(23 + slow, 0.5 + 0.03 * side, y, size),
        Step(31 + slow, 0.5 + 0.36 * side, y + dice.real(-0.1, 0.1), size),
    )
    rest = Step(0, 0.5, 0.5, 1.0)
    near = _wander(dice, 0.5, 0.82, dice.real(0.14, 0.2), 0.1)
    return [
        Actor(1, 0, route),
        Actor(BACKGROUND, 2, (rest,), board=(0.44, 1.3)),
        Actor(2, 1, near),
    ]


def absent(dice: Dice, returns: bool = True) -> list[Actor]:
    """An object leaves the frame for ten frames or more; one or two others stay."""
    side, back = dice.sign(), dice.sign()
    size, y = dice.real(0.18, 0.26), dice.real(0.35, 0.65)
    leave = 8 + dice.pick(5)
    route = [
        Step(0, 0.5 - 0.2 * side, y, size),
        Step(3, 0.5 - 0.2 * side, y, size),
        Step(leave, 0.5 + 1.1 * side, y, size),
    ]
    if returns:
        at = leave + 14
        route.append(Step(leave + 1, 0.5 + 1.1 * back, y, size))
        route.append(Step(at - 4, 0.5 + 1.1 * back, y, size))
        route.append(Step(at + 4, 0.5 + 0.18 * back, y + dice.real(-0.08, 0.08), size))
    actors = [Actor(2, 1, _wander(dice, 0.5, 0.3, dice.real(0.14, 0.22), 0.12))]
    if dice.pick(2):
        actors.append(Actor(3, 2, _wander(dice, 0.5, 0.8, dice.real(0.12, 0.2), 0.12)))
    return [*actors, Actor(1, 0, tuple(route))]


def gone(dice: Dice) -> list[Actor]:
    """Objects leave the frame as in `absent`, but never come back."""
    return absent(dice, returns=False)


def alike(dice: Dice) -> list[Actor]:
    """An object and one or two mirrored look-alikes, which pass before one another."""
    size, y = dice.real(0.17, 0.24), dice.real(0.4, 0.6)
    left, right = Step(0, 0.25, y, size), Step(0, 0.75, y + dice.real(-0.1, 0.1), size)
    meet, lift = 18 + dice.pick(5), dice.real(0.0, 0.08)
    ends = LENGTH - 1

    def across(start: Step, goal: Step, lifted: float) -> tuple[Step, ...]:
        half = Step(meet, 0.5, (start.y + goal.y) / 2 + lifted, size)
        return start, half, Step(ends, goal.x, goal.y, size)

    actors = [
        Actor(1, 0, across(left, right, lift)),
        Actor(2, 0, across(right, left, -lift), mirrored=True),
    ]
    if dice.pick(2):
        third = _wander(dice, 0.5, 0.14, size * 0.8, 0.08)
        actors.append(Actor(3, 0, third, mirrored=bool(dice.pick(2))))
    return actors


def scaled(dice: Dice) -> list[Actor]:
    """One object grows to four times its size, another shrinks to a quarter."""
    low, high = dice.real(0.09, 0.12), dice.real(0.36, 0.46)
    x = dice.real(0.26, 0.32)
    ends = LENGTH - 1
    grows = (Step(0, x, 0.3, low), Step(ends, x + 0.08, 0.5, high))
    shrinks = (Step(0, 1 - x, 0.55, high), Step(ends, 0.9 - x / 2, 0.7, low, dice.real(-0.1, 0.1)))
    return [Actor(1, 0, grows), Actor(2, 1, shrinks)]


def _wander(dice: Dice, x: float, y: float, size: float, reach: float) -> tuple[Step, ...]:
    """Four legs around a place, with a mild turn and change of size."""
    steps = []
    for frame in (0, 13, 26, LENGTH - 1):
        place = x + dice.real(-reach, reach), y + dice.real(-reach, reach) / 2
        turn = dice.real(-0.08, 0.08) if frame else 0.0
        steps.append(Step(frame, *place, size * dice.real(0.9, 1.1), turn))
    return tuple(steps)


SCRIPTS: dict[str, tuple[Script, int]] = {
    "crowd": (crowd, 5),
    "small": (small, 5),
    "occluded": (occluded, 5),
    "absent": (absent, 4),
    "gone": (gone, 2),
    "alike": (alike, 4),
    "scaled": (scaled, 4),
}
"""Kinds of clips and how many of each the split holds."""
